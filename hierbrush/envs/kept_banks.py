"""Banks of goals that were drawn before: in memory for this process, in files for the next.

Drawing the two thousand goals of a stage takes seconds, and every script, vector worker and env runner asks for the
same ones.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from hierbrush.envs.kept_arrays import Arrays, kept_arrays
from hierbrush.sim import GoalBank
from hierbrush.sim.arrays import BANK

_IN_MEMORY = 2
_memory: OrderedDict[str, GoalBank] = OrderedDict()
_SOURCES = ("characters", "curriculum", "strokes", "sim", "envs")
_RASTER = ("side", "box", "supersample")


def kept_bank(recipe: str, draw: Callable[[], GoalBank]) -> GoalBank:
    """Return the bank of a recipe, drawn only if it was not before.

    Args:
        recipe: text from which alone, beside code and data of hierbrush, the bank follows.
        draw: draws it.
    """
    if recipe in _memory:
        _memory.move_to_end(recipe)
        return _memory[recipe]
    found = kept_arrays("goals", recipe, _SOURCES, lambda: _taken_apart(draw()), _check)
    side, box, supersample = (found[name].item() for name in _RASTER)
    bank = GoalBank(side, box, supersample, {name: found[name] for name in BANK})
    _memory[recipe] = bank
    if len(_memory) > _IN_MEMORY:
        _memory.popitem(last=False)
    return bank


def _taken_apart(bank: GoalBank) -> Arrays:
    return {**{name: np.array(getattr(bank, name)) for name in _RASTER}, **bank.arrays}


def _check(arrays: Arrays) -> None:
    """Raise ValueError unless the arrays fit each other, for the core reads where they say."""
    window, ticks = arrays["goal_window"].astype(np.int64), arrays["goal_ticks"].astype(np.int64)
    width, height, supersample = window[:, 2], window[:, 3], arrays["supersample"].item()
    for name, sizes in (
        ("mask", height * supersample * ((width * supersample + 63) // 64)),
        ("distance", width * height),
        ("track", ticks + 1),
    ):
        ends = np.cumsum(sizes)
        if not (
            (sizes > 0).all() and len(arrays[name]) == ends[-1] and (arrays[f"{name}_offset"] == ends - sizes).all()
        ):
            raise ValueError(name)
    if not all(arrays[name].dtype == element for name, element in BANK.items()):
        raise ValueError("elements")
