"""What public calls take for a number, a name, an array or a path, and what they say of anything else.

NumPy's numbers count as numbers and path-likes as paths, without an import of NumPy: what is asked is the protocol.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hierbrush.errors import HierbrushError, closest, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

Progress = Callable[[float], object]
"""Is told how much of a long work was just done."""


def is_number(value: Any) -> bool:
    """Whether a value is a real number of Python's or NumPy's; booleans are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_number(name: str, value: Any, low: float, high: float, unit: str) -> float:
    """Return ``value`` as a float.

    Args:
        name: of the argument, for the message.
        value: a number of Python's or NumPy's.
        low: the least that is allowed.
        high: the most.
        unit: what it counts, such as ``"metres"``.

    Raises:
        HierbrushError: it is no number from ``low`` to ``high``; NaN and booleans are none.
    """
    # Written so that NaN fails too.
    if not is_number(value) or not low <= value <= high:
        raise HierbrushError(f"{name}: {shown(value)}, expected {unit} from {low:g} to {high:g}")
    return float(value)


def check_whole(name: str, value: Any, low: int, high: int | None = None, *, unit: str = "") -> int:
    """Return ``value`` as an int.

    Args:
        name: of the argument, for the message.
        value: a whole number of Python's or NumPy's.
        low: the least that is allowed.
        high: the most; no limit unless given.
        unit: what it counts, such as ``"pixels"``.

    Raises:
        HierbrushError: it is no whole number from ``low`` to ``high``; booleans and 3.0 are none.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        bounds = f"from {low} to {high}" if high is not None else f">= {low}"
        raise HierbrushError(f"{name}: {shown(value)}, expected a whole number {f'of {unit} ' if unit else ''}{bounds}")
    return int(value)


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return ``value``, one of the names in ``choices``.

    Raises:
        HierbrushError: it is none of them; the message proposes the nearest.
    """
    known = list(choices)
    if not isinstance(value, str) or value not in known:
        raise HierbrushError(f"{name}: {shown(value)} is not one of {', '.join(known)}{closest(value, known)}")
    return value


def check_path(name: str, value: Any) -> Path:
    """Return a string or path-like as a path.

    Raises:
        HierbrushError: it is neither, or empty.
    """
    try:
        path = os.fspath(value)
    except Exception:  # a stranger's __fspath__ may raise anything
        path = None
    if not isinstance(path, str) or not path:
        raise HierbrushError(f"{name}: {shown(value)}, expected a path")
    return Path(path)


def check_kind(name: str, value: Any, kind: type | tuple[type, ...], expected: str) -> None:
    """Raise HierbrushError unless ``value`` is a ``kind``, which the message calls ``expected``."""
    if not isinstance(value, kind):
        raise HierbrushError(f"{name}: {shown(value)}, expected {expected}")


def check_progress(progress: Any) -> None:
    """Raise HierbrushError unless ``progress`` can be told how much was done, or is None."""
    check_kind("progress", progress, Callable | None, "a function of a number or None")  # type: ignore[arg-type]


def check_list(name: str, value: Any, expected: str) -> list[Any]:
    """Return what ``value`` iterates over, a generator's items too.

    Raises:
        HierbrushError: it cannot be iterated over.
    """
    try:
        return list(value)
    except Exception:  # a stranger's __iter__ may raise anything
        raise HierbrushError(f"{name}: {shown(value)}, expected {expected}") from None


def _fits(have: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(have) == len(wanted) and all(want in (None, extent) for want, extent in zip(wanted, have, strict=True))


def check_array(
    name: str,
    value: Any,
    shape: tuple[int | None, ...] | None,
    expected: str,
    *,
    dtype: Any = "float64",
    finite: bool = True,
) -> NDArray[Any]:
    """Return ``value`` as an array of real numbers.

    Args:
        name: of the argument, for the message.
        value: whatever NumPy makes such an array of, without a copy if it is one.
        shape: length of each axis, None for any length; None for any shape.
        expected: what would have been right, for the message.
        dtype: of the answer; that of ``value`` if None.
        finite: whether NaN and infinity are refused.

    Raises:
        HierbrushError: it holds something else than numbers, or has another shape.
    """
    import numpy as np

    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError
        if dtype is not None and array.dtype != dtype:
            with np.errstate(over="ignore"):  # what overflows is infinite, and seen below
                array = array.astype(dtype, copy=False)
    except Exception:  # a stranger's __array__ may raise anything
        raise HierbrushError(f"{name}: {shown(value)}, expected {expected}") from None
    if not (shape is None or array.shape == shape or _fits(array.shape, shape)):
        raise HierbrushError(f"{name}: shape {array.shape}, expected {expected}")
    if finite and not np.isfinite(array).all():
        raise HierbrushError(f"{name}: holds NaN or infinity, expected {expected}")
    return array
