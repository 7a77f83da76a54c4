"""``hierbrush copy``: a font's characters, a picture or a page of a copybook into files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hierbrush.cli import options
from hierbrush.cli.messages import available_cpus
from hierbrush.errors import HierbrushError, shown

if TYPE_CHECKING:
    from hierbrush.writing import Writing

_AT_ONCE, _FEW = 64, 8
TABLE = "copies.csv"
SETS = ("gb2312", "gb2312-1", "big5", "big5-1", "font")


@click.command(short_help="Copy a font's characters, a picture or a page of a copybook.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="Folder for the copies.")
@click.option("--text", help="What to copy of a font, or what stands in the picture, \\n where a line ends.")
@click.option(
    "--charset",
    type=click.Choice(SETS),
    help="Copy the font's characters that are in this set, or all its ideographs.  [default: gb2312]",
)
@click.option("--format", "kind", default="png", show_default=True, help="Kind of file: png, svg, json, npz ...")
@click.option("--direction", type=click.Choice(("vertical", "horizontal")), help="Of the page.  [default: found out]")
@options.policy
@options.brush
@options.seed
@options.workers
def copy(
    source: Path,
    folder: Path,
    text: str | None,
    charset: str | None,
    kind: str,
    direction: str | None,
    policy: str,
    brush: str,
    seed: int,
    workers: int | None,
) -> None:
    """Write each character as SOURCE has it: a font, a picture of characters with --text, or any picture without.

    Each copy becomes a file of the folder, and copies.csv says how each was found and how near its ink is. What is
    already there is not written again: after Ctrl-C the same command goes on where it was.

    \b
    hierbrush copy MaShanZheng.ttf -o mashan --charset gb2312
    hierbrush copy page.jpg -o page --text 永和九年歲在癸丑
    hierbrush copy drawing.png -o drawing
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.styles.suffixes import is_font
    from hierbrush.writing.outputs import kind_of

    kind = kind_of(None, kind, argument="--format")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HierbrushError(f"--output: cannot make the folder {shown(folder)}: {error.strerror}") from None
    hand = {"policy": policy, "brush": brush, "seed": seed}
    table = _Table(folder / TABLE)
    if is_font(source):
        chars = _chars_of(source, text, charset)
        left = [char for char in chars if not _path(folder, char, kind).exists()]
        written = _copies(source, left, hand, workers or available_cpus())
        _keep(written, len(left), len(chars) - len(left), folder, kind, table)
    elif text is None:
        from hierbrush.writing import write_picture

        path = write_picture(source, **hand).save(folder / f"{source.stem}.{kind}")  # type: ignore[arg-type]
        click.echo(f"wrote {path}")
    else:
        text = text.replace("\\n", "\n")
        _keep(_cells(source, text, direction, hand), len("".join(text.split())), 0, folder, kind, table)


def _chars_of(source: Path, text: str | None, charset: str | None) -> list[str]:
    from hierbrush.styles.fonts import open_font

    font = open_font(source)
    if text is not None:
        if charset is not None:
            raise HierbrushError("--charset: is another choice than --text; leave one of them out")
        chars = [char for char in dict.fromkeys(text) if not char.isspace()]
        for char in chars:
            font.check(char)
        return chars
    wanted = font.characters if charset == "font" else _charset(charset or "gb2312")
    chars = [char for char in wanted if char in font]
    if not chars:
        raise HierbrushError(
            f"--charset: {shown(source)} has no character of {charset or 'gb2312'}; try --charset font"
        )
    return chars


def _charset(name: str) -> list[str]:
    from hierbrush.fonts import charset

    return charset(name)


def _copies(source: Path, chars: Sequence[str], hand: dict[str, object], workers: int) -> Iterator[Writing]:
    from hierbrush.writing import WritingInterrupted, write_characters

    # Finding strokes takes longest: alone, few at a time are lost when it is stopped.
    step = _FEW if workers == 1 else _AT_ONCE * workers
    for start in range(0, len(chars), step):
        try:
            yield from write_characters(chars[start : start + step], goal=source, workers=workers, **hand)  # type: ignore[arg-type]
        except WritingInterrupted as interrupted:
            yield from interrupted.finished
            raise KeyboardInterrupt from None


def _cells(source: Path, text: str, direction: str | None, hand: dict[str, object]) -> Iterator[Writing]:
    from hierbrush.styles.pages import read_page
    from hierbrush.writing import write_character

    for cell in read_page(source, text, direction=direction):
        yield write_character(cell.char, goal=cell.ink, **hand)  # type: ignore[arg-type]


def _keep(writings: Iterator[Writing], count: int, before: int, folder: Path, kind: str, table: _Table) -> None:
    from tqdm import tqdm

    how: dict[str, int] = {}
    places: dict[str, int] = {}
    with tqdm(total=count, unit="char", disable=None) as bar:
        for writing in writings:
            seen = places[writing.char] = places.get(writing.char, 0) + 1
            path = _path(folder, writing.char, kind, seen)
            writing.save(path)
            table.add(writing, path)
            how[writing.goal] = how.get(writing.goal, 0) + 1
            bar.update()
    told = ", ".join(f"{number} by {name}" for name, number in sorted(how.items())) or "nothing new"
    there = f"; {before} were there" if before else ""
    click.echo(f"{folder}: {told}{there}")


def _path(folder: Path, char: str, kind: str, seen: int = 1) -> Path:
    """Return the file of a character; its code point too, for file systems that take two characters for one."""
    again = "" if seen == 1 else f"-{seen}"
    return folder / f"{ord(char):05X}-{char}{again}.{kind}"


class _Table:
    """The file that tells how each copy was made, a line added at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, writing: Writing, path: Path) -> None:
        """Add the line of a copy."""
        new = not self._path.exists()
        line = io.StringIO()
        rows = csv.writer(line, lineterminator="\n")
        if new:
            rows.writerow(("char", "file", "goal", "confidence", "iou"))
        sure = "" if writing.confidence is None else f"{writing.confidence:.3f}"
        rows.writerow((writing.char, path.name, writing.goal, sure, f"{writing.scores.iou:.4f}"))
        try:
            with self._path.open("a", encoding="utf-8", newline="") as stream:
                stream.write(line.getvalue())
        except OSError as error:
            raise HierbrushError(f"--output: cannot write {shown(self._path)}: {error.strerror}") from None
