"""``hierbrush curriculum``: check curriculum files, show what a policy will see, print the schema."""

from __future__ import annotations

from pathlib import Path

import click

from hierbrush.cli.documents import FILE, check_all, files_argument, output_option, print_schema
from hierbrush.cli.messages import check_place
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.files import write_atomically


@click.group(short_help="Check a curriculum file, or show what the policy will see.")
def curriculum() -> None:
    """Check a curriculum file, or show what the policy will see.

    docs/curricula.md is the guide for authors.
    """


@curriculum.command(short_help="Check curriculum files.")
@files_argument
def check(files: tuple[Path, ...]) -> None:
    """Check curriculum files; each problem is named as file:line:column.

    A FILE that is not there may be one of hierbrush's own, such as curricula/primitives.yaml or dots.

    The exit status is 2 when a file cannot be used.

    \b
    hierbrush curriculum check mine.yaml
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.curriculum import load_curriculum
    from hierbrush.curriculum.model import curriculum_file

    def describe(file: Path) -> str:
        loaded = load_curriculum(file)
        count = len(loaded.stroke_types)
        stages = ", ".join(stage.name for stage in loaded.stages)
        return f"teaches {count} stroke type{'s' * (count > 1)} in the stages {stages}"

    check_all(files, describe, curriculum_file)


@curriculum.command(short_help="Draw what a policy will see.")
@click.argument("file", type=FILE)
@click.option(
    "-o", "--output", type=FILE, help="Picture to draw: .png, .svg or .pdf.  [default: NAME.sheet.png in this folder]"
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the sampled goals.")
@click.option("--stroke", "strokes", multiple=True, help="Only this stroke type, such as HZG; may be repeated.")
def show(file: Path, output: Path | None, seed: int, strokes: tuple[str, ...]) -> None:
    """Draw a contact sheet: sampled goals of every stage, and the stage's rules beside them.

    A FILE that is not there may be one of hierbrush's own, such as curricula/dots.yaml or dots.

    \b
    hierbrush curriculum show dots -o dots.png
    hierbrush curriculum show primitives --stroke HZG
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.curriculum import load_curriculum

    loaded = load_curriculum(file)
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
    write_atomically(target, rendered(figure, target.suffix.lower()), argument="--output")
    click.echo(target)


@curriculum.command(short_help="Print the JSON Schema of curriculum files.")
@output_option
def schema(output: Path | None) -> None:
    """Print the JSON Schema of curriculum files, by which editors complete and check them."""
    from hierbrush.curriculum.model import json_schema

    print_schema(json_schema(), output)
