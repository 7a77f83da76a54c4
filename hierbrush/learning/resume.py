"""What may change when a training goes on, and what is refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel

from hierbrush.errors import HierbrushError, shown

_MACHINE = ("name", "resources.", "faults.", "output.", "training.validate_every")
"""Settings that say where and how, not what is learned; those with a dot at the end stand for all below them."""

_SCHEDULES = tuple(
    f"{section}.{key}"
    for section, keys in {
        "training": ("steps", "lr", "lr_final"),
        "policy": ("sigma", "sigma_final"),
        "composer": ("lr", "lr_final", "sigma", "sigma_final"),
        "primitives": ("lr", "lr_final", "sigma", "sigma_final"),
    }.items()
    for key in keys
)
"""Settings that are functions of the steps, so that what they say of later steps can change."""

_ELSEWHERE = ("phases", "sweep")  # a policy's own phase and variant have taken their places in its configuration
Change = tuple[Any, Any]
"""A setting before and now."""


class Resumable(Protocol):
    """What is resumed: a `PolicyRun`."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def config(self) -> Any:
        """Its configuration."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""

    def earlier_settings(self) -> Mapping[str, Any] | None:
        """Return the configuration of its newest checkpoint as JSON; None if there is none that says."""


def changes(before: Mapping[str, Any], config: BaseModel) -> dict[str, Change]:
    """Return the settings that differ from an earlier configuration, by their dotted keys, before and now.

    Args:
        before: JSON of the earlier configuration; a setting that it lacks had no other value.
        config: the present one.
    """
    now = dict(_leaves(config.model_dump(mode="json"), config))
    then = dict(_leaves(before, config))
    return {key: (then[key], value) for key, value in now.items() if key in then and then[key] != value}


def check_changes(before: Mapping[str, Any], config: BaseModel, name: str) -> dict[str, Change]:
    """Return what differs from an earlier configuration of a training.

    Raises:
        HierbrushError: a setting differs that cannot change once a training has begun.
    """
    changed = changes(before, config)
    refused = {key: change for key, change in changed.items() if not _matches(key, (*_MACHINE, *_SCHEDULES))}
    if refused:
        known = [key for key, _ in _leaves(config.model_dump(mode="json"), config)]
        may = ", ".join(key for key in _SCHEDULES if key in known)
        raise HierbrushError(
            f"--resume: {_listed(refused)}: cannot change, as {name} has begun; {may} can, and what resources, faults "
            "and output say; for anything else begin another training with --output, from these weights if you like"
        )
    return changed


def check_resume(runs: Sequence[Resumable]) -> None:
    """Look at what a resumed training would change before anything is started or written.

    Raises:
        HierbrushError: a setting has changed that cannot, or only such as finished policies have no use for.
    """
    useless: dict[str, Change] = {}
    for run in runs:
        before = run.earlier_settings()
        changed = check_changes(before, run.config, run.name) if before is not None else {}
        useless |= {key: change for key, change in changed.items() if not _matches(key, _MACHINE)}
    if useless and all(run.finished for run in runs):
        raise HierbrushError(
            f"--resume: {_listed(useless)}: changes nothing, as {runs[0].name} is finished; a larger training.steps "
            "goes on with it"
        )


def _leaves(values: Mapping[str, Any], section: BaseModel, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted keys and values of a configuration's JSON, as deep as the model has sections."""
    for name in type(section).model_fields:
        inner, value = getattr(section, name), values.get(name)
        if name not in values or at + name in _ELSEWHERE:
            continue
        if isinstance(inner, BaseModel) and isinstance(value, Mapping):
            yield from _leaves(value, inner, f"{at}{name}.")
        else:
            yield f"{at}{name}", value


def _matches(key: str, patterns: Sequence[str]) -> bool:
    return any(key == pattern or (pattern.endswith(".") and key.startswith(pattern)) for pattern in patterns)


def _listed(changed: Mapping[str, Change]) -> str:
    return ", ".join(f"{key} ({shown(before)}, now {shown(now)})" for key, (before, now) in changed.items())
