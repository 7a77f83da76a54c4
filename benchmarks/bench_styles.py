"""Styles learned from few examples, judged on characters that are not among them; controls beside.

    python benchmarks/bench_styles.py MaShanZheng.ttf cwkai.ttf --others uming.ttc ukai.ttc -o results

Styles are learned from the first 20, 50 and 200 of a font's training characters that show most components, and write
test characters that are common in simplified or traditional text. Rows: our own hand (``base``); the same with the
hand's mean shift and width (``shifted``), and with its mean stretch too (``stretched``); each stroke pasted from the
example's most like it (``nearest``); the styles; and the copy (``copy``), which is the upper end. Columns:

* ``hand``: share that a judge takes for this font, among all that are named (`judge_of_hands`);
* ``strokes``: IoU of each stroke's ink with the font's, once their centres of ink lie on one another; of characters
  whose strokes were surely found in the font's glyph;
* ``nearest``: share whose nearest glyph, among all of the font's that it and the library share, is the right one;
* ``order``: share whose stroke types come in the order of the PRC's or Taiwan's references;
* ``IoU``: of the ink with the font's glyph, unmoved; ``width``: its stroke width over the glyph's.

The output folder keeps a JSON file for each font, what was parsed, and the judge; a second run goes on where the
first stopped. ``--content FONT`` writes that font's characters in each hand and asks the judge whose they are.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from judge_of_hands import Judge, characters_of, learned, of_renderings
from numpy.typing import NDArray
from tqdm import tqdm

from hierbrush.characters import load_library
from hierbrush.characters.orders import in_order, load_order_reference
from hierbrush.errors import HierbrushError
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.metrics.recognition import GlyphIndex
from hierbrush.metrics.stroke_width import stroke_width
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import write_strokes
from hierbrush.styles.chosen import chosen
from hierbrush.styles.content import in_places_of
from hierbrush.styles.controls import pasted, shifted
from hierbrush.styles.fonts import Font
from hierbrush.styles.registration import register
from hierbrush.styles.skeleton_route import strokes_of_ink
from hierbrush.styles.style import SUFFIX, Style

BRUSH = BrushModel.preset("measured")
COLUMNS = ("hand", "strokes", "nearest", "order", "IoU", "width")
RIVALS = 400  # glyphs most like the ink from afar, among which the nearest one is looked for

Ink = NDArray[np.float32]
Goals = Sequence[StrokeGoal]


class Subject:
    """A font, what was parsed of it, and where results go."""

    def __init__(self, path: Path, folder: Path, part: str, count: int, examples: int) -> None:
        self.name, self.font, self.folder = path.stem, Font(path), folder
        common = characters_of(self.font, "train", 10**6, np.random.default_rng(0))
        self.given = chosen(min(examples, len(common)), sorted(common))
        self.characters = characters_of(self.font, part, count, np.random.default_rng(0))
        self.examples = self._parsed(self.given, "examples")
        self.truth = self._parsed(self.characters, part)

    def _parsed(self, chars: Sequence[str], what: str) -> Style:
        file = self.folder / f"{self.name}-{what}-{len(chars)}{SUFFIX}"
        if not file.exists():
            with tqdm(total=len(chars), desc=f"{self.name}: {what}", disable=None) as bar:
                Style.learn(self.font.path, chars, name=self.name, progress=bar.update).save(file)
        return Style.load(file)

    def index(self) -> tuple[GlyphIndex, dict[str, int]]:
        """Return the font's glyphs, and their numbers by character."""
        library = load_library()
        chars = [char for char in self.font.characters if char in library]
        file = self.folder / f"{self.name}-glyphs.npz"
        if not file.exists():
            bar = tqdm(chars, desc=f"{self.name}: glyphs", disable=None)
            np.savez(file, inks=np.stack([np.packbits(self.font.ink(char, SIDE // 2) >= 0.5) for char in bar]))
        inks = np.load(file)["inks"]
        masks = (roomy(np.unpackbits(ink).reshape(SIDE // 2, SIDE // 2)) for ink in inks)
        return GlyphIndex(masks), {char: at for at, char in enumerate(chars)}


def roomy(ink: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return ink with paper around it, for glyphs that stand at the edge are centred too."""
    return np.pad(ink >= 0.5, SIDE // 8)  # type: ignore[operator]


def hands(subject: Subject, sizes: Iterable[int]) -> dict[str, Callable[[str], Goals]]:
    """Return what draws a character, by the row's name."""
    library, whole = load_library(), subject.examples

    def base(char: str) -> Goals:
        return [stroke.goal() for stroke in library[char].strokes]

    def of(draw: Callable[..., Goals]) -> Callable[[str], Goals]:
        return lambda char: draw(base(char), library.decomposition(char))

    rows: dict[str, Callable[[str], Goals]] = {
        "base": base,
        "shifted": of(lambda goals, tree: shifted(whole, goals, tree, stretched=False)),
        "stretched": of(lambda goals, tree: shifted(whole, goals, tree)),
        "nearest": of(lambda goals, tree: pasted(whole, goals, tree)),
    }
    for size in sizes:
        style = whole if size >= len(subject.given) else whole.of(subject.given[:size])
        rows[f"{size} examples"] = of(style.strokes)
    return rows | {"copy": lambda char: copied(subject, char)}


def copied(subject: Subject, char: str) -> Goals:
    """Return the strokes found in the font's glyph, or those of its skeleton."""
    return subject.truth.drawn(char) if char in subject.truth else strokes_of_ink(subject.font.ink(char))


def written(drawn: Sequence[Goals]) -> list[list[NDArray[np.float64]]]:
    """Return the handle's paths for the strokes of characters, which the shipped policy writes side by side."""
    paths = iter(write_strokes([goal for goals in drawn for goal in goals], BRUSH, policy="learned"))
    return [[next(paths) for _ in goals] for goals in drawn]


def inked(paths: Sequence[NDArray[np.float64]]) -> Ink:
    """Return the ink of a character."""
    return trace(BRUSH, paths, side=SIDE, box=0.12)


def strokes_alike(paths: Sequence[NDArray[np.float64]], truth: Goals) -> float:
    """Return the mean IoU of single strokes, each laid centre on centre."""
    found = []
    for path, goal in zip(paths, truth, strict=True):
        ink = inked([path])
        apart = _centre(ink) - _centre(rasterise([goal.outline], SIDE))
        found.append(stroke_iou(ink, rasterise([goal.outline + apart.astype(np.float32)], SIDE)))
    return float(np.mean(found))


def _centre(ink: Ink) -> NDArray[np.float64]:
    total = max(float(ink.sum()), 1e-9)
    middle = np.arange(SIDE) + 0.5
    return np.array([ink.sum(axis=0) @ middle, ink.sum(axis=1) @ middle]) / total / SIDE


def is_in_order(char: str, goals: Goals) -> bool | None:
    """Whether strokes come in the order of a reference; None if none has the character."""
    types = [goal.stroke_type for goal in goals]
    known = [(region, load_order_reference().order(char, region)) for region in ("prc", "tw")]
    answers = [in_order(types, order, region) for region, order in known if order is not None]
    return any(answers) if answers else None


def measured(subject: Subject, judge: Judge, sizes: Iterable[int]) -> dict[str, dict[str, float]]:
    """Return the figures of one font, by row."""
    index, numbers = subject.index()
    glyphs = [subject.font.ink(char) for char in subject.characters]
    table = {}
    for name, draw in hands(subject, sizes).items():
        drawn = [draw(char) for char in subject.characters]
        paths = written(drawn)
        inks = [inked(each) for each in paths]
        figures: dict[str, list[float]] = defaultdict(list)
        figures["hand"] = [float(answer == subject.name) for answer in judge.named(inks)]
        figures["nearest"] = nearest(index, inks, [numbers[char] for char in subject.characters])
        figures["IoU"] = [stroke_iou(*pair) for pair in zip(inks, glyphs, strict=True)]
        figures["width"] = [stroke_width(ink) / stroke_width(glyph) for ink, glyph in zip(inks, glyphs, strict=True)]
        for char, goals, each in zip(subject.characters, drawn, tqdm(paths, desc=name, disable=None), strict=True):
            if char in subject.truth:
                figures["strokes"].append(strokes_alike(each, subject.truth.drawn(char)))
                right = is_in_order(char, goals)
                figures["order"] += [] if right is None else [float(right)]
        table[name] = {column: float(np.mean(figures[column])) for column in COLUMNS}
    return table


def nearest(index: GlyphIndex, inks: Sequence[Ink], answers: Sequence[int]) -> list[float]:
    """Return for each ink whether its nearest glyph is the right one."""
    half = [roomy(ink.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))) for ink in inks]
    rivals = index.shortlist(half, RIVALS)
    return [float(place == 1) for place in index.ranks(half, answers, among=rivals)]


def content_of(font: Font, subject: Subject, judge: Judge, count: int = 40) -> dict[str, float]:
    """Return whose hand the judge sees in another font's characters that this hand writes.

    Args:
        font: whose characters they are.
        subject: whose hand it is.
        judge: who sees.
        count: of test characters.
    """
    library, drawn = load_library(), []
    for char in [char for char in subject.characters if char in font][:count]:
        glyph = library[char]
        answer = register(font.ink(char), glyph)
        if answer.accepted:
            content = in_places_of([stroke.goal() for stroke in glyph.strokes], answer.goals)
            drawn.append(subject.examples.strokes(content, glyph.decomposition))
    names = judge.named([inked(paths) for paths in written(drawn)])
    return {name: names.count(name) / len(names) for name in sorted(set(names))} | {"characters": float(len(names))}


def tell(name: str, result: dict[str, object]) -> None:
    """Print a font's rows."""
    rows: dict[str, dict[str, float]] = result["rows"]  # type: ignore[assignment]
    for row, figures in rows.items():
        cells = " | ".join(f"{figures[column]:.3f}" for column in COLUMNS)
        print(f"| {name} | {result['accepted']}/{result['characters']} | {row} | {cells} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fonts", nargs="*", type=Path)
    parser.add_argument("--others", nargs="*", type=Path, default=[], help="further fonts that the judge tells apart")
    parser.add_argument("--examples", nargs="+", type=int, default=[20, 50, 200])
    parser.add_argument("--characters", type=int, default=100)
    parser.add_argument("--split", default="test", choices=("test", "validation"))
    parser.add_argument("--content", type=Path, metavar="FONT", help="write this font's characters in each hand")
    parser.add_argument("--renderings", type=int, default=300, help="characters of each font that the judge learns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, by the font's short name")
    parser.add_argument("-o", "--output", type=Path, default=Path("bench-styles"), metavar="FOLDER")
    options = parser.parse_args()
    if not options.fonts:
        print("no font is named, so nothing is measured")
        return
    options.output.mkdir(parents=True, exist_ok=True)
    every = {path.stem: Font(path) for path in [*options.fonts, *options.others]}
    judge = learned(every, options.output / "judge.pt", characters=options.renderings)
    print(f"The judge tells {of_renderings(judge, every):.3f} of {len(every)} fonts' own validation characters.\n")
    print(f"| font | parsed | hand | {' | '.join(COLUMNS)} |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    table: dict[str, object] = {}
    for path in options.fonts:
        file = options.output / f"{path.stem}-{options.split}-{options.characters}.json"
        if not file.exists():
            try:
                subject = Subject(path, options.output, options.split, options.characters, max(options.examples))
            except HierbrushError as error:
                print(f"{path.stem}: {error}")
                continue
            result = {
                "accepted": len(subject.truth.characters),
                "characters": len(subject.characters),
                "examples": {
                    f"{size} examples": sum(char in subject.examples for char in subject.given[:size])
                    for size in options.examples
                },
                "rows": measured(subject, judge, options.examples),
            }
            file.write_text(json.dumps(result, indent=1), encoding="utf-8")
        result = json.loads(file.read_text(encoding="utf-8"))
        tell(path.stem, result)
        if options.content:
            subject = Subject(path, options.output, options.split, options.characters, max(options.examples))
            seen = content_of(Font(options.content), subject, judge)
            print(f"{options.content.stem}'s characters in this hand:", seen, flush=True)
            result["content"] = {"characters": seen.pop("characters"), "own": seen.get(path.stem, 0.0), "names": seen}
        table[path.stem.split("-")[0].split("_")[0]] = result
        if options.json:
            options.json.write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
