"""Composed characters whose strokes references tell otherwise: what tables say they are made of may be wrong.

The file ``data/contradicted.json`` is made by ``python -m hierbrush_build.contradicted``. It knows the characters of
the URO block and of Extension A; of others there is no reference.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from hierbrush.errors import HierbrushError

FILE = Path(__file__).resolve().parent / "data" / "contradicted.json"


class Contradicted(NamedTuple):
    """Characters that references write otherwise than we do.

    Attributes:
        plainly: those that come nearer when parts are called what the table calls them; see
            `hierbrush.composer.descriptions.Describer.taken_apart`.
        near: those of which a stroke or two differ: mostly another written form, 艹 of four strokes say.
        far: those of which more do: often made of something else than the tables say.
    """

    plainly: frozenset[str]
    near: frozenset[str]
    far: frozenset[str]


@lru_cache(maxsize=1)
def load_contradicted(path: Path = FILE) -> Contradicted:
    """Return what ships with hierbrush, read once a process.

    Raises:
        HierbrushError: the file is missing or broken.
    """
    try:
        document = json.loads(path.read_bytes())
        return Contradicted(*(frozenset(document[kind]) for kind in Contradicted._fields))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HierbrushError(f"{path}: holds no comparison ({error!r}); reinstall hierbrush") from None
