"""Curricula: what is practised in which order, read from YAML, and when a training moves on.

Each name below is imported when it is first used, since models need an extra that reading a file does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hierbrush.curriculum.model import METRICS, Curriculum, Goals, Stage, load_curriculum
    from hierbrush.curriculum.stages import StageEvent, StageMachine, StageState
    from hierbrush.yaml_source import (
        ConfigError,
        apply_overrides,
        load_model,
        read_yaml,
        substitute,
        validate,
    )

_HOMES = {
    "curriculum.model": ("METRICS", "Curriculum", "Goals", "Stage", "load_curriculum"),
    "curriculum.stages": ("StageEvent", "StageMachine", "StageState"),
    "yaml_source": ("ConfigError", "apply_overrides", "load_model", "read_yaml", "substitute", "validate"),
}

__all__ = [
    "METRICS",
    "ConfigError",
    "Curriculum",
    "Goals",
    "Stage",
    "StageEvent",
    "StageMachine",
    "StageState",
    "apply_overrides",
    "load_curriculum",
    "load_model",
    "read_yaml",
    "substitute",
    "validate",
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"hierbrush.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
