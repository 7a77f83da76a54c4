"""``hierbrush curriculum``: check curriculum files, show what a policy will see, print the schema."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hierbrush.cli.messages import check_place
from hierbrush.curriculum import Curriculum, load_curriculum
from hierbrush.curriculum.model import curriculum_file, json_schema
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.files import write_atomically

_FILE = click.Path(path_type=Path)


@click.group(short_help="Check a curriculum file, or show what the policy will see.")
def curriculum() -> None:
    """Check a curriculum file, or show what the policy will see.

    docs/curricula.md is the guide for authors.
    """


@curriculum.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
def check(files: tuple[Path, ...]) -> None:
    """Check curriculum files; each problem is named as file:line:column.

    A FILE that is not there may be one of hierbrush's own, such as curricula/primitives.yaml or dots.

    The exit status is 2 when a file cannot be used.
    """
    usable = [_load(file) for file in files]
    for file, loaded in zip(files, usable, strict=True):
        if loaded:
            file = curriculum_file(file)
            stages = ", ".join(stage.name for stage in loaded.stages)
            count = len(loaded.stroke_types)
            click.echo(f"{file}: fine: teaches {count} stroke type{'s' * (count > 1)} in the stages {stages}")
    if not all(usable):
        raise click.exceptions.Exit(2)


@curriculum.command()
@click.argument("file", type=_FILE)
@click.option("-o", "--output", type=_FILE, help="Picture to draw: .png, .svg or .pdf; else NAME.sheet.png here.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the sampled goals.")
@click.option("--stroke", "strokes", multiple=True, help="Only this stroke type, such as HZG; may be repeated.")
def show(file: Path, output: Path | None, seed: int, strokes: tuple[str, ...]) -> None:
    """Draw a contact sheet: sampled goals of every stage, and the stage's rules beside them.

    A FILE that is not there may be one of hierbrush's own, such as curricula/dots.yaml or dots.
    """
    loaded = _load(file)
    if loaded is None:
        raise click.exceptions.Exit(2)
    # matplotlib takes a second to import; checking should not.
    from hierbrush.curriculum.contact_sheet import FORMATS, contact_sheet, rendered

    target = output or Path(f"{file.stem}.sheet.png")
    if target.suffix.lower() not in FORMATS:
        raise HierbrushError(f"--output: {shown(target)} must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    taught = loaded.stroke_types
    for stroke in strokes:
        if stroke not in taught:
            near = closest(stroke.upper(), list(taught)) or f"; it teaches {', '.join(taught)}"
            raise HierbrushError(f"--stroke: {shown(file)} does not teach {shown(stroke)}{near}")
    check_place("--output", target)
    figure = contact_sheet(loaded, strokes or taught, seed)
    _write(target, rendered(figure, target.suffix.lower()))


@curriculum.command()
@click.option("-o", "--output", type=_FILE, help="Write it there instead of printing it.")
def schema(output: Path | None) -> None:
    """Print the JSON Schema of curriculum files, by which editors complete and check them."""
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text.encode())


def _load(file: Path) -> Curriculum | None:
    """Read a curriculum, or print every problem on a line of its own, as compilers do and editors understand."""
    try:
        return load_curriculum(file)
    except HierbrushError as error:
        for line in str(error).splitlines():
            click.echo(f"hierbrush: error: {line}", err=True)
        return None


def _write(file: Path, content: bytes) -> None:
    write_atomically(file, content, argument="--output")
    click.echo(file)
