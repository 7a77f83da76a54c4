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
    required=True,
    type=click.Path(path_type=Path),
    help="File to write; its suffix says what: png, svg, gif, json, npz or gcode. May be given several times.",
)
@click.option("--policy", default="learned", show_default=True, help="Who moves the brush.")
@click.option("--brush", default="measured", show_default=True, help="Preset of the brush: measured or round.")
@click.option("--goal", default="glyph", show_default=True, help="Where order, places and shapes come from.")
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
    policy: str,
    brush: str,
    goal: str,
    layout: str | None,
    per_line: int | None,
    cell: float | None,
    size: int | None,
    seed: int,
) -> None:
    """Write TEXT, one or more Chinese characters, into files.

    One character fills its box exactly; several, or one with a layout option, stand on a page.

    \b
    hierbrush write 永 -o yong.png -o yong.gif
    hierbrush write 永和九年 -o line.svg --layout horizontal
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.writing import Layout, Sheet, write_character, write_text
    from hierbrush.writing.result import check_size, check_suffix

    # Wrong file names are told before any work is done.
    for output in outputs:
        check_suffix(output)
    pixels = {".png", ".gif"} & {output.suffix.lower() for output in outputs}
    if size is not None:
        check_size(size)
        if not pixels:
            raise HierbrushError("--size: none of the files has pixels; only png and gif take a size")
    sheet: Sheet
    if len(text) == 1 and layout is None and per_line is None and cell is None:
        sheet = write_character(text, goal=goal, brush=brush, policy=policy, seed=seed)
    else:
        fields = {"direction": layout, "per_line": per_line, "cell": None if cell is None else cell / 1e3}
        page = Layout.from_mapping({name: value for name, value in fields.items() if value is not None})
        sheet = write_text(text, layout=page, goal=goal, brush=brush, policy=policy, seed=seed)
    for output in outputs:
        takes_size = output.suffix.lower() in pixels
        click.echo(sheet.save(output, size=size if takes_size else None))
