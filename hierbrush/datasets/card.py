"""The card of a data set: what it is made of, how much is there, and what may be done with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hierbrush.datasets.settings import KINDS
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import UnreadableError, read_json, write_atomically
from hierbrush.resources import commit
from hierbrush.sim.observation import VERSION

CARD = "card.json"
FORMAT = 1
LICENCE = (
    "Apache-2.0; the goals are strokes of hierbrush's characters, which are under the Arphic Public License "
    "(hierbrush/characters/data/LICENSES/ARPHICPL.txt)"
)


def read_card(folder: Path) -> dict[str, Any] | None:
    """Return a data set's card, None where the folder has none.

    Raises:
        HierbrushError: there is one that cannot be read, or is another thing's.
    """
    if not (folder / CARD).exists():
        return None
    try:
        card = read_json(folder / CARD)
    except UnreadableError as error:
        raise HierbrushError(f"{folder / CARD}: {error.reason}") from None
    if card.get("format") != FORMAT or "settings" not in card or "files" not in card:
        raise HierbrushError(f"{shown(folder / CARD)} is not the card of a data set of this version of hierbrush")
    return card


def write_card(folder: Path, settings: dict[str, Any], files: dict[str, dict[str, Any]], finished: bool) -> None:
    """Write the card for the files that are there."""
    counts = {
        kind: {
            name: sum(facts["kinds"].get(kind, {}).get(name, 0) for facts in files.values())
            for name in ("strokes", "ticks")
        }
        for kind in KINDS
    }
    card = {
        "format": FORMAT,
        "finished": finished,
        "settings": settings,
        "commit": commit(),
        "licence": LICENCE,
        "observation_version": VERSION,
        "kinds": {kind: count for kind, count in counts.items() if count["ticks"]},
        "ticks": sum(facts["ticks"] for facts in files.values()),
        "strokes": sum(facts["strokes"] for facts in files.values()),
        "bytes": sum(facts["bytes"] for facts in files.values()),
        "files": files,
    }
    write_atomically(folder / CARD, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())
