"""Draw docs/images/ink.png: the same line plain, wet and dry, and a dry stroke at 400 %."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import hierbrush


def main() -> None:
    """Write the picture beside this file."""
    page = hierbrush.write_text("永和九年", layout="horizontal")
    rows = [page.image(220, ink) for ink in ("plain", "wet", "dry", "fading")]
    gap = np.zeros((12, rows[0].shape[1]), np.float32)
    left = np.concatenate([part for row in rows for part in (row, gap)][:-1])
    stroke = hierbrush.write_character("永").image(1024, "dry")[560:960, 290:530]
    close = stroke.repeat(2, axis=0).repeat(2, axis=1)[: len(left)]
    close = np.pad(close, ((0, max(0, len(left) - len(close))), (24, 0)))
    picture = np.concatenate([left, close], axis=1)
    file = Path(__file__).with_name("ink.png")
    Image.fromarray(np.rint(255 * (1 - picture)).astype(np.uint8)).save(file, optimize=True)


if __name__ == "__main__":
    main()
