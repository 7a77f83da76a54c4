"""``hierbrush write``: characters into files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from hierbrush.cli.messages import available_cpus, check_place, complain
from hierbrush.errors import HierbrushError, shown

if TYPE_CHECKING:
    from hierbrush.writing import GcodeOptions, Layout, Sheet
    from hierbrush.writing.outputs import Output

_STDOUT = Path("-")
_KINDS = ("png", "svg", "gif", "json", "npz", "gcode")  # as in hierbrush.writing.outputs, which --help does not import
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
@click.argument("text")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="File to write; its suffix says what: png, svg, gif, json, npz or gcode. May be given several times. - is "
    "standard output, with --format.",
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
    text: str,
    outputs: tuple[Path, ...],
    kind: str | None,
    hierarchy: Path | None,
    policy: str,
    brush: str,
    goal: str | None,
    composer: str | None,
    layout: str | None,
    per_line: int | None,
    cell: float | None,
    size: int | None,
    seed: int,
    weight: float,
    workers: int | None,
    **machine: Any,
) -> None:
    """Write TEXT, one or more Chinese characters or the description of one, into files.

    One character fills its box exactly; several, or one with a layout option, stand on a page. A character without a
    glyph is composed from what it is made of; a description names the components of one that no table knows. A file
    that cannot be written does not keep the others from it. Ctrl-C keeps what is finished: a page of the text so far.

    \b
    hierbrush write 永 -o yong.png -o yong.gif
    hierbrush write 永和九年 -o line.svg --layout horizontal
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
    page = _layout(layout, per_line, cell)
    if is_ids(text) and page is not None:
        raise HierbrushError("--layout, --per-line, --cell: have no meaning for a description, which is one character")
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
    able = _able(targets, text, page, goal, composer)
    failed = len(able) < len(outputs)
    if not able and hierarchy is None:
        raise click.exceptions.Exit(2)
    arguments = {"goal": goal, "composer": composer, "brush": brush, "policy": policy, "seed": seed, "weight": weight}
    sheet, interrupted = _written(text, page, workers or available_cpus(), arguments)
    aside = _STDOUT in outputs  # names of files would stand in the middle of what goes to standard output
    for target in able:
        failed |= not _saved(sheet, target, aside)
    if hierarchy is not None:
        from hierbrush.files import write_atomically
        from hierbrush.writing import Writing
        from hierbrush.writing.hierarchy import hierarchy_picture

        assert isinstance(sheet, Writing)
        write_atomically(hierarchy, hierarchy_picture(sheet), argument="--hierarchy")
        click.echo(hierarchy, err=aside)
    if interrupted or failed:
        raise click.exceptions.Exit(130 if interrupted else 2)


def _layout(direction: str | None, per_line: int | None, cell: float | None) -> Layout | None:
    """Return the layout that the options ask for, or None without any."""
    from hierbrush.writing import Layout

    fields = {"direction": direction, "per_line": per_line, "cell": None if cell is None else cell / 1e3}
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
    from hierbrush.writing.plan import sure_bounds
    from hierbrush.writing.result import BOX
    from hierbrush.writing.write import goal_of, text_of_page

    if page is None:
        characters, paper = [text], Paper(BOX, BOX, BOX, [(0.0, 0.0)])
    else:
        text = text_of_page(text)
        characters, paper = list(text.replace("\n", "")), page.paper(text)
    goals = {char: goal_of(char, goal, composer) for char in dict.fromkeys(characters)}
    moving = any(target.output.kind == "gcode" for target in targets)
    bounds = {char: sure_bounds(char, of) for char, of in goals.items()} if moving else {}
    able = []
    for target in targets:
        try:
            _check_target(target)
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


def _written(text: str, page: Layout | None, workers: int, arguments: dict[str, Any]) -> tuple[Sheet, bool]:
    """Return what was written, and whether Ctrl-C ended it early."""
    from tqdm import tqdm

    from hierbrush.writing import WritingInterrupted, write_character, write_text

    if page is None:
        return write_character(text, **arguments), False
    total = len(set(text) - {"\n"})
    try:
        # On a terminal only, and only where there is something to wait for.
        with tqdm(total=total, unit="character", disable=None, delay=1.0, leave=False) as bar:

            def progress(done: int) -> None:
                bar.update(done)

            return write_text(text, layout=page, workers=workers, progress=progress, **arguments), False
    except WritingInterrupted as interrupted:
        if interrupted.page is None:
            raise
        done, asked = len(interrupted.page), len(text.replace("\n", ""))
        click.echo(f"hierbrush: interrupted; saving the first {done} of {asked} characters, as a page", err=True)
        return interrupted.page, True


def _saved(sheet: Sheet, target: _Target, aside: bool) -> bool:
    """Write a file and tell its name, or tell why it cannot be written; return whether it was."""
    from hierbrush.files import write_atomically

    try:
        content = target.output.render(sheet)
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
