"""``hierbrush write``: characters into files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from hierbrush.cli.messages import available_cpus, check_place, complain
from hierbrush.errors import HierbrushError, shown

if TYPE_CHECKING:
    from hierbrush.writing import GcodeOptions, Layout, Page, Sheet, Writing
    from hierbrush.writing.outputs import Output

_STDOUT = Path("-")
# As in hierbrush.writing, which --help does not import.
_KINDS = ("png", "svg", "pdf", "gif", "json", "npz", "gcode")
_GRIDS = ("square", "田", "米")
_DIALECTS = ("grbl", "marlin", "klipper")


class _Target(NamedTuple):
    path: Path  # or _STDOUT
    output: Output


def _gcode_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a machine that plotters differ in most; a file has them all."""
    options = (
        click.option(
            "--gcode", "machine", type=click.Path(path_type=Path), help="YAML file of the machine for G-code; see "
            "hierbrush machine example. The options below count more than the file.",
        ),
        click.option("--gcode-dialect", "dialect", type=click.Choice(_DIALECTS), help="Firmware that reads it."),
        click.option("--gcode-work", "work", type=float, nargs=2, metavar="X Y", help="How far its axes reach, in mm."),
        click.option("--gcode-paper", "paper", type=float, nargs=2, metavar="X Y", help="Paper's lower left corner."),
        click.option("--gcode-surface", "surface", type=float, metavar="Z", help="Height of first touch in mm."),
        click.option("--gcode-lift", "lift", type=float, metavar="MM", help="Height of travel above first touch."),
        click.option("--gcode-dip", "dip", type=float, nargs=3, metavar="X Y Z", help="Place of the ink in mm."),
        click.option("--gcode-feed", "feed", type=float, metavar="MM/MIN", help="Speed within a stroke."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


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
    help="What to do "
    "with what cannot be written, such as Latin letters: tell it, leave its cell empty, or draw the box of editions.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="File to write; its suffix says what: png, svg, pdf, gif, json, npz or gcode. May be given several times; "
    "- is standard output, with --format. Several sheets are pages of one pdf, or NAME-1.png, NAME-2.png ...",
)
@click.option("--format", "kind", type=click.Choice(_KINDS), help="What to write to standard output, with -o -.")
@click.option(
    "--hierarchy",
    type=click.Path(path_type=Path),
    help="Draw how one character is composed to this PNG: components, boxes, strokes, ink. It is composed then, as "
    "with --goal decomposition, unless --goal glyph is given.",
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
    help="Where order, places and shapes come from: the character's glyph, or its decomposition by a composer.  "
    "[default: what is best known: the glyph where there is one, the decomposition elsewhere]",
)
@click.option("--composer", help="Who composes; asks for --goal decomposition.  [default: learned]")
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
    type=click.Choice(_GRIDS),
    help="Draw boxes beneath the ink: plain, 田字格, or 米字格 (drawn in png, svg and pdf, not inked).",
)
@click.option("--cell", type=float, help="Side of a character's box in mm.  [default: 120]")
@click.option("--size", type=int, help="Pixels of a character's box in png and gif.  [default: 256 and 240]")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    metavar="INTEGER",
    help="Seed of the policy's random numbers.",
)
@click.option(
    "--weight", type=click.FloatRange(0.4, 2.0), default=1.0, show_default=True, metavar="NUMBER",
    help="How wide strokes are written; 1 is the hand's own width.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, 1024), metavar="INTEGER", help="Processes that share a long text.  [default: "
    "one for each CPU]",
)  # fmt: skip
@_gcode_options
def write(
    text: str | None,
    source: Path | None,
    encoding: str | None,
    missing: str,
    outputs: tuple[Path, ...],
    kind: str | None,
    hierarchy: Path | None,
    policy: str,
    brush: str,
    goal: str | None,
    composer: str | None,
    layout: str | None,
    per_line: int | None,
    on_paper: str | None,
    rows: int | None,
    columns: int | None,
    margin: float | None,
    grid: str | None,
    cell: float | None,
    size: int | None,
    seed: int,
    weight: float,
    workers: int | None,
    **machine: Any,
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
    from hierbrush.composer.ids import is_ids
    from hierbrush.writing.outputs import check_size

    if not outputs and hierarchy is None:
        raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
    if kind is not None and _STDOUT not in outputs:
        raise HierbrushError("--format: tells what -o - writes; files have it in their suffix")
    if composer is not None and goal == "glyph":
        raise HierbrushError("--composer: nothing is composed with --goal glyph; leave one of them out")
    if size is not None:
        check_size(size)
    text = _text(text, source, encoding)
    if on_paper is None:
        for name, value in (("rows", rows), ("columns", columns)):
            if value is not None:
                raise HierbrushError(f"--{name}: are those of a sheet of --paper; say which, or use --per-line")
        page = _layout(direction=layout, per_line=per_line, cell=_metres(cell), margin=_metres(margin), grid=grid)
    else:
        if per_line is not None:
            raise HierbrushError("--per-line: on a sheet of --paper use --rows and --columns")
        page = _sheets(
            on_paper,
            direction=layout,
            rows=rows,
            columns=columns,
            cell=_metres(cell),
            margin=_metres(margin),
            grid=grid,
        )
    if is_ids(text) and page is not None:
        raise HierbrushError(
            "--layout, --paper and their like: have no meaning for a description, which is one character"
        )
    if page is None and not is_ids(text) and len(text) != 1:
        page = _default_layout()
    if hierarchy is not None:
        if page is not None:
            raise HierbrushError("--hierarchy: tells of one character alone; leave out the others and the layout")
        if hierarchy.suffix.lower() != ".png":
            raise HierbrushError(f"--hierarchy: {shown(hierarchy)} must end in .png")
        check_place("--hierarchy", hierarchy)
        goal = goal or "decomposition"
    targets = _targets(outputs, kind, size, _machine(machine))
    if page is not None:
        from hierbrush.writing.passage import writable

        text = writable(text, missing)
    able = _able(targets, text, page, goal, composer)
    failed = len(able) < len(outputs)
    if not able and hierarchy is None:
        raise click.exceptions.Exit(2)
    arguments: dict[str, Any] = {
        "goal": goal,
        "composer": composer,
        "brush": brush,
        "policy": policy,
        "seed": seed,
        "weight": weight,
    }
    aside = _STDOUT in outputs  # names of files would stand in the middle of what goes to standard output
    sheets: Sequence[Sheet]
    interrupted = False
    if page is None:
        from hierbrush.writing import write_character

        writing = write_character(text, **arguments)
        sheets = [writing]
        if hierarchy is not None:
            _draw_hierarchy(writing, hierarchy, aside)
    else:
        sheets, interrupted = _written(text, page, workers or available_cpus(), arguments)
    for target in able:
        failed |= not _all_saved(sheets, target, aside)
    if interrupted or failed:
        raise click.exceptions.Exit(130 if interrupted else 2)


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


def _sheets(paper: str, **fields: Any) -> Layout:
    """Return the layout of sheets of a paper that the options ask for."""
    from hierbrush.writing import Layout

    return Layout.on(paper, **{name: value for name, value in fields.items() if value is not None})


def _layout(**fields: Any) -> Layout | None:
    """Return the layout that the options ask for, or None without any."""
    from hierbrush.writing import Layout

    given = {name: value for name, value in fields.items() if value is not None}
    return Layout.from_mapping(given) if given else None


def _default_layout() -> Layout:
    from hierbrush.writing import Layout

    return Layout()


def _machine(given: dict[str, Any]) -> GcodeOptions | None:
    """Return the machine that the options describe, or None without any."""
    from hierbrush.writing import GcodeOptions
    from hierbrush.writing.machine import load_machine

    file = given.pop("machine")
    given = {name: value for name, value in given.items() if value is not None}
    if file is None and not given:
        return None
    fields: dict[str, Any] = {}
    if "work" in given:
        fields |= {"work_x": (0.0, given["work"][0]), "work_y": (0.0, given["work"][1])}
    for name in ("paper", "dip"):
        fields |= {f"{name}_{axis}": value for axis, value in zip("xyz", given.get(name, ()), strict=False)}
    for name, field in (("dialect", "dialect"), ("surface", "surface_z"), ("lift", "lift"), ("feed", "write_feed")):
        if name in given:
            fields[field] = given[name]
    return replace(GcodeOptions() if file is None else load_machine(file), **fields)


def _targets(
    paths: tuple[Path, ...], kind: str | None, size: int | None, machine: GcodeOptions | None
) -> list[_Target]:
    """Return what is to be written where; a file of an unknown kind is told and left out."""
    from hierbrush.writing.outputs import PIXEL_SIZES, Output, kind_of

    kinds: dict[Path, str] = {}
    for path in paths:
        try:
            kinds[path] = kind_of(None if path == _STDOUT else path, kind if path == _STDOUT else None, argument="-o")
        except HierbrushError as error:
            complain(str(error).replace("format:", "--format:"))
    if kinds and size is not None and not set(kinds.values()) & set(PIXEL_SIZES):
        raise HierbrushError("--size: none of the files has pixels; only png and gif take a size")
    if kinds and machine is not None and "gcode" not in kinds.values():
        raise HierbrushError("--gcode: none of the files is G-code; name one that ends in .gcode")
    return [
        _Target(
            path,
            Output.of(
                kind, size=size if kind in PIXEL_SIZES else None, gcode=machine if kind == "gcode" else None
            ),
        )
        for path, kind in kinds.items()
    ]  # fmt: skip


def _able(
    targets: list[_Target], text: str, page: Layout | None, goal: str | None, composer: str | None
) -> list[_Target]:
    """Return the targets that nothing is in the way of, as far as can be seen before anything is written."""
    from hierbrush.writing.layout import Paper
    from hierbrush.writing.passage import BLANK
    from hierbrush.writing.plan import sure_bounds
    from hierbrush.writing.result import BOX
    from hierbrush.writing.write import goal_of

    if page is None:
        direction = "horizontal"
        sheets = [(Paper(BOX, BOX, BOX, [(0.0, 0.0)]), [text])]
    else:
        direction = page.direction
        sheets = [
            (page.paper(part), [unit for row in page.rows(part) for unit in row if unit != BLANK])
            for part in page.pages(text)
        ]
    goals = {char: goal_of(char, goal, composer) for _, characters in sheets for char in dict.fromkeys(characters)}
    moving = any(target.output.kind == "gcode" for target in targets)
    bounds = {char: sure_bounds(char, of, direction) for char, of in goals.items()} if moving else {}
    able = []
    for target in targets:
        try:
            for path in _paths(target, len(sheets)):
                _check_target(target._replace(path=path))
            for paper, characters in sheets:
                target.output.check(paper, [bounds[char] for char in characters if moving])
            able.append(target)
        except HierbrushError as error:
            complain(str(error))
    return able


def _check_target(target: _Target) -> None:
    from hierbrush.writing.outputs import BINARY

    if target.path != _STDOUT:
        check_place("-o", target.path)
    elif target.output.kind in BINARY and sys.stdout.isatty():
        raise HierbrushError(f"-o -: {target.output.kind} is no text to be shown on a terminal; redirect it")


def _paths(target: _Target, sheets: int) -> list[Path]:
    """Return the files that sheets go to: one for all, or NAME-1.png, NAME-2.png and so on."""
    path = target.path
    if sheets == 1 or target.output.holds_pages:
        return [path]
    if path == _STDOUT:
        raise HierbrushError(f"-o -: the text fills {sheets} sheets, which only pdf holds in one file")
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, sheets + 1)]


def _draw_hierarchy(writing: Writing, path: Path, aside: bool) -> None:
    from hierbrush.files import write_atomically
    from hierbrush.writing.hierarchy import hierarchy_picture

    write_atomically(path, hierarchy_picture(writing), argument="--hierarchy")
    click.echo(path, err=aside)


def _written(text: str, page: Layout, workers: int, arguments: dict[str, Any]) -> tuple[list[Page], bool]:
    """Return the sheets that were written, and whether Ctrl-C ended it early."""
    from tqdm import tqdm

    from hierbrush.writing import WritingInterrupted, write_pages
    from hierbrush.writing.write import characters_of

    total = len(characters_of(text, page))
    try:
        # On a terminal only, and only where there is something to wait for.
        with tqdm(total=total, unit="character", disable=None, delay=1.0, leave=False) as bar:

            def progress(done: int) -> None:
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
