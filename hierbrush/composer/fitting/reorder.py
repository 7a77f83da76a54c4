"""``python -m hierbrush.composer.fitting.reorder``: further drawings in the corrected order, without fitting them anew.

A drawing was fitted in the order in which its components were then written. Where a component's order has been
corrected since (`hierbrush.characters.build.corrections`), its strokes are put in the right one; drawings that are in
it already stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click

from hierbrush.characters import Component, load_library
from hierbrush.characters.build.corrections import Correction, load_corrections
from hierbrush.composer import stored
from hierbrush.composer.drawings import FILE, MAX_STROKES, FurtherDrawing, pack, read_further
from hierbrush.composer.ids import parse_ids
from hierbrush.errors import HierbrushError


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
    """Return a drawing whose corrected components are written in the right order; itself where they are already."""
    if not corrections.keys() & {drawing.char, *drawing.description}:
        return drawing
    for name, block in _parts(drawing):
        correction = corrections.get(name)
        if correction is not None and len(correction.order) == len(block):
            drawing = _in_order(drawing, name, block, correction.order)
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
    places = [turn for turn, stroke in enumerate(drawing.order) if stroke in block]
    right = load_library().stroke_types(name)
    wrong = tuple(kind for _, kind in sorted(zip(order, right, strict=True)))
    found = tuple(drawing.stroke_types[turn] for turn in places)
    if right == wrong or found != wrong or [drawing.order[turn] for turn in places] != list(block):
        return drawing
    turns = list(range(len(drawing.order)))
    for place, stroke in zip(places, order, strict=True):
        turns[place] = places[stroke]
    return replace(
        drawing,
        places=drawing.places[turns],
        stroke_types=tuple(drawing.stroke_types[turn] for turn in turns),
    )


if __name__ == "__main__":
    main()
