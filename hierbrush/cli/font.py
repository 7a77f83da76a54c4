"""``hierbrush font``: make a TrueType font of what the brush writes."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hierbrush.cli import options
from hierbrush.cli.messages import check_place
from hierbrush.errors import HierbrushError, shown
from hierbrush.fonts.charsets import CHARSETS, charset

if TYPE_CHECKING:
    from hierbrush.fonts import FontReport

_MOST_NAMED = 20
_SETS = "; ".join(f"{name}: {meaning}" for name, (meaning, _) in CHARSETS.items())


@click.command(short_help="Make a TrueType font of what the brush writes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The font's file, .ttf.")
@click.option("--charset", "sets", multiple=True, metavar="NAME", help=f"Characters by name ({_SETS}).")
@click.option("--text", default="", help="These characters; may stand beside --charset.")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="The characters of this text file; may stand beside --charset.",
)
@click.option("--encoding", help="Of the file, such as gb18030 or big5.  [default: found out]")
@click.option("--family", default="Hierbrush", show_default=True, help="The font's name in menus.")
@click.option(
    "--licence",
    help="What the font says of its licence.  [default: the Arphic Public License, which its strokes are under]",
)
@click.option("--licence-url", help="Where that licence stands.")
@click.option("--goal", help="glyph, decomposition or a file, as for hierbrush write.")
@click.option("--style", help="Whose hand: a style's file, as for hierbrush write.")
@click.option("--policy", default="learned", show_default=True, help="Who moves the brush, as for hierbrush write.")
@options.brush
@click.option("--seed", type=int, default=0, show_default=True, help="Of the policy's random numbers.")
@click.option("--weight", type=float, default=1.0, show_default=True, help="How wide strokes are written, 0.4 to 2.")
@click.option("--workers", type=int, default=1, show_default=True, help="Processes that share the work.")
def font(
    output: Path,
    sets: tuple[str, ...],
    text: str,
    file: Path | None,
    encoding: str | None,
    family: str,
    licence: str | None,
    licence_url: str | None,
    workers: int,
    **hand: Any,
) -> None:
    """Make a TrueType font of what the brush writes.

    Ctrl-C keeps the glyphs that are finished, in a folder beside the font; the same command goes on from there.

    \b
    hierbrush font -o mine.ttf --text 永和九年
    hierbrush font -o mine.ttf --charset gb2312 --workers 2
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.fonts import FontInterrupted, write_font
    from hierbrush.fonts.tables import ARPHIC, ARPHIC_URL, FontNames

    check_place("--output", output)
    characters = _characters(sets, text, file, encoding)
    names = FontNames(
        family=family, licence=licence or ARPHIC, licence_url=licence_url or (ARPHIC_URL, "")[bool(licence)]
    )
    with _bar(len(characters)) as bar:
        try:
            report = write_font(
                output, characters, names=names, workers=workers, progress=bar.update if bar else None, **hand
            )
        except FontInterrupted as interrupted:
            raise HierbrushError(
                f"interrupted: {interrupted.finished} of {len(characters)} glyphs are kept; the same command goes on"
            ) from None
    _tell(report, licence is None)
    _tell_of_shapes(hand.get("style") or hand.get("goal"))


def _characters(sets: tuple[str, ...], text: str, file: Path | None, encoding: str | None) -> list[str]:
    from hierbrush.writing.text_file import read_text

    chosen = [char for name in sets for char in charset(name)]
    chosen += [*text, *(read_text(file, encoding=encoding) if file else "")]
    characters = list(dict.fromkeys(char for char in chosen if not char.isspace()))
    if not characters:
        raise HierbrushError("font: no characters; give --charset, --text or --file")
    return characters


def _bar(count: int) -> Any:
    if count < 2 * 64:
        return nullcontext()
    from tqdm import tqdm

    return tqdm(total=count, unit="glyph", disable=None, leave=False)


def _tell(report: FontReport, ours: bool) -> None:
    click.echo(
        f"{report.path}: {len(report.characters):,} characters, {report.size:,} bytes, "
        f"{report.bytes_a_glyph:.0f} a glyph"
    )
    if report.left_out:
        some = "".join(list(report.left_out)[:_MOST_NAMED])
        more = " …" if len(report.left_out) > _MOST_NAMED else ""
        warnings.warn(f"left out, as it cannot be written: {some}{more} ({len(report.left_out):,})", stacklevel=2)
    if ours:
        click.echo("Its strokes derive from AR PL KaitiM: the font stays under the Arphic Public License, and says so.")


def _tell_of_shapes(source: str | None) -> None:
    """Say that what is made after a style or another font is also under the licence of that."""
    if source and Path(source).suffix:
        click.echo(
            f"Its shapes are made after {shown(source)}, whose licence holds, too; --licence tells it in the font."
        )
