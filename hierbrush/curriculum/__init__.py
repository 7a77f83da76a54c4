"""Curricula: what is practised in which order, read from YAML, and when a training moves on."""

from hierbrush.curriculum.model import METRICS, Curriculum, Goals, Stage, load_curriculum
from hierbrush.curriculum.stages import StageEvent, StageMachine, StageState
from hierbrush.curriculum.yaml_source import ConfigError, apply_overrides, load_model, read_yaml, substitute, validate

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
