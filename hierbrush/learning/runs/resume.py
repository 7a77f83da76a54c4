"""What may change when a training goes on, and what is refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from hierbrush.errors import HierbrushError, shown
from hierbrush.learning.runs.storage import CONFIG_COPY

if TYPE_CHECKING:
    from hierbrush.learning.recipe import Recipe
    from hierbrush.learning.runs.job import Job

_MACHINE = ("name", "resources.", "faults.", "output.")
"""Settings that say where and how, not what is learned; those with a dot at the end stand for all below them."""

_ELSEWHERE = ("phases", "sweep")  # a policy's own phase and variant have taken their places in its configuration
Change = tuple[Any, Any]
"""A setting before and now."""


def changes(before: Mapping[str, Any], config: BaseModel) -> dict[str, Change]:
    """Return the settings that differ from an earlier configuration, by their dotted keys, before and now.

    Args:
        before: JSON of the earlier configuration; a setting that it lacks had no other value.
        config: the present one.
    """
    now = dict(_leaves(config.model_dump(mode="json"), config))
    then = dict(_leaves(before, config))
    return {key: (then[key], value) for key, value in now.items() if key in then and then[key] != value}


def check_changes(before: Mapping[str, Any], config: Recipe, name: str) -> dict[str, Change]:
    """Return what differs from an earlier configuration of a training.

    Raises:
        HierbrushError: a setting differs that cannot change once a training has begun.
    """
    changed = changes(before, config)
    refused = {
        key: change
        for key, change in changed.items()
        if not _matches(key, (*_MACHINE, *config.incidental, *config.schedules))
    }
    if refused:
        known = [key for key, _ in _leaves(config.model_dump(mode="json"), config)]
        may = ", ".join(key for key in config.schedules if key in known)
        raise HierbrushError(
            f"--resume: {_listed(refused)}: cannot change, as {name} has begun; {may} can, and what resources, faults "
            "and output say; for anything else begin another training with --output, from these weights if you like"
        )
    return changed


def check_resume(jobs: Sequence[Job]) -> None:
    """Look at what a resumed training would change before anything is started or written.

    Raises:
        HierbrushError: a setting has changed that cannot, or only such as finished policies have no use for.
    """
    useless: dict[str, Change] = {}
    for job in jobs:
        before = job.earlier_settings()
        changed = check_changes(before, job.recipe, job.name) if before is not None else {}
        useless |= {
            key: change for key, change in changed.items() if not _matches(key, (*_MACHINE, *job.recipe.incidental))
        }
    if useless and all(job.finished for job in jobs):
        raise HierbrushError(
            f"--resume: {_listed(useless)}: changes nothing, as {jobs[0].name} is finished; a larger training.steps "
            "goes on with it"
        )


def refuse_lost_checkpoints(output: Path, storage: str | None, jobs: Sequence[Job]) -> None:
    """Refuse to resume where the checkpoints are not: the training would begin again and lose its log.

    Args:
        output: folder of the whole training.
        storage: ``output.storage`` now.
        jobs: all that is trained.

    Raises:
        HierbrushError: ``output.storage`` has changed, and nothing has begun there.
    """
    try:
        before = json.loads((output / CONFIG_COPY).read_bytes())["output"]["storage"]
    except (OSError, ValueError, TypeError, KeyError):
        return
    if before != storage and not any(job.store().begun() for job in jobs):
        raise HierbrushError(
            f"--resume: output.storage ({shown(before)}, now {shown(storage)}): there are no checkpoints; copy them "
            "there first"
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
