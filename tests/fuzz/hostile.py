"""Values that no call expects, and those that a user would find natural."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np


class Raising:
    """Raises whatever it is asked."""

    def _fail(self, *_: object) -> Any:
        raise RuntimeError("asked\nfor\x1b[2J it")

    __repr__ = __str__ = __len__ = __iter__ = __getitem__ = __fspath__ = __float__ = __int__ = __index__ = _fail
    __bool__ = __eq__ = __lt__ = __gt__ = __array__ = __contains__ = _fail
    __hash__ = None  # type: ignore[assignment]


class Text(str):
    """A string of another class, as libraries make them."""


def _object_array() -> np.ndarray[Any, Any]:
    array = np.empty(3, object)
    array[:] = [None, "x", {}]
    return array


HOSTILE: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: True,
    lambda: False,
    lambda: 0,
    lambda: -1,
    lambda: 3,
    lambda: 10**400,
    lambda: -(10**400),
    lambda: 2**31,
    lambda: 2**63,
    lambda: 2**64,
    lambda: 0.5,
    lambda: 1e308,
    lambda: 1e-320,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: -float("inf"),
    lambda: 1j,
    lambda: Fraction(1, 3),
    lambda: Decimal("0.1"),
    lambda: "",
    lambda: "x",
    lambda: "永",
    lambda: "永\n\x1b[31m",
    lambda: "\ud800",
    lambda: "a\0b",
    lambda: "y" * 5000,
    lambda: "永" * 300,
    lambda: "/dev/zero",
    lambda: "x.safetensors",
    lambda: "/dev/null/x.json",
    lambda: ".",
    lambda: Text("永"),
    lambda: b"\xff",
    lambda: bytearray(b"x"),
    lambda: (),
    list,
    dict,
    lambda: set(),
    lambda: {"a": 1, "b\n": [None]},
    lambda: {1: 2},
    lambda: [None],
    lambda: ["x", 1, None],
    lambda: [[1, 2], [3]],
    lambda: [[]],
    lambda: (i for i in range(3)),
    lambda: iter("永国"),
    lambda: range(4),
    lambda: np.int64(3),
    lambda: np.uint8(200),
    lambda: np.float32(0.5),
    lambda: np.float64("nan"),
    lambda: np.bool_(True),
    lambda: np.str_("永"),
    lambda: np.datetime64("2020-01-01"),
    lambda: np.array(0.5),
    lambda: np.zeros(0),
    lambda: np.zeros((3, 2)),
    lambda: np.zeros((0, 2)),
    lambda: np.zeros((4, 3), np.float32),
    lambda: np.full((4, 2), np.nan),
    lambda: np.full((4, 3), 1e300),
    lambda: np.ones((32, 32), bool),
    lambda: np.ones((48, 48)),
    lambda: np.zeros((256, 256)),
    lambda: np.zeros((2, 3, 4)),
    lambda: np.array(["x", "y"]),
    lambda: np.array([1, -5]),
    lambda: np.zeros(3, complex),
    _object_array,
    lambda: Path("x.json"),
    lambda: Path("永\n"),
    lambda: BytesIO(b"x"),
    lambda: object(),
    lambda: lambda *_, **__: None,
    lambda: type,
    Raising,
)


def hostile(rng: random.Random) -> Any:
    """Return a fresh hostile value."""
    return rng.choice(HOSTILE)()


def told(value: Any) -> str:
    """Return a value for a report, whatever its ``__repr__`` does."""
    try:
        return repr(value)[:80]
    except Exception:
        return f"<{type(value).__name__}>"
