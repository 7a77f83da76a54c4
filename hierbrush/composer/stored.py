"""How drawings, layouts and components are stored: tensors as safetensors, and strings in a JSON file beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError, one_line, shown
from hierbrush.files import UnreadableError, read_json, write_atomically
from hierbrush.strokes.policy import read_safetensors

F32 = NDArray[np.float32]


@contextmanager
def read(path: Path, what: str) -> Iterator[tuple[dict[str, F32], dict[str, Any]]]:
    """Give the tensors and the strings of a file to a block that makes something of them.

    Args:
        path: the safetensors file.
        what: the plural of what it should hold, for messages.

    Raises:
        HierbrushError: one of the two files cannot be read, or the block finds that something is missing or has the
            wrong type or shape.
    """
    tensors, source = read_safetensors(path), one_line(str(path), 300)
    try:
        yield tensors, read_json(path.with_suffix(".json"))
    except UnreadableError as error:
        raise HierbrushError(f"{source}: holds no {what}, or its JSON file is missing: {error}") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise HierbrushError(f"{source}: holds no {what}: {shown(error)}") from None


def write(path: Path, tensors: Mapping[str, NDArray[np.floating]], strings: Mapping[str, object]) -> None:
    """Write tensors and strings as `read` reads them."""
    from safetensors.numpy import save

    write_atomically(path, save(dict(tensors)))
    text = json.dumps(strings, ensure_ascii=False, separators=(",", ":"))
    write_atomically(path.with_suffix(".json"), text.encode() + b"\n")
