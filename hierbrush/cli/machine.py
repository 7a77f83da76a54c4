"""``hierbrush machine``: check files that describe a machine for G-code, print an example and the schema."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click

from hierbrush.cli.documents import check_all, files_argument, output_option, print_or_write, print_schema
from hierbrush.writing.machine import example as example_file
from hierbrush.writing.machine import load_machine, machine_schema, machines

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


@machine.command(short_help="Check machine files.")
@files_argument
@_FOR
def check(files: tuple[Path, ...], option: str) -> None:
    """Check machine files; each problem is named as file:line:column.

    The exit status is 2 when a file cannot be used.
    """

    def describe(file: Path) -> str:
        found = load_machine(file, option)
        first = fields(found)[0].name
        return f"{first} {getattr(found, first)}"

    check_all(files, describe)


@machine.command(short_help="Print a machine file with every option.")
@output_option
@_FOR
def example(output: Path | None, option: str) -> None:
    """Print a machine file with every option, its meaning and its default.

    \b
    hierbrush machine example -o machine.yaml
    hierbrush write 永 -o yong.gcode --gcode machine.yaml
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    print_or_write(example_file(option), output)


@machine.command(short_help="Print the JSON Schema of machine files.")
@output_option
@_FOR
def schema(output: Path | None, option: str) -> None:
    """Print the JSON Schema of machine files, by which editors complete and check them."""
    print_schema(machine_schema(option), output)
