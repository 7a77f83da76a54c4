"""What commands share that read YAML files of one kind: check them, and print an example and the schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from hierbrush.cli.messages import complain
from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically

FILE = click.Path(path_type=Path)

files_argument = click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
output_option = click.option("-o", "--output", type=FILE, help="Write it there instead of printing it.")


def check_all(
    files: Iterable[Path], describe: Callable[[Path], str], found: Callable[[Path], Path] = lambda file: file
) -> None:
    """Print of each file that it is fine, or what is wrong with it, and leave with status 2 if any is.

    Args:
        files: what to read.
        describe: reads one and says what is in it; raises `HierbrushError` with a line for each problem.
        found: the file that a name stands for.
    """
    usable = True
    for file in files:
        try:
            click.echo(f"{found(file)}: fine: {describe(file)}")
        except HierbrushError as error:
            usable = False
            complain(str(error))
    if not usable:
        raise click.exceptions.Exit(2)


def print_or_write(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file and print the file's name."""
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomically(output, text.encode(), argument="--output")
        click.echo(output)


def print_schema(schema: Mapping[str, Any], output: Path | None) -> None:
    """Print or write a JSON Schema."""
    print_or_write(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", output)
