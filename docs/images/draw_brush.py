"""Draw docs/images/brush.png: the brush's marks beside what was measured, and a stroke with a turn.

    python docs/images/draw_brush.py

Top row: the footprint (grey) of a brush pulled straight down the page at six press depths, and in red what was measured
on a real brush at that depth: its width as a bar across the base, its length as a bar from the base to the tip, and its
offset, at the half value that the model uses, as a bar from the handle (dot) to the base. Below: the ink of a stroke
with a turn, the handle's path in red, and the tuft's footprint now and then.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hierbrush.sim import BrushBatch, BrushModel

# Press depth, width, length and offset in millimetres; real brush of arXiv 1911.08002.
MEASURED = (
    (3, 3, 3, 1.3),
    (5, 5.3, 4.8, 2.3),
    (8, 10.3, 6, 3.5),
    (10, 10.9, 7.8, 3.7),
    (13, 16, 9.3, 2.8),
    (15, 17.2, 11, 4),
)
BOX, SIDE = 0.12, 768
CELL, TOP = 150, 210
RED = (200, 30, 30)


def to_pixels(metres: NDArray[np.float64], per_metre: float, origin: tuple[float, float]) -> list[tuple[float, float]]:
    """Return points in metres as points of the picture."""
    return [(float(x) * per_metre + origin[0], float(y) * per_metre + origin[1]) for x, y in metres]


def touch(draw: ImageDraw.ImageDraw, index: int, row: tuple[float, ...]) -> None:
    """Draw the footprint at one measured depth."""
    depth, width, length, offset = (value * 1e-3 for value in row)
    batch = BrushBatch(BrushModel(), 1)
    batch.place([0.0, -0.06, depth])
    for y in np.linspace(-0.06, 0.0, 31):  # down the page until the tuft trails freely
        batch.step([0.0, y, depth])
    scale, origin = CELL / 0.022, (CELL * (index + 0.5), TOP - 90)
    draw.polygon(to_pixels(batch.footprint(0), scale, origin), fill=(215, 215, 215), outline=(0, 0, 0))
    base = 0.5 * offset
    for bar in (
        [(-width / 2, -base), (width / 2, -base)],
        [(0.0, -base), (0.0, -base - length)],
        [(0.0, 0.0), (0.0, -base)],
    ):
        draw.line(to_pixels(np.array(bar), scale, origin), fill=RED, width=2)
    x, y = origin
    draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=(0, 0, 0))
    draw.text((x - 34, 8), f"depth {row[0]:g} mm", fill=(0, 0, 0))


def main() -> None:
    """Draw the picture."""
    stops = (
        np.array([[12, 14, -1], [12, 14, 8], [90, 9, 5], [96, 15, 10], [90, 42, 7], [84, 70, 6], [76, 60, 0]]) * 1e-3
    )
    share = np.linspace(0, len(stops) - 1, 61)
    path = np.stack([np.interp(share, np.arange(len(stops)), stops[:, axis]) for axis in range(3)], axis=1)
    batch = BrushBatch(BrushModel(), 1, side=SIDE, supersample=4, box=BOX)
    batch.place(path[0])
    tufts = []
    for index, pose in enumerate(path[1:]):
        batch.step(pose)
        if index % 5 == 4:
            tufts.append(batch.footprint(0))

    scale, height = 6 * CELL / BOX, round(0.078 / BOX * 6 * CELL)
    picture = Image.new("RGB", (6 * CELL, TOP + height), (255, 255, 255))
    ink = Image.fromarray(np.rint(255 - 75 * batch.coverage(0)).astype(np.uint8)).resize((6 * CELL, 6 * CELL))
    picture.paste(ink.crop((0, 0, 6 * CELL, height)), (0, TOP))
    draw = ImageDraw.Draw(picture)
    for index, row in enumerate(MEASURED):
        touch(draw, index, row)
    for tuft in tufts:
        if len(tuft):
            draw.polygon(to_pixels(tuft, scale, (0, TOP)), outline=(60, 60, 60))
    draw.line(to_pixels(path[:, :2], scale, (0, TOP)), fill=RED, width=2)
    file = Path(__file__).with_name("brush.png")
    picture.quantize(32).save(file, optimize=True)
    print(file, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
