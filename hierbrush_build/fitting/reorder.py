"""``python -m hierbrush_build.fitting.reorder``: further drawings in the corrected order, without fitting them anew.

A drawing was fitted in the order in which its components were then written. Where a component's order has been
corrected since (`hierbrush_build.characters.corrections`), its strokes are put in the right one; drawings that are in
it already stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click

from hierbrush.characters import Component, load_library
from hierbrush.characters.orders import order_classes
from hierbrush.composer import stored
from hierbrush.composer.drawings import FILE, MAX_STROKES, FurtherDrawing, pack, read_further
from hierbrush.composer.ids import parse_ids
from hierbrush.errors import HierbrushError
from hierbrush_build.characters.corrections import Correction, load_corrections

_LEAST_ALIKE = 0.75
"""Share of a component's strokes that must be of the classes which the order before the correction has."""


@click.command()
@click.option(
    "--drawings", type=click.Path(path_type=Path, exists=True), default=FILE, help="The file, changed in place."
)
def main(drawings: Path) -> None:
    """Put further drawings in the corrected order."""
    try:
        before, corrections = read_further(drawings), load_corrections()
        after = [reordered(drawing, corrections) for drawing in before]
        tensors, strings = pack(after)
        stored.write(drawings, tensors, strings)
    except HierbrushError as error:
        raise click.ClickException(str(error)) from error
    changed = [new.char for old, new in zip(before, after, strict=True) if new is not old]
    click.echo(f"{drawings}: {len(changed)} of {len(after)} drawings were in another order: {''.join(changed)}")


def reordered(drawing: FurtherDrawing, corrections: Mapping[str, Correction]) -> FurtherDrawing:
    """Return a drawing whose components are written in the right order; itself where they are already."""
    for name, block in _parts(drawing):
        correction = corrections.get(name)
        if name not in load_library() or len(load_library().stroke_types(name)) != len(block):
            continue
        if correction is not None and list(correction.order) != sorted(correction.order):
            drawing = _in_order(drawing, name, block, correction.order)
        elif drawing.description:
            drawing = _by_number(drawing, name, block)
    return drawing


def _parts(drawing: FurtherDrawing) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the components that a drawing is described by, and the numbers of their strokes."""
    if not drawing.description:
        yield drawing.char, tuple(range(len(drawing.order)))
        return
    yield from _named(parse_ids(drawing.description, max_strokes=MAX_STROKES).tree, set(drawing.description))


def _named(part: Component, names: set[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    if part.name in names:
        yield part.name, part.strokes
        return
    for child in part.children:
        yield from _named(child, names)


def _in_order(drawing: FurtherDrawing, name: str, block: tuple[int, ...], order: tuple[int, ...]) -> FurtherDrawing:
    """Return a drawing whose component is written in the right order, if it is not.

    Args:
        drawing: the drawing.
        name: the component.
        block: numbers of its strokes.
        order: for each stroke in the right order, its place in the order before it was corrected.
    """
    turns = [turn for turn, stroke in enumerate(drawing.order) if stroke in block]
    found = order_classes(drawing.stroke_types[turn] for turn in turns)
    right = order_classes(load_library().stroke_types(name))
    wrong = "".join(kind for _, kind in sorted(zip(order, right, strict=True)))
    # The same stroke may have another type in another typeface, the last but one of 韋 for one.
    if _alike(found, wrong) <= max(_alike(found, right), _LEAST_ALIKE * len(found)):
        return drawing
    moved = list(range(len(drawing.order)))
    for turn, place in zip(turns, order, strict=True):
        moved[turn] = turns[place]
    return _moved(drawing, moved, drawing.order)


def _alike(one: str, other: str) -> int:
    return sum(a == b for a, b in zip(one, other, strict=True))


def _by_number(drawing: FurtherDrawing, name: str, block: tuple[int, ...]) -> FurtherDrawing:
    """Return a drawing whose component is written in its own order, if the library had expected another one.

    Parts that stand beside or above each other are written one after the other, as they are numbered.
    """
    turns = [turn for turn, stroke in enumerate(drawing.order) if stroke in block]
    ascending = sorted(turns, key=lambda turn: drawing.order[turn])
    types = tuple(drawing.stroke_types[turn] for turn in ascending)
    if (
        ascending == turns
        or types != load_library().stroke_types(name)
        or not _in_turn(load_library().decomposition(name))
    ):
        return drawing
    moved = list(range(len(drawing.order)))
    for turn, source in zip(turns, ascending, strict=True):
        moved[turn] = source
    return _moved(drawing, moved, tuple(drawing.order[turn] for turn in moved))


def _in_turn(part: Component) -> bool:
    return part.operator in ("", *"⿰⿱⿲⿳") and all(map(_in_turn, part.children))


def _moved(drawing: FurtherDrawing, turns: list[int], order: tuple[int, ...]) -> FurtherDrawing:
    types = tuple(drawing.stroke_types[turn] for turn in turns)
    return replace(drawing, order=order, places=drawing.places[turns], stroke_types=types)


if __name__ == "__main__":
    main()
