"""Options that describe a machine, in a YAML file: read with positions, their JSON Schema, and an example.

Any export may have them: a dataclass whose fields say what they mean (`hierbrush.options`), named by `Option.fields`.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

from hierbrush.options import example as example_of
from hierbrush.options import read_options, schema
from hierbrush.writing.outputs import options


def machines() -> dict[str, type]:
    """Return by option the dataclasses of exports that describe a machine."""
    return {name: option.fields for name, (option, _) in options().items() if option.fields is not None}


def load_machine(path: str | PathLike[str], option: str = "gcode") -> Any:
    """Read the options of a machine from a YAML file; what it leaves out has its default.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
    """
    return read_options(path, option, machines()[option])


def machine_schema(option: str = "gcode") -> dict[str, Any]:
    """Return the JSON Schema of machine files, by which editors complete and check them."""
    return schema("hierbrush machine", machines()[option])


def example(option: str = "gcode") -> str:
    """Return a machine file with every option, its meaning and its default."""
    return example_of(f"A machine for hierbrush write --{option}", machines()[option])
