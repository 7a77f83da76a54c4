"""How well characters of fonts are copied: ink against the font's glyph, and how many are accepted; controls beside.

    python benchmarks/bench_fonts.py MaShanZheng.ttf uming.ttc --characters 200
    python benchmarks/bench_fonts.py --warped 100

For each font, characters that the font and the library share, of the test split and common in simplified or traditional
text, drawn with a seed. ``accepted`` is the share whose strokes were surely found; ``copy`` the IoU of their ink with
the glyph at 256 x 256, ``width`` their stroke width over the glyph's. Beside it, on the same characters: the library's
glyph as it is, the same stretched and moved to the font's box, discs along the strokes found, and ink written by the
skeleton alone (of every fourth character). ``ms`` is processor time for finding one character's strokes. ``wrong`` is
the share of characters accepted when looked for with the strokes of another common character that has as many, ``near``
when that is the one which looks most like it.

A font that is named without a folder is looked for below the folder HIERBRUSH_FONTS.

With ``--warped``, our own glyphs of the test split, made bolder or lighter, stretched, sheared and bent at random, so
that it is known where each stroke lies: the mean IoU of the strokes found with the true ones.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from hierbrush.characters import load_library, split
from hierbrush.metrics import SIDE, disc_oracle, stroke_iou
from hierbrush.metrics.stroke_width import stroke_width
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal, with_widths
from hierbrush.strokes.rollout import write_strokes
from hierbrush.styles.chosen import is_common
from hierbrush.styles.fonts import Font
from hierbrush.styles.lookalikes import lookalikes
from hierbrush.styles.registration import register
from hierbrush.styles.skeleton_route import strokes_of_ink

BRUSH = BrushModel.preset("measured")
COLUMNS = ("accepted", "copy", "width", "raw", "stretched", "discs", "skeleton", "wrong", "near", "ms")


def written(goals: list[StrokeGoal]) -> NDArray[np.float32]:
    """Return the ink of strokes written with the shipped policy."""
    return trace(BRUSH, write_strokes(goals, BRUSH, policy="learned"), side=SIDE, box=0.12)


def stretched(goals: list[StrokeGoal], ink: NDArray[np.float32]) -> list[StrokeGoal]:
    """Return strokes whose bounding box is that of the ink."""
    row, column = np.nonzero(ink >= 0.5)
    wanted = np.array([[column.min(), row.min()], [column.max() + 1, row.max() + 1]]) / SIDE
    outline = np.concatenate([goal.outline for goal in goals])
    low, high = outline.min(axis=0), outline.max(axis=0)
    scale = (wanted[1] - wanted[0]) / np.maximum(high - low, 0.02)
    return [goal.transformed(scale, wanted[0] - low * scale) for goal in goals]


def characters_of(font: Font, count: int, part: str, seed: int) -> list[str]:
    """Return characters of one split, in a random order."""
    library = load_library()
    shared = [char for char in font.characters if char in library and split(char) == part and is_common(char)]
    order = np.random.default_rng(seed).permutation(len(shared))
    return [shared[at] for at in order[:count]]


def measured(font: Font, char: str, number: int, seed: int) -> dict[str, float]:
    """Return the columns of one character, the ``number``-th of its font."""
    ink, glyph = font.ink(char), load_library()[char]
    goals = [stroke.goal() for stroke in glyph.strokes]
    start = time.thread_time()
    answer = register(ink, glyph)
    found = {"ms": 1e3 * (time.thread_time() - start), "accepted": float(answer.accepted)}
    if answer.accepted:
        copy = written(list(answer.goals))
        discs = disc_oracle([(goal.outline, goal.skeleton) for goal in answer.goals])
        found |= {"copy": stroke_iou(copy, ink), "width": stroke_width(copy) / stroke_width(ink)}
        found |= {"discs": stroke_iou(discs, ink)}
    found["raw"] = stroke_iou(rasterise([goal.outline for goal in goals], SIDE), ink)
    fitted = stretched(goals, ink)
    found["stretched"] = stroke_iou(rasterise([goal.outline for goal in fitted], SIDE), ink)
    if number % 4 == 0:
        found["skeleton"] = stroke_iou(written(strokes_of_ink(ink)), ink)
    others = [other for other in alike()[len(goals)] if other != char]
    if others:
        drawn = others[np.random.default_rng([seed, number]).integers(len(others))]
        for kind, other in (("wrong", drawn), ("near", nearest(char))):
            found[kind] = float(register(ink, load_library()[other]).accepted)
            if found[kind]:
                print(f"  {font.path.stem}: {char} is taken for {other} ({kind})", file=sys.stderr, flush=True)
    return found


def nearest(char: str) -> str:
    """Return the common character of as many strokes that looks most like a character."""
    lines = np.array([stroke.goal().skeleton for stroke in load_library()[char].strokes], np.float64)
    return lookalikes(lines, lines, 1)[0].char


def place_of(font: Path) -> Path:
    """Return the file of a font: as it is named, or of that name below the folder HIERBRUSH_FONTS."""
    folder = os.environ.get("HIERBRUSH_FONTS")
    found = [] if font.exists() or folder is None else sorted(Path(folder).rglob(font.name))
    return found[0] if found else font


@cache
def alike() -> dict[int, list[str]]:
    """Return common characters by their numbers of strokes."""
    library = load_library()
    found = defaultdict(list)
    for char in filter(is_common, library):
        found[len(library.stroke_types(char))].append(char)
    return found


class Results:
    """What was measured of each font and character, kept in a file if one is named."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: dict[tuple[str, str], dict[str, float]] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                font, char, row = json.loads(line)
                self._rows[font, char] = row

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._rows

    def add(self, font: str, char: str, row: dict[str, float]) -> None:
        """Keep the columns of a character."""
        self._rows[font, char] = row
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([font, char, row], ensure_ascii=False) + "\n")

    def means(self, font: str) -> dict[str, float]:
        """Return the mean of each column that was measured, and how many characters there are."""
        rows = [row for (name, _), row in self._rows.items() if name == font]
        columns = {name: [row[name] for row in rows if name in row] for name in COLUMNS}
        return {"characters": len(rows), **{name: float(np.mean(of)) for name, of in columns.items() if of}}

    def table(self, fonts: list[str]) -> str:
        """Return the table of the means."""
        lines = ["| font | characters | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
        for font in fonts:
            means = self.means(font)
            cells = [f"{means[name]:.{0 if name == 'ms' else 3}f}" if name in means else "" for name in COLUMNS]
            lines.append(f"| {font} | {means['characters']:.0f} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def warped(char: str, rng: np.random.Generator) -> list[StrokeGoal]:
    """Return a character's strokes as no hand of ours has them, within the box."""
    strokes = load_library()[char].strokes
    goals = with_widths([stroke.goal() for stroke in strokes], np.full(len(strokes), rng.uniform(0.75, 1.5)))
    bend = np.stack([gaussian_filter(rng.standard_normal((64, 64)), 10, mode="reflect") for _ in range(2)])
    bend *= 0.035 / bend.std()
    whole = np.diag(rng.uniform(0.78, 1.12, 2)) + [[0.0, rng.uniform(-0.15, 0.15)], [0.0, 0.0]]

    def moved(points: NDArray[np.float32]) -> NDArray[np.float64]:
        at = np.clip(points[:, ::-1].T, 0, 1) * 63
        bent = points + np.stack([map_coordinates(part, at, order=1) for part in bend], axis=1)
        return np.asarray((bent - 0.5) @ whole.T + 0.5)

    parts = []
    for goal in goals:
        by, shift = 1 + rng.normal(0, 0.05, 2), rng.normal(0, 0.008, 2)
        outline, line = moved(goal.outline), moved(goal.skeleton)
        middle = line.mean(axis=0)
        parts.append((goal.stroke_type, *((each - middle) * by + middle + shift for each in (outline, line))))
    drawn = np.concatenate([outline for _, outline, _ in parts])
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    scale = np.minimum(1.0, 0.94 / (high - low))
    shift = 0.5 - (low + high) / 2 * scale
    return [StrokeGoal.from_outline(kind, o * scale + shift, s * scale + shift) for kind, o, s in parts]


def tell_of_warped(count: int, seed: int) -> None:
    """Print how well strokes of known truth are found."""
    library, rng = load_library(), np.random.default_rng(seed)
    chars = [char for char in library if split(char) == "test" and is_common(char)]
    ious: list[float] = []
    raw, accepted = [], []
    for at in rng.permutation(len(chars))[:count]:
        glyph = library[chars[at]]
        truth = warped(chars[at], rng)
        ink = rasterise([goal.outline for goal in truth], SIDE)
        answer = register(ink, glyph)
        accepted.append(answer.accepted)
        raw.append(stroke_iou(rasterise([stroke.outline for stroke in glyph.strokes], SIDE), ink))
        pairs = zip(answer.goals, truth, strict=True)
        each_iou = [stroke_iou(*(rasterise([each.outline], SIDE) for each in pair)) for pair in pairs]
        ious.append(float(np.mean(each_iou)))
    sure = float(np.mean([iou for iou, yes in zip(ious, accepted, strict=True) if yes] or [np.nan]))
    print(
        f"{len(ious)} warped characters (IoU with our glyph {np.mean(raw):.3f}): accepted {np.mean(accepted):.3f}, "
        f"stroke IoU of those {sure:.3f}, of all {np.mean(ious):.3f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fonts", nargs="*", type=Path)
    parser.add_argument("--warped", type=int, default=0, metavar="COUNT")
    parser.add_argument("--characters", type=int, default=200)
    parser.add_argument("--split", default="test", choices=("test", "validation", "train"))
    parser.add_argument("--keep", type=Path, metavar="FILE", help="results so far, from which a stopped run goes on")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the means of each font are written, too")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.warped:
        tell_of_warped(arguments.warped, arguments.seed)
    if not arguments.fonts:
        return
    fonts = [Font(place_of(path)) for path in arguments.fonts]
    chosen = [characters_of(font, arguments.characters, arguments.split, arguments.seed) for font in fonts]
    results = Results(arguments.keep)
    try:
        # A character of each font in turn, so that what is finished when it is stopped tells of all.
        for number in range(max(map(len, chosen))):
            for font, chars in zip(fonts, chosen, strict=True):
                if number < len(chars) and (font.path.stem, chars[number]) not in results:
                    row = measured(font, chars[number], number, arguments.seed)
                    results.add(font.path.stem, chars[number], row)
    except KeyboardInterrupt:
        print("stopped; the same command with --keep goes on", file=sys.stderr)
    names = [font.path.stem for font in fonts]
    print(results.table(names))
    if arguments.json:
        arguments.json.write_text(json.dumps({name: results.means(name) for name in names}), encoding="utf-8")


if __name__ == "__main__":
    main()
