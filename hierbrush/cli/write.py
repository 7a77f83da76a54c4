"""``hierbrush write``: characters into files."""

from __future__ import annotations

from pathlib import Path

import click

from hierbrush.errors import HierbrushError


@click.command(short_help="Write characters into files.")
@click.argument("text")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File to write; its suffix says what: png, svg, gif, json, npz or gcode. May be given several times.",
)
@click.option(
    "--hierarchy",
    type=click.Path(path_type=Path),
    help="Draw how one character comes about to this PNG: components, boxes, strokes, ink.",
)
@click.option(
    "--policy",
    default="learned",
    show_default=True,
    help="Who moves the brush: learned, scripted, zero, random, or trained weights (file or run's folder).",
)
@click.option("--brush", default="measured", show_default=True, help="Preset of the brush: measured or round.")
@click.option(
    "--goal",
    help="Where order, places and shapes come from: decomposition or glyph.  [default: decomposition; the glyph where "
    "a component occurs in no training character]",
)
@click.option(
    "--composer", default="learned", show_default=True, help="Who composes where the goal is a decomposition."
)
@click.option(
    "--layout", help="vertical (columns, right to left) or horizontal (rows).  [default: vertical; one character alone]"
)
@click.option("--per-line", type=int, help="Start a new column or row after so many characters.")
@click.option("--cell", type=float, help="Side of a character's box in mm.  [default: 120]")
@click.option("--size", type=int, help="Pixels of a character's box in png and gif.  [default: 256 and 240]")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the policy's random numbers.")
def write(
    text: str,
    outputs: tuple[Path, ...],
    hierarchy: Path | None,
    policy: str,
    brush: str,
    goal: str | None,
    composer: str,
    layout: str | None,
    per_line: int | None,
    cell: float | None,
    size: int | None,
    seed: int,
) -> None:
    """Write TEXT, one or more Chinese characters or the description of one, into files.

    One character fills its box exactly; several, or one with a layout option, stand on a page. A description names the
    components of a character that no table knows.

    \b
    hierbrush write 永 -o yong.png -o yong.gif
    hierbrush write 永和九年 -o line.svg --layout horizontal
    hierbrush write ⿰木月 -o new.png --hierarchy how.png
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.composer.ids import is_ids
    from hierbrush.files import write_atomically
    from hierbrush.writing import Layout, Sheet, Writing, write_character, write_text
    from hierbrush.writing.result import check_size, check_suffix

    # Wrong file names are told before any work is done.
    if not outputs and hierarchy is None:
        raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
    if hierarchy is not None and hierarchy.suffix.lower() != ".png":
        raise HierbrushError(f"--hierarchy: {str(hierarchy)!r} must end in .png")
    for output in outputs:
        check_suffix(output)
    pixels = {".png", ".gif"} & {output.suffix.lower() for output in outputs}
    if size is not None:
        check_size(size)
        if not pixels:
            raise HierbrushError("--size: none of the files has pixels; only png and gif take a size")
    sheet: Sheet
    alone = layout is None and per_line is None and cell is None
    if is_ids(text) and not alone:
        raise HierbrushError("--layout, --per-line, --cell: have no meaning for a description, which is one character")
    if is_ids(text) or (len(text) == 1 and alone):
        sheet = write_character(text, goal=goal, composer=composer, brush=brush, policy=policy, seed=seed)
    else:
        fields = {"direction": layout, "per_line": per_line, "cell": None if cell is None else cell / 1e3}
        page = Layout.from_mapping({name: value for name, value in fields.items() if value is not None})
        sheet = write_text(text, layout=page, goal=goal, composer=composer, brush=brush, policy=policy, seed=seed)
    if hierarchy is not None and not isinstance(sheet, Writing):
        raise HierbrushError("--hierarchy: tells of one character alone; leave out the others and the layout")
    for output in outputs:
        takes_size = output.suffix.lower() in pixels
        click.echo(sheet.save(output, size=size if takes_size else None))
    if hierarchy is not None and isinstance(sheet, Writing):
        from hierbrush.writing.hierarchy import hierarchy_picture

        write_atomically(hierarchy, hierarchy_picture(sheet))
        click.echo(hierarchy)
