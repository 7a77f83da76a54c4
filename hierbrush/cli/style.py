"""``hierbrush style``: learn a hand from examples, look at it, print sheets to practise on."""

from __future__ import annotations

from pathlib import Path

import click

from hierbrush.cli.messages import check_place
from hierbrush.errors import HierbrushError, shown


@click.group(short_help="Learn a hand from a font, pictures or a filled practice sheet.")
def style() -> None:
    """Learn a hand, look at it, and print sheets to practise on."""


@style.command(short_help="Learn a style from examples.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The style's file: NAME.style.")
@click.option(
    "--characters", help="Which characters to learn from, or how many.  [default: 200 of a font, all pictures]"
)
@click.option("--name", help="What the style is called.  [default: as the source's file]")
def learn(source: Path, output: Path, characters: str | None, name: str | None) -> None:
    """Learn from SOURCE: a font, a folder of pictures named by their characters, or photographs of practice sheets.

    \b
    hierbrush style learn MaShanZheng.ttf -o mashan.style --characters 200
    hierbrush style learn photographs/ -o mine.style
    hierbrush write 永和九年 --style mine.style -o line.png
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from tqdm import tqdm

    from hierbrush.styles.named import SUFFIX
    from hierbrush.styles.style import Style

    if output.suffix != SUFFIX:
        raise HierbrushError(f"--output: {shown(output)}, expected a name that ends in {SUFFIX}")
    check_place("--output", output)
    with tqdm(unit="char", disable=None) as bar:
        found = Style.learn(source, _wanted(characters), name=name, progress=bar.update)
    found.save(output)
    missed = f"; not surely found in {len(found.rejected)}: {''.join(found.rejected[:30])}" if found.rejected else ""
    click.echo(f"{output}: {len(found.characters)} characters, {len(found.lines)} strokes{missed}")


def _wanted(characters: str | None) -> str | int | None:
    return int(characters) if characters is not None and characters.isascii() and characters.isdigit() else characters


@style.command(name="list", short_help="List the styles that come with hierbrush.")
def listed() -> None:
    """List the styles that come with hierbrush, for --style NAME."""
    from hierbrush.styles.named import card, shipped

    for name in shipped():
        told = card(name)
        click.echo(f"{name:10}  {told['learned_of']}; {told['characters']} characters; {told['licence']}")


@style.command(short_help="Tell what a style holds, and draw it.")
@click.argument("file", metavar="FILE_OR_NAME", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Picture (png) of characters in this hand.")
@click.option("--text", default="永和九年歲在癸丑春風花月", show_default=True, help="What to draw.")
def show(file: Path, output: Path | None, text: str) -> None:
    """Tell what a style holds: a file, or one that comes with hierbrush; with -o, write a line in it.

    \b
    hierbrush style show mashan -o mashan.png
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.styles.style import Style

    found = Style.load(file)
    click.echo(f"name        {found.name}")
    click.echo(f"learned of  {found.origin or 'not told'}")
    click.echo(f"characters  {len(found.characters)}: {''.join(found.characters[:40])}")
    click.echo(f"strokes     {len(found.lines)}")
    click.echo(f"rejected    {len(found.rejected)}: {''.join(found.rejected[:40])}")
    common = found.common
    click.echo(
        f"against the base hand: {common.stretch[0]:.2f} times as wide, {common.stretch[1]:.2f} times as high, "
        f"strokes {common.width:.2f} times as bold"
    )
    if output is not None:
        from hierbrush.writing import write_text

        check_place("--output", output)
        path = write_text(text, style=file, layout="horizontal").save(output)
        click.echo(f"wrote {path}")


@style.command(short_help="Print a sheet to practise on.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The sheets: a pdf.")
@click.option("--characters", default="100", show_default=True, help="How many characters, or which.")
def sheet(output: Path, characters: str) -> None:
    """Make sheets to print on A4, fill with a real brush, and photograph for style learn.

    --characters says how many, and they are chosen to show most components; or which, and a text file beside the pdf
    holds them, which must lie beside the photographs later.

    \b
    hierbrush style sheet -o practice.pdf --characters 100
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.styles.sheet import PER_SHEET, write_sheet

    wanted = _wanted(characters)
    pages = write_sheet(output, characters if wanted is None else wanted)
    click.echo(f"{output}: {pages} sheet{'s' if pages > 1 else ''} of up to {PER_SHEET} characters")


@style.command(short_help="Learn which strokes a running hand joins.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The inventory's file: NAME.joins."
)
@click.option("--characters", help="Which characters to learn from, or how many.  [default: 200 of a font]")
def joins(source: Path, output: Path, characters: str | None) -> None:
    """Learn which strokes the hand of SOURCE writes without lifting the brush, and how.

    \b
    hierbrush style joins ZhiMangXing.ttf -o running.joins
    hierbrush write 永和九年 --goal running.joins -o line.png
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from tqdm import tqdm

    from hierbrush.styles.join_inventory import SUFFIX, JoinInventory

    if output.suffix != SUFFIX:
        raise HierbrushError(f"--output: {shown(output)}, expected a name that ends in {SUFFIX}")
    check_place("--output", output)
    with tqdm(unit="char", disable=None) as bar:
        found = JoinInventory.learn(source, _wanted(characters), progress=bar.update)
    found.save(output)
    commonest = ", ".join(f"{a}+{b} {joined} of {seen}" for (a, b), joined, seen in found.types()[:5])
    click.echo(
        f"{output}: {found.characters} characters, {found.joined} of {len(found.seen)} pairs joined; {commonest}"
    )
