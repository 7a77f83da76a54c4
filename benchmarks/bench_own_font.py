"""How near the glyphs of a font that hierbrush made are to its ink, and how large it is.

    hierbrush font --style mashan --charset gb2312 --workers 2 -o mine.ttf
    python benchmarks/bench_own_font.py mine.ttf --style mashan

Characters drawn with a seed are written again; Pillow draws the font's glyph at 250 x 250 pixels, where its baseline
falls between two rows, and the two are compared.
"""  # fmt: skip

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from hierbrush import write_character
from hierbrush.metrics import stroke_iou

SIDE = 250


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("font", type=Path, nargs="?")
    parser.add_argument("--style")
    parser.add_argument("--characters", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.font is None:
        print("no font is named, so nothing is measured")
        return
    held = [chr(code) for code in TTFont(arguments.font).getBestCmap() if 0x4E00 <= code <= 0x9FFF]
    order = np.random.default_rng(arguments.seed).permutation(len(held))
    drawn = ImageFont.truetype(arguments.font, SIDE)
    ious = []
    for at in order[: arguments.characters]:
        picture = Image.new("L", (SIDE, SIDE))
        ImageDraw.Draw(picture).text((0, round(SIDE * 0.88)), held[at], font=drawn, fill=255, anchor="ls")
        ink = write_character(held[at], style=arguments.style).image(SIDE)
        ious.append(stroke_iou(np.asarray(picture, np.float32) / 255, ink))
    size = arguments.font.stat().st_size / len(held)
    print(f"{len(held)} characters, {size:.0f} bytes each; {len(ious)} of them: "
          f"IoU with the ink {np.mean(ious):.4f}, at least {min(ious):.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
