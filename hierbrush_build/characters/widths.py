"""How wide the strokes of training characters are, by type: what `hierbrush.strokes.widths` reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters.library import CharacterLibrary
from hierbrush.characters.text import split
from hierbrush.files import write_atomically
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER
from hierbrush.strokes.widths import width_features

_RIDGE = 5.0
"""Of a type's own regression, in squares of a feature: a type with few strokes is as all types are together. Found on
validation characters, where 1 to 100 differ by less than a tenth of the spread that is left."""

Numbers = NDArray[np.float64]


def build_widths(library: CharacterLibrary) -> dict[str, list[float]]:
    """Return the slopes of `width_features` for every type: one regression of all strokes and what types add to it."""
    kinds, sides, counts, widths = [], [], [], []
    for char in library:
        if split(char) != "train":
            continue
        strokes = library[char].strokes
        for goal in (stroke.goal() for stroke in strokes):
            left, top, right, bottom = goal.box
            kinds.append(NUMBER[goal.stroke_type])
            sides.append((right - left, bottom - top))
            counts.append(len(strokes))
            widths.append(float(goal.half_width.mean()))
    known: Numbers = width_features(np.array(sides), np.array(counts))
    wanted: Numbers = np.log(widths)
    together = np.linalg.lstsq(known, wanted, rcond=None)[0]
    missing: Numbers = wanted - known @ together
    of_type = np.array(kinds)
    return {
        kind: (together + _own_slopes(known[of_type == NUMBER[kind]], missing[of_type == NUMBER[kind]])).tolist()
        for kind in ABBREVIATIONS
    }


def _own_slopes(known: Numbers, missing: Numbers) -> Numbers:
    ridge = _RIDGE * np.eye(known.shape[1])
    return np.asarray(np.linalg.solve(known.T @ known + ridge, known.T @ missing), np.float64)


def write_widths(path: Path, slopes: dict[str, list[float]]) -> None:
    """Write the slopes as JSON, a line a stroke type."""
    lines = [
        f"  {json.dumps(kind)}: {json.dumps([round(number, 5) for number in row])}" for kind, row in slopes.items()
    ]
    write_atomically(path, ('{"slopes": {\n' + ",\n".join(lines) + "\n}}\n").encode())
