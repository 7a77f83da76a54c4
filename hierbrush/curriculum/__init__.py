"""Curricula: what is practised in which order, read from YAML, and when a training moves on.

Each name below is imported when it is first used, since models need an extra that reading a file does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hierbrush.lazy_names import lazy_names

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


__getattr__ = lazy_names(
    __name__,
    {
        "hierbrush.curriculum.model": ("METRICS", "Curriculum", "Goals", "Stage", "load_curriculum"),
        "hierbrush.curriculum.stages": ("StageEvent", "StageMachine", "StageState"),
        "hierbrush.yaml_source": (
            "ConfigError",
            "apply_overrides",
            "load_model",
            "read_yaml",
            "substitute",
            "validate",
        ),
    },
)
