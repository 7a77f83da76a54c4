"""``hierbrush write``: characters into files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from hierbrush.characters.regions import ORDERS
from hierbrush.cli import options
from hierbrush.cli.messages import available_cpus, check_place, complain
from hierbrush.errors import HierbrushError, shown
from hierbrush.ink.model import DIPS
from hierbrush.writing.grid import GRIDS
from hierbrush.writing.outputs import Flag, Output, and_list, exports, kind_of
from hierbrush.writing.outputs import options as export_options

if TYPE_CHECKING:
    from hierbrush.sources import Request
    from hierbrush.writing import Layout, Page, Sheet, Writing

_STDOUT = Path("-")

_DOUBTFUL = 0.5
"""Confidence below which a composed character is told of."""


class _Target(NamedTuple):
    path: Path  # or _STDOUT
    output: Output


def _flags_of_exports(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags by which kinds of file can be told something."""
    flags = [flag for option, _ in export_options().values() for flag in option.flags]
    for flag in reversed(flags):
        command = _option(flag)(command)
    return command


def _option(flag: Flag) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if flag.type is bool:
        return click.option(flag.name, is_flag=True, default=None, help=flag.text)
    kind: Any = click.Choice(flag.type) if isinstance(flag.type, tuple) else flag.type
    kind = click.Path(path_type=Path) if kind is Path else kind
    return click.option(flag.name, type=kind, nargs=flag.count, metavar=flag.metavar, help=flag.text)


@click.command(short_help="Write characters into files.")
@click.argument("text", required=False)
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write the text in this file instead of TEXT; - is standard input.",
)
@click.option(
    "--encoding", help="Of the file, such as gb18030 or big5.  [default: found out among UTF-8, GB 18030 and Big5]"
)
@click.option(
    "--missing",
    type=click.Choice(("error", "blank", "box")),
    default="error",
    show_default=True,
    help="What to do with what cannot be written, such as Latin letters: refuse the text and say where it stands, "
    "leave its cell blank, or draw a box (□) in its place.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help=f"File to write; its suffix says what: {and_list(list(exports()), 'or')}. May be given several times; "
    "- is standard output, with --format. Several sheets are pages of one pdf, or NAME-1.png, NAME-2.png ...",
)
@click.option(
    "--format", "kind", type=click.Choice(list(exports())), help="What to write to standard output, with -o -."
)
@click.option(
    "--hierarchy",
    type=click.Path(path_type=Path),
    help="Draw how one character is composed to this PNG: components, boxes, strokes, ink. It is composed then, as "
    "with --goal decomposition, unless --goal glyph is given.",
)
@options.policy
@options.budget
@options.robust
@options.brush
@click.option(
    "--goal",
    help="Where order, places and shapes come from: glyph, decomposition (a composer puts them together from the "
    "character's components), or the file of a font or picture that is copied.  [default: what is best known: the "
    "glyph where there is one, else the decomposition]",
)
@click.option(
    "--style",
    help="Hand to write in: a style's file, or a name that hierbrush style list tells.  [default: hierbrush's own]",
)
@click.option(
    "--composer",
    help="Who composes (learned, a control, or trained weights); asks for --goal decomposition. With a font or picture "
    "as goal, who copies it: goal-conditioned, or such weights.  [default: learned; registration copies]",
)
@click.option(
    "--layout", help="vertical (columns, right to left) or horizontal (rows).  [default: vertical; one character alone]"
)
@click.option("--per-line", type=int, help="Start a new column or row after so many characters.")
@click.option(
    "--paper",
    "on_paper",
    help="Paper that the text flows over, sheet after sheet: A4, A3, 四尺, 四尺斗方 ..., or 210x297 in mm.  "
    "[default: one as large as the text]",
)
@click.option("--rows", type=int, help="Rows of characters on a sheet of --paper.")
@click.option("--columns", type=int, help="Columns of characters on a sheet of --paper.")
@click.option("--margin", type=float, help="Paper left free, in mm.  [default: 20; a twelfth of --paper]")
@click.option(
    "--grid",
    type=click.Choice(GRIDS),
    help="Draw boxes beneath the ink: plain, 田字格, or 米字格 (drawn in png, svg and pdf, not inked).",
)
@click.option("--cell", type=float, help="Side of a character's box in mm.  [default: 120]")
@options.seed
@click.option(
    "--weight", type=click.FloatRange(0.4, 2.0), default=1.0, show_default=True, metavar="NUMBER",
    help="How wide strokes are written; 1 is the hand's own width.",
)  # fmt: skip
@click.option(
    "--order", type=click.Choice(ORDERS), default="prc", show_default=True,
    help="Order of writing: the PRC's, or Taiwan's, which is known of seven in ten glyphs.",
)  # fmt: skip
@click.option(
    "--dip", type=click.Choice(DIPS), default="stroke", show_default=True, help="When the brush is dipped: before each "
    "stroke, before each character, or when its ink would not last. Without a dip the tuft stays bent.",
)  # fmt: skip
@click.option(
    "--stone", type=float, nargs=2, metavar="X Y", help="Fill and shape the brush on an inkstone whose middle is X mm "
    "right of the paper and Y mm below half its height; each dip is a real movement.  [default: a short dip]",
)  # fmt: skip
@options.workers
@_flags_of_exports
def write(
    text: str | None,
    source: Path | None,
    encoding: str | None,
    missing: str,
    outputs: tuple[Path, ...],
    kind: str | None,
    hierarchy: Path | None,
    goal: str | None,
    style: str | None,
    composer: str | None,
    layout: str | None,
    per_line: int | None,
    on_paper: str | None,
    rows: int | None,
    columns: int | None,
    margin: float | None,
    grid: str | None,
    cell: float | None,
    order: str,
    stone: tuple[float, float] | None,
    workers: int | None,
    **told: Any,
) -> None:
    """Write TEXT, one or more Chinese characters or the description of one, into files.

    One character fills its box exactly; several, or one with a layout option, stand on a page. Punctuation and digits
    are written too, spaces are empty cells. A character without a glyph is composed from what it is made of; a
    description names the components of one that no table knows, inside a text in braces. A file that cannot be
    written does not keep the others from it. Ctrl-C keeps what is finished: the sheets of the text so far.

    \b
    hierbrush write 永 -o yong.png -o yong.gif
    hierbrush write 永和九年 -o line.svg --layout horizontal
    hierbrush write --file sutra.txt -o sutra.pdf --paper A4 --columns 10 --grid 米
    hierbrush write ⿰木月 -o new.png --hierarchy how.png
    hierbrush write 永 -o yong.gcode --gcode-dialect klipper
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.sources import Request, asked

    if not outputs and hierarchy is None:
        raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
    if kind is not None and _STDOUT not in outputs:
        raise HierbrushError("--format: tells what -o - writes; files have it in their suffix")
    if composer is not None and not asked(Request(goal, style, composer)).heeds_composer:
        raise HierbrushError(f"--composer: nothing is composed with --goal {goal}; leave one of them out")
    given = {name: option.of_flags(told) for name, (option, _) in export_options().items()}
    text = _text(text, source, encoding)
    page = _page(
        text, on_paper, per_line, rows, columns, direction=layout, cell=_metres(cell), margin=_metres(margin), grid=grid
    )
    if hierarchy is not None:
        _check_hierarchy(hierarchy, page)
        goal = goal or "decomposition"
    targets = _targets(outputs, kind, given)
    if page is not None:
        from hierbrush.writing.passage import writable

        text = writable(text, missing, Request(goal, style, composer, direction=page.direction, order=order))
    direction = "horizontal" if page is None else page.direction
    able = _able(targets, text, page, Request(goal, style, composer, direction=direction, order=order))
    failed = len(able) < len(outputs)
    if not able and hierarchy is None:
        raise click.exceptions.Exit(2)
    arguments: dict[str, Any] = {
        **{name: told[name] for name in ("brush", "policy", "budget", "robust", "seed", "weight", "dip")},
        "goal": goal,
        "style": style,
        "composer": composer,
        "order": order,
        "stone": None if stone is None else {"x": stone[0] / 1e3, "y": stone[1] / 1e3},
    }
    aside = _STDOUT in outputs  # names of files would stand in the middle of what goes to standard output
    sheets: Sequence[Sheet]
    interrupted = False
    if page is None:
        writing = _one(text, arguments)
        sheets = [writing]
        if hierarchy is not None:
            _draw_hierarchy(writing, hierarchy, aside)
    else:
        sheets, interrupted = _written(text, page, workers or available_cpus(), arguments)
    _tell_of_guesses(sheets)
    for target in able:
        failed |= not _all_saved(sheets, target, aside)
    if interrupted or failed:
        raise click.exceptions.Exit(130 if interrupted else 2)


def _one(text: str, arguments: dict[str, Any]) -> Writing:
    """Return a character; where it is searched for, under a bar, and after Ctrl-C as it is by then."""
    from hierbrush.writing import write_characters

    with ExitStack() as bars:
        bar: Any = None

        def progress(done: float) -> None:
            nonlocal bar
            if bar is None and done < 1:  # only a search tells parts, and only for one a bar is loaded
                from tqdm import tqdm

                form = "{l_bar}{bar}| {elapsed}<{remaining}"
                bar = tqdm(total=1.0, bar_format=form, desc=text, disable=None, delay=1.0, leave=False)
                bars.enter_context(bar)
            if bar is not None:
                bar.update(done)

        (writing,) = write_characters([text], progress=progress, **arguments)
    return writing


def _text(text: str | None, source: Path | None, encoding: str | None) -> str:
    """Return the text, given or read from a file or standard input."""
    if text is None and source is None:
        raise HierbrushError("TEXT: is missing; give the text, or a file of it with --file")
    if text is not None and source is not None:
        raise HierbrushError("--file: is read instead of TEXT; leave one of them out")
    if source is None:
        if encoding is not None:
            raise HierbrushError("--encoding: is that of --file; TEXT has the terminal's")
        assert text is not None
        return text
    from hierbrush.writing.text_file import read_text

    try:
        return read_text(sys.stdin.buffer if source == _STDOUT else source, encoding=encoding)
    except HierbrushError as error:
        raise HierbrushError(f"--{error}") from None


def _metres(millimetres: float | None) -> float | None:
    return None if millimetres is None else millimetres / 1e3


def _page(
    text: str, paper: str | None, per_line: int | None, rows: int | None, columns: int | None, **fields: Any
) -> Layout | None:
    """Return how the text is set; None for a character alone, which no option asks to set."""
    from hierbrush.composer.ids import is_ids
    from hierbrush.writing import Layout

    if paper is not None and per_line is not None:
        raise HierbrushError("--per-line: on a sheet of --paper use --rows and --columns")
    for name, value in (("rows", rows), ("columns", columns)):
        if paper is None and value is not None:
            raise HierbrushError(f"--{name}: are those of a sheet of --paper; say which, or use --per-line")
    counts = {"per_line": per_line, "rows": rows, "columns": columns}
    given = {name: value for name, value in {**counts, **fields}.items() if value is not None}
    page = None
    if paper is not None:
        page = Layout.on(paper, **given)
    elif given:
        page = Layout.from_mapping(given)
    if is_ids(text):
        if page is not None:
            raise HierbrushError(
                "--layout, --paper and their like: have no meaning for a description, which is one character"
            )
        return None
    return page or (None if len(text) == 1 else Layout())


def _check_hierarchy(file: Path, page: Layout | None) -> None:
    if page is not None:
        raise HierbrushError("--hierarchy: tells of one character alone; leave out the others and the layout")
    if file.suffix.lower() != ".png":
        raise HierbrushError(f"--hierarchy: {shown(file)} must end in .png")
    check_place("--hierarchy", file)


def _targets(paths: tuple[Path, ...], kind: str | None, given: dict[str, Any]) -> list[_Target]:
    """Return what is to be written where; a file of an unknown kind is told and left out."""
    kinds: dict[Path, str] = {}
    for path in paths:
        try:
            kinds[path] = kind_of(None if path == _STDOUT else path, kind if path == _STDOUT else None, argument="-o")
        except HierbrushError as error:
            complain(str(error).replace("format:", "--format:"))
    told = {name for name, value in given.items() if value is not None}
    for name in told:
        option, takers = export_options()[name]
        if kinds and not set(kinds.values()) & set(takers):
            endings = and_list([f".{taker}" for taker in takers], "or")
            raise HierbrushError(f"--{name}: none of the files {option.none}; name one that ends in {endings}")
    return [
        _Target(path, Output.of(kind, **{name: given[name] for name in told if kind in export_options()[name][1]}))
        for path, kind in kinds.items()
    ]


def _able(targets: list[_Target], text: str, page: Layout | None, request: Request) -> list[_Target]:
    """Return the targets that nothing is in the way of, as far as can be seen before anything is written."""
    from hierbrush.sources import check, sure_bounds
    from hierbrush.writing.paper import ONE_BOX
    from hierbrush.writing.passage import BLANK

    if page is None:
        sheets = [(ONE_BOX, [text])]
    else:
        sheets = [
            (page.paper(part), [unit for row in page.rows(part) for unit in row if unit != BLANK])
            for part in page.pages(text)
        ]
    chars = dict.fromkeys(char for _, characters in sheets for char in characters)
    for char in chars:
        check(char, request)
    moving = any(target.output.needs_bounds for target in targets)
    bounds = {char: sure_bounds(char, request) for char in chars} if moving else {}
    able = []
    for target in targets:
        try:
            for path in _paths(target, len(sheets)):
                _check_target(target._replace(path=path))
            for paper, characters in sheets:
                target.output.check(paper, [bounds[char] for char in characters] if moving else [])
            able.append(target)
        except HierbrushError as error:
            complain(str(error))
    return able


def _check_target(target: _Target) -> None:
    if target.path != _STDOUT:
        check_place("-o", target.path)
    elif target.output.export.binary and sys.stdout.isatty():
        raise HierbrushError(f"-o -: {target.output.kind} is no text to be shown on a terminal; redirect it")


def _paths(target: _Target, sheets: int) -> list[Path]:
    """Return the files that sheets go to: one for all, or NAME-1.png, NAME-2.png and so on."""
    path = target.path
    if sheets == 1 or target.output.holds_pages:
        return [path]
    if path == _STDOUT:
        raise HierbrushError(f"-o -: the text fills {sheets} sheets, which only pdf holds in one file")
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, sheets + 1)]


def _tell_of_guesses(sheets: Sequence[Sheet]) -> None:
    """Say on standard error which characters may be read wrongly, and which were copied without their strokes."""
    from hierbrush.characters import load_library
    from hierbrush.writing import Page, Writing

    writings: list[Writing] = []
    for sheet in sheets:
        writings += sheet if isinstance(sheet, Page) else [sheet] if isinstance(sheet, Writing) else []
    sure = {writing.char: writing.confidence for writing in writings if writing.goal == "decomposition"}
    guessed = [char for char, confidence in sure.items() if confidence is not None and confidence < _DOUBTFUL]
    if guessed:
        click.echo(f"hierbrush: composed by guess, look whether they are right: {' '.join(guessed)}", err=True)
    copied = dict.fromkeys(writing.char for writing in writings if writing.goal == "skeleton")
    lost = [char for char in copied if char in load_library()]
    if lost:
        click.echo(f"hierbrush: strokes not surely found, the ink's skeleton is written: {' '.join(lost)}", err=True)


def _draw_hierarchy(writing: Writing, path: Path, aside: bool) -> None:
    from hierbrush.files import write_atomically
    from hierbrush.writing.hierarchy import hierarchy_picture

    write_atomically(path, hierarchy_picture(writing), argument="--hierarchy")
    click.echo(path, err=aside)


def _written(text: str, page: Layout, workers: int, arguments: dict[str, Any]) -> tuple[list[Page], bool]:
    """Return the sheets that were written, and whether Ctrl-C ended it early."""
    from tqdm import tqdm

    from hierbrush.writing import WritingInterrupted, write_pages
    from hierbrush.writing.write import different_characters

    total = len(different_characters(text, page))
    try:
        # On a terminal only, and only where there is something to wait for.
        with tqdm(total=total, unit="character", disable=None, delay=1.0, leave=False) as bar:

            def progress(done: float) -> None:
                bar.update(done)

            return write_pages(text, layout=page, workers=workers, progress=progress, **arguments), False
    except WritingInterrupted as interrupted:
        pages = list(interrupted.pages)
        if not pages:
            raise
        done = sum(map(len, pages))
        asked = sum(len(page.paper(part).corners) for part in page.pages(text))
        what = "a page" if len(pages) == 1 else f"{len(pages)} sheets"
        click.echo(f"hierbrush: interrupted; saving the first {done} of {asked} characters, as {what}", err=True)
        return pages, True


def _all_saved(sheets: Sequence[Sheet], target: _Target, aside: bool) -> bool:
    """Write the file or files of all sheets; return whether all were written."""
    if len(sheets) == 1:
        return _saved(sheets[0], target, aside)
    from tqdm import tqdm

    paths = _paths(target, len(sheets))
    with tqdm(sheets, unit="sheet", disable=None, delay=1.0, leave=False) as bar:
        if target.output.holds_pages:
            return _saved(bar, target, aside)
        # All are tried: a sheet that fails does not keep the others from being written.
        saved = [_saved(sheet, target._replace(path=path), aside) for sheet, path in zip(bar, paths, strict=True)]
        return all(saved)


def _saved(sheet: Sheet | Iterable[Sheet], target: _Target, aside: bool) -> bool:
    """Write a file and tell its name, or tell why it cannot be written; return whether it was."""
    from hierbrush.files import write_atomically
    from hierbrush.writing import Sheet

    try:
        output = target.output
        content = output.render(sheet) if isinstance(sheet, Sheet) else output.render_all(sheet)
        if target.path == _STDOUT:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            write_atomically(target.path, content, argument="-o")
            click.echo(target.path, err=aside)
    except HierbrushError as error:
        complain(str(error))
        return False
    return True
