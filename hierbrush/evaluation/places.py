"""What composers' places are worth without a brush: their goals, drawn as outlines, among all known glyphs.

    python -m hierbrush.evaluation.places runs/composer-1/composer.safetensors runs/composer-2/composer.safetensors
    python -m hierbrush.evaluation.places imitation --weight 0.8 1 1.2 1.4
    python -m hierbrush.evaluation.places imitation --true nothing whole across down parts strokes
    python -m hierbrush.evaluation.places learned "component means" --by-typeface

A row for every composer, weight and error taken back, over all characters of the split whose components are all
known; seconds each, where `hierbrush evaluate` takes minutes. ``--true`` puts both outermost parts' left and right
sides (across), their upper and lower ones (down), all four (parts), the character's whole box (whole) or every stroke
(strokes) where the glyph has them; the rest moves along. ``--by-typeface`` gives each typeface's characters a row,
and so those that are components cut out of other characters (``in place``, see `hierbrush.characters.repertoire`).
*Sure* says how surely the ink is taken for its own glyph: the logistic of its margin in IoU over the nearest other
one, as in the composer's reward. It shows differences too small for the shares of characters that are recognised.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from hierbrush.characters import Component, load_library
from hierbrush.characters.repertoire import TYPEFACES, repertoire
from hierbrush.composer.boxes import THICKNESS
from hierbrush.composer.brief import Truth, brief_of, truth_of
from hierbrush.composer.compose import Composition
from hierbrush.composer.composers import composer
from hierbrush.composer.place import sides, stroke_goals
from hierbrush.errors import HierbrushError
from hierbrush.evaluation.composers import SHIFT
from hierbrush.evaluation.primitives import characters_of
from hierbrush.metrics import SIDE, stroke_width
from hierbrush.metrics.boxes import box_errors
from hierbrush.metrics.recognition import GlyphIndex, sureness
from hierbrush.sim import rasterise
from hierbrush.tables import aligned, counted
from hierbrush.writing.workers import mapped

F32 = NDArray[np.float32]

COLUMNS = ("weight", "centre", "size", "order", "width", "IoU", "nearest", "nearest ±2 %", "of five", "sure")
TRUE = ("nothing", "across", "down", "parts", "whole", "strokes")

_SHORTLIST = 100
_BATCH = 64  # characters in one piece of work
_X, _Y = (0, 2), (1, 3)


class PlacedCharacter(NamedTuple):
    """One character as it would be drawn: places f32 [strokes, PLACE_SIZE], and how many times as wide."""

    char: str
    stroke_types: tuple[str, ...]
    places: F32
    weight: float


class Recognised(NamedTuple):
    """Width over the glyph's; IoU with it; whether it is the nearest, also if moved, and among five; how surely."""

    width: float
    iou: float
    nearest: bool
    moved: bool
    of_five: bool
    sure: float


@cache
def _glyphs() -> tuple[GlyphIndex, dict[str, int]]:
    library = load_library()
    chars = library.characters
    return GlyphIndex(_drawn([s.outline for s in library[char].strokes]) for char in chars), {
        char: at for at, char in enumerate(chars)
    }


def _drawn(outlines: Sequence[NDArray[np.floating]]) -> NDArray[np.bool_]:
    page: NDArray[np.bool_] = rasterise(outlines, SIDE, supersample=1) >= 0.5
    return page


def recognised_all(drawings: Sequence[PlacedCharacter]) -> list[Recognised]:
    """Return `recognised` of every drawing."""
    return [recognised(drawing) for drawing in drawings]


def recognised(drawing: PlacedCharacter) -> Recognised:
    """Return how a drawing is recognised among all known glyphs."""
    index, number = _glyphs()
    goals = stroke_goals(drawing.stroke_types, drawing.places, len(drawing.places), drawing.weight)
    ink = _drawn([goal.outline for goal in goals])
    glyph = _drawn([stroke.outline for stroke in load_library()[drawing.char].strokes])
    answers, among = [number[drawing.char]], index.shortlist([ink], _SHORTLIST)
    place = int(index.ranks([ink], answers, among=among)[0])
    moved = int(index.ranks([ink], answers, shift=SHIFT, most=1, among=among)[0])
    iou = float((ink & glyph).sum() / max(1, (ink | glyph).sum()))
    sure = float(sureness(index.margins([ink], answers, among=among))[0])
    return Recognised(stroke_width(ink) / stroke_width(glyph), iou, place == 1, moved == 1, place <= 5, sure)


def taken_back(places: F32, truth: Truth, tree: Component, what: str) -> F32:
    """Return places f32 [strokes, PLACE_SIZE] with some of their errors taken back, see `TRUE`."""
    if what == "nothing":
        return places
    if what == "strokes":
        return np.concatenate([truth.places[:, :4], places[:, 4:]], axis=1)
    columns = {"across": _X, "down": _Y}.get(what, (*_X, *_Y))
    placed = places.copy()
    for part in (tree,) if what == "whole" else tree.children or (tree,):
        rows = list(part.strokes)
        mine, true = sides(places[rows]), sides(truth.places[rows])
        wanted = mine.copy()
        wanted[list(columns)] = true[list(columns)]
        thin, thin_wanted = (np.maximum(box[2:] - box[:2] - THICKNESS, 0.01) for box in (mine, wanted))
        stretch = thin_wanted / thin
        middle, middle_wanted = (mine[:2] + mine[2:]) / 2, (wanted[:2] + wanted[2:]) / 2
        placed[rows, :2] = middle_wanted + (places[rows, :2] - middle) * stretch
        placed[rows, 2:4] = np.maximum(places[rows, 2:4] - THICKNESS, 0.01) * stretch + THICKNESS
    return placed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "composers", nargs="+", help="composer.safetensors files, or names: learned, imitation, a control"
    )
    parser.add_argument(
        "--weight", nargs="+", type=float, default=[1.0], help="how many times as wide as usual the strokes are"
    )
    parser.add_argument(
        "--true", nargs="+", choices=TRUE, default=["nothing"], help="what is put where the glyph has it"
    )
    parser.add_argument("--by-typeface", action="store_true", help="also give each typeface's characters a row")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--limit", type=int, help="only the first so many characters")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        composers = [composer(name) for name in options.composers]
    except HierbrushError as error:
        parser.error(str(error))
    known = [
        (char, brief, truth_of(char))
        for char in characters_of(options.split, options.limit)
        if not (brief := brief_of(char)).unknown
    ]
    rows, drawn = [], []
    for name, composes in zip(options.composers, composers, strict=True):
        composed = composes([brief for _, brief, _ in known])
        for what in options.true:
            places = [
                taken_back(c.places, truth, c.brief.tree, what)
                for c, (_, _, truth) in zip(composed, known, strict=True)
            ]
            title = name if what == "nothing" else f"  true {what}"
            each = zip(composed, places, known, strict=True)
            numbers = [_placed(c, placed, truth) for c, placed, (_, _, truth) in each]
            for weight in options.weight:
                rows.append((title, [[weight, *row] for row in numbers]))
                drawn += [
                    PlacedCharacter(char, brief.stroke_types, placed, weight)
                    for (char, brief, _), placed in zip(known, places, strict=True)
                ]
    batches = [drawn[start : start + _BATCH] for start in range(0, len(drawn), _BATCH)]
    found: list[Recognised] = []
    with tqdm(total=len(drawn), unit="drawing", disable=None) as bar:
        for batch in mapped(recognised_all, batches, options.workers):
            found += batch
            bar.update(len(batch))
    faces = np.array([repertoire(char).typeface for char, _, _ in known]) if options.by_typeface else None
    lines = []
    for at, (title, told) in enumerate(rows):
        figures = np.column_stack([told, found[at * len(known) : (at + 1) * len(known)]])
        lines += _lines(title, figures, faces)
    print(f"{options.split}: {counted(len(known), 'character')} of known components")
    print(aligned([["", *COLUMNS], *lines], right=True))


def _placed(composition: Composition, places: F32, truth: Truth) -> list[float]:
    """Return centre and size errors, and whether the strokes are in order."""
    off = box_errors(places[:, :4], truth.places[:, :4])
    order = np.array_equal(composition.order, truth.order)
    return [float(off.centre.mean()), float(off.size.mean()), float(order)]


def _lines(title: str, figures: NDArray[np.float64], faces: NDArray[np.int64] | None) -> list[list[str]]:
    """Return a row of the table, and one for each typeface if asked."""
    chosen = {title: np.ones(len(figures), bool)}
    if faces is not None:
        named = enumerate((*TYPEFACES, "in place"))
        chosen |= {f"  {face}, {sum(faces == at)}": faces == at for at, face in named if at in faces}
    return [[name, *(f"{x:.4f}" for x in figures[among].mean(axis=0))] for name, among in chosen.items()]


if __name__ == "__main__":
    main(sys.argv[1:])
