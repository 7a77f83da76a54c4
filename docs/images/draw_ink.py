"""Draw docs/images/ink.png: the same line plain, wet, dry and fading, and three dry strokes of one dip at 400 %."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import hierbrush
from hierbrush.ink import PRESETS, Sketch
from hierbrush.sim import BrushModel, trace

_SIZE, _GAP = 220, 12


def main() -> None:
    """Write the picture beside this file."""
    page = hierbrush.write_text("永和九年", layout="horizontal")
    rows = [page.image(_SIZE, ink) for ink in ("plain", "wet", "dry", "fading")]
    gap = np.zeros((_GAP, rows[0].shape[1]), np.float32)
    left = np.concatenate([part for row in rows for part in (row, gap)][:-1])
    close = strokes()
    above = (len(left) - len(close)) // 2
    close = np.pad(close, ((above, len(left) - len(close) - above), (2 * _GAP, 2 * _GAP)))
    picture = np.concatenate([left, close], axis=1)
    file = Path(__file__).with_name("ink.png")
    Image.fromarray(np.rint(255 * (1 - picture)).astype(np.uint8)).save(file, optimize=True)


def strokes() -> NDArray[np.float32]:
    """Return three strokes from above to below, the first after a dip, in the ink's own cells."""
    brush, paths = BrushModel(), []
    sketch = Sketch(brush, PRESETS["dry"])
    for at in range(3):
        rows = 30
        z = np.full(rows, 0.0075)
        z[0] = -0.001
        paths.append(np.column_stack([np.full(rows, 0.045 - 0.016 * at), np.linspace(0.012, 0.108, rows), z]))
        sketch.stroke(paths[-1], dip=not at)
    tone = sketch.tone(trace(brush, paths, side=1024, supersample=2))
    return tone[60:980, 50:470][:, ::-1]


if __name__ == "__main__":
    main()
