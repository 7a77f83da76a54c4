"""``hierbrush machine``: check files that describe a machine for G-code, print an example and the schema."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import click

from hierbrush.files import write_atomically
from hierbrush.writing.machine import example as example_file
from hierbrush.writing.machine import load_machine, machine_schema, machines
from hierbrush.yaml_source import ConfigError

_FILE = click.Path(path_type=Path)
_OUTPUT = click.option("-o", "--output", type=_FILE, help="Write it there instead of printing it.")


_FOR = click.option(
    "--for",
    "option",
    type=click.Choice(list(machines())),
    default="gcode",
    show_default=True,
    help="Option of hierbrush write that the file is for.",
)


@click.group(short_help="Check a machine file for G-code, print an example or the schema.")
def machine() -> None:
    """Check a machine file for hierbrush write --gcode, print an example or the schema.

    docs/formats.md tells what the options mean.
    """


@machine.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@_FOR
def check(files: tuple[Path, ...], option: str) -> None:
    """Check machine files; each problem is named as file:line:column.

    The exit status is 2 when a file cannot be used.
    """
    usable = True
    for file in files:
        try:
            machine = load_machine(file, option)
        except ConfigError as error:
            usable = False
            for line in str(error).splitlines():
                click.echo(f"hierbrush: error: {line}", err=True)
            continue
        first = fields(machine)[0].name
        click.echo(f"{file}: fine: {first} {getattr(machine, first)}")
    if not usable:
        raise click.exceptions.Exit(2)


@machine.command()
@_OUTPUT
@_FOR
def example(output: Path | None, option: str) -> None:
    """Print a machine file with every option, its meaning and its default."""
    _print(example_file(option), output)


@machine.command()
@_OUTPUT
@_FOR
def schema(output: Path | None, option: str) -> None:
    """Print the JSON Schema of machine files, by which editors complete and check them."""
    _print(json.dumps(machine_schema(option), indent=2) + "\n", output)


def _print(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomically(output, text.encode(), argument="--output")
        click.echo(output)
