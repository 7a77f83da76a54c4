"""Draws corners.png: where primitives went wrong, before and after they were taught by search, and after a search.

    git show 102eb64:hierbrush/strokes/weights/policies.safetensors > before.safetensors
    python docs/images/draw_corners.py before.safetensors

Test characters. Black is ink where ink is wanted, red is ink beyond it, blue what is missing. Printed is both together
as a share of the ink that is wanted in the same square.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hierbrush.characters import load_library, split
from hierbrush.planner import plan_character
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.learned import policy_at, shipped_policy
from hierbrush.strokes.rollout import write_strokes

BRUSH = BrushModel.preset("measured")
SIDE, TILE, GAP = 1024, 180, 8
# What is looked at: a stroke type, which point of the skeleton, and how much of the box around it.
PLACES = {
    "shoulder of HZ": ("HZ", 14, 0.22),
    "heel of SZ": ("SZ", 16, 0.22),
    "small HZ": ("HZ", 14, 0.3),
    "end of P": ("P", 31, 0.22),
    "end of N": ("N", 31, 0.26),
    "dot": ("D", 16, 0.24),
}
WRITERS = ("follower", "before", "taught by search", "planned")


def found(name: str, stroke_type: str) -> tuple[str, int]:
    """Return a test character and the number of its stroke of a type: a small one for what is called small."""
    library = load_library()
    sizes = []
    for char in library.characters:
        if split(char) == "test" and len(library.stroke_types(char)) <= 9:
            for number, kind in enumerate(library.stroke_types(char)):
                if kind == stroke_type:
                    sizes.append((library[char].strokes[number].goal().length, char, number))
        if len(sizes) > 60:
            break
    sizes.sort()
    _, char, number = sizes[len(sizes) // 12 if name.startswith("small") else len(sizes) * 3 // 4]
    return char, number


def corner(goal: StrokeGoal) -> int:
    """Return the point of a skeleton at which it turns most."""
    steps = np.diff(goal.skeleton.astype(float), axis=0)
    angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    turns = np.abs(angles[4:] - angles[:-4])
    return int(turns.argmax()) + 2


def tile(
    ink: NDArray[np.float32], wanted: NDArray[np.float32], centre: NDArray[np.float32], extent: float
) -> Image.Image:
    """Return a square part of the box, magnified."""
    both, over, missing = ink * wanted, ink * (1 - wanted), wanted * (1 - ink)
    room = int(extent * SIDE)
    colour = np.ones((SIDE, SIDE, 3))
    for share, value in ((both, (0.1, 0.1, 0.1)), (over, (0.9, 0.1, 0.1)), (missing, (0.25, 0.5, 1.0))):
        colour += share[..., None] * (np.array(value) - 1.0)
    whole = np.pad(np.uint8(255 * np.clip(colour, 0, 1)), ((room, room), (room, room), (0, 0)), constant_values=255)
    left, top = ((centre - extent / 2) * SIDE).round().astype(int) + room
    return Image.fromarray(whole[top : top + room, left : left + room]).resize((TILE, TILE), Image.Resampling.BILINEAR)


def wrong(ink: NDArray[np.float32], wanted: NDArray[np.float32], centre: NDArray[np.float32], extent: float) -> float:
    """Return how much ink is missing or beyond what is wanted in a square part of the box, as a share of the latter."""
    left, top = np.maximum(((centre - extent / 2) * SIDE).round().astype(int), 0)
    part = np.s_[top : top + int(extent * SIDE), left : left + int(extent * SIDE)]
    return float(np.abs(ink[part] - wanted[part]).sum() / wanted[part].sum())


def main() -> None:
    """Draw the sheet."""
    before = policy_at(sys.argv[1])
    sheet = Image.new("RGB", (110 + len(WRITERS) * (TILE + GAP), 30 + len(PLACES) * (TILE + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for column, name in enumerate(WRITERS):
        draw.text((110 + column * (TILE + GAP) + 4, 6), name, "black", font)
    for row, (name, (stroke_type, point, extent)) in enumerate(PLACES.items()):
        char, number = found(name, stroke_type)
        stroke = load_library()[char].strokes[number]
        goal = stroke.goal()
        if stroke_type in ("HZ", "SZ"):
            point = corner(goal)
        wanted = rasterise([stroke.outline], SIDE)
        paths = {
            "follower": write_strokes([goal], BRUSH, policy="zero"),
            "before": write_strokes([goal], BRUSH, policy=before),
            "taught by search": write_strokes([goal], BRUSH, policy="learned"),
            "planned": plan_character([goal], BRUSH, policy=shipped_policy(), outlines=[stroke.outline]).paths,
        }
        top = 30 + row * (TILE + GAP)
        draw.text((4, top + TILE // 2 - 10), name, "black", font)
        shares = []
        for column, writer in enumerate(WRITERS):
            ink = trace(BRUSH, list(paths[writer]), side=SIDE)
            shares.append(f"{writer} {wrong(ink, wanted, goal.skeleton[point], extent):.1%}")
            sheet.paste(tile(ink, wanted, goal.skeleton[point], extent), (110 + column * (TILE + GAP), top))
        print(f"{name}: {', '.join(shares)}")
    sheet.quantize(48).save(Path(__file__).with_name("corners.png"), optimize=True)


if __name__ == "__main__":
    main()
