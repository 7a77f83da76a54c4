"""Fits how wide components stand that are characters by themselves: ``hierbrush/composer/data/standing.json``.

    python -m hierbrush_build.standing

After every training of the composer. Training characters alone are read, each composed as if it had never been seen;
the command prints how far the widths of validation characters of one part are off before and after.
"""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library, split
from hierbrush.characters.repertoire import IN_PLACE, repertoire
from hierbrush.composer.brief import Brief, brief_of, truth_of
from hierbrush.composer.components import load_components
from hierbrush.composer.compose import compose
from hierbrush.composer.composers import WEIGHTS
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.composer.standing import FILE, box_of, features, fitted
from hierbrush.files import write_atomically

_DECAY = 100.0
_BATCH = 64
_DIGITS = 5


def _composed(chars: list[str]) -> list[tuple[Brief, NDArray[np.float32]]]:
    policy, briefs = ComposerPolicy.load(WEIGHTS), [brief_of(char) for char in chars]
    batches = [compose(briefs[start : start + _BATCH], policy) for start in range(0, len(briefs), _BATCH)]
    return [(one.brief, one.places) for batch in batches for one in batch]


def _wholes(part: str) -> list[str]:
    library = load_library()
    return [
        char
        for char in library
        if split(char) == part and not library.decomposition(char).children and repertoire(char).typeface != IN_PLACE
    ]


def _answers(chars: list[str], composed: list[tuple[Brief, NDArray[np.float32]]]) -> NDArray[np.float64]:
    found = []
    for char, (_, places) in zip(chars, composed, strict=True):
        mine, true = box_of(places), box_of(truth_of(char).places)
        found.append([true[0] - mine[0], np.log(true[2] / mine[2])])
    return np.array(found)


def main() -> None:
    """Fit, write the file, and say what it brings."""
    components, train = load_components(), _wholes("train")
    composed = _composed(train)
    known = np.array([features(brief, places, components) for brief, places in composed])
    standing = fitted(known, _answers(train, composed), _DECAY)
    names = ("mean", "scale", "weights", "base")
    document = {name: np.round(getattr(standing, name), _DIGITS).tolist() for name in names}
    write_atomically(FILE, (json.dumps(document) + "\n").encode())
    validation = _wholes("validation")
    before = _composed(validation)
    after = [(brief, standing.placed(brief, places, components)) for brief, places in before]
    for name, places in (("before", before), ("after", after)):
        off = np.abs(_answers(validation, places)).mean(axis=0)
        print(f"{name}: {len(validation)} validation characters, middle {off[0]:.4f}, width {off[1]:.1%}")


if __name__ == "__main__":
    main()
