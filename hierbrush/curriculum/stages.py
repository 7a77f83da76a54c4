"""Which stage a training is in: metrics in, stage out, nothing else.

The machine keeps no state of its own and knows no clock, no file and no RLlib; whoever trains carries the
:class:`StageState` from call to call and saves it with the weights, so that a resumed training goes on as if it had
never stopped::

    machine = StageMachine(curriculum)
    state = machine.start()
    state, event = machine.advance(state, {"iou": 0.91, "iou_p05": 0.80}, steps=65_536)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hierbrush.arguments import check_kind, is_number
from hierbrush.curriculum.model import Curriculum, Stage
from hierbrush.errors import HierbrushError, shown
from hierbrush.yaml_source import Document, Origin, validate

Kind = Literal["promoted", "timed_out", "finished", "stopped"]


class StageState(BaseModel):
    """Where a training stands in its curriculum. Frozen; equal states behave alike from here on."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    status: Literal["running", "finished", "stopped"]
    stage: int = Field(ge=0)
    """Position of the stage, from 0."""
    name: str
    """Name of the stage, to notice a curriculum that was changed under a checkpoint."""
    steps: int = Field(ge=0)
    """Environment steps taken in this stage."""
    total_steps: int = Field(ge=0)
    """Environment steps taken since the start."""
    window: tuple[float, ...]
    """The metric's last finite values in this stage, oldest first, at most as many as the promotion's window."""
    timed_out: bool
    """Whether the stage has gone past its maximum and stays."""

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON-able data."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StageState:
        """Return the state that :meth:`to_dict` gave.

        Raises:
            HierbrushError: a key is missing or unknown, or a value is of the wrong kind or range.
        """
        check_kind("data", data, Mapping, "what to_dict gave")
        return validate(Document(_plain(data), {(): Origin("stage state", (0, 0, 0))}, {}), cls)


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data as JSON gives it back, for only that is compared with the model."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(data)))
    except Exception as error:  # whatever a stranger's objects raise
        raise HierbrushError(f"data: is not what to_dict gave: {error}") from None
    return plain


@dataclass(frozen=True)
class StageEvent:
    """What happened to the stage in one :meth:`StageMachine.advance`.

    Attributes:
        kind: ``promoted``: passed, the next stage begins. ``timed_out``: not passed by its maximum; the next stage
            begins all the same (``next_stage``), or the stage goes on (``next_stage`` is None). ``finished``: the last
            stage is over. ``stopped``: not passed by its maximum, and the curriculum says to stop.
        stage: name of the stage it happened to.
        next_stage: name of the stage that begins, if one does.
        steps: environment steps that were taken in ``stage``.
        value: mean of the stage's metric over the window, None while the window is not full.
        passed: whether the metric reached the threshold.
    """

    kind: Kind
    stage: str
    next_stage: str | None
    steps: int
    value: float | None
    passed: bool

    def __str__(self) -> str:
        reached = "no full window" if self.value is None else f"{self.value:.3f}"
        outcome = {
            "promoted": "passed",
            "timed_out": "not passed by its maximum",
            "finished": "passed" if self.passed else "at its maximum",
            "stopped": "not passed by its maximum, stopped",
        }[self.kind]
        following = {"promoted": f", next: {self.next_stage}", "finished": ", curriculum finished", "stopped": ""}
        after = following.get(self.kind) or (f", next: {self.next_stage}" if self.next_stage else "")
        if self.kind == "timed_out" and self.next_stage is None:
            after = ", stays"
        return f"stage {self.stage}: {outcome} after {self.steps:,} steps ({reached}){after}"


class StageMachine:
    """The promotion rules of one curriculum."""

    def __init__(self, curriculum: Curriculum) -> None:
        check_kind("curriculum", curriculum, Curriculum, "a Curriculum")
        self.curriculum = curriculum

    def start(self) -> StageState:
        """Return the state before the first step."""
        return self._enter(0, total_steps=0)

    def stage(self, state: StageState) -> Stage:
        """Return the stage that ``state`` is in.

        Raises:
            HierbrushError: the curriculum has no such stage: it was changed since the state was saved.
        """
        check_kind("state", state, StageState, "a StageState")
        stages = self.curriculum.stages
        if state.stage >= len(stages) or stages[state.stage].name != state.name:
            names = ", ".join(stage.name for stage in stages)
            raise HierbrushError(
                f"state: stage {state.stage} is {shown(state.name)}, but curriculum {shown(self.curriculum.name)} has "
                f"the stages {names}; resume with the curriculum that the training was started with"
            )
        return stages[state.stage]

    def advance(
        self, state: StageState, metrics: Mapping[str, float], steps: int
    ) -> tuple[StageState, StageEvent | None]:
        """Account for one training iteration.

        At most one event happens a call, and a stage is passed only on a fresh measurement: an iteration whose metric
        is NaN or infinite (no episode ended, say) counts its steps and leaves the window as it is. A state that is
        finished or stopped is returned unchanged.

        Args:
            state: from :meth:`start`, the last call, or a checkpoint.
            metrics: a value for the metric that the stage is promoted on, NaN where nothing was measured; more are
                ignored.
            steps: environment steps taken since the last call.

        Raises:
            HierbrushError: ``steps`` is no whole number >= 0, a metric is missing, or ``state`` is of another
                curriculum.
        """
        stage = self.stage(state)
        if not is_number(steps) or not 0 <= steps < math.inf or steps != int(steps):
            raise HierbrushError(f"steps: {shown(steps)}, expected a whole number >= 0")
        check_kind("metrics", metrics, Mapping, "values by the names of metrics")
        if stage.promotion.metric not in metrics:
            raise HierbrushError(f"metrics: no {shown(stage.promotion.metric)} (NaN when not measured)")
        if state.status != "running":
            return state, None
        rule = stage.promotion
        value = metrics[rule.metric]
        if not is_number(value):
            raise HierbrushError(f"metrics: {rule.metric}: {shown(value)}, expected a number")
        value = float(value)
        measured = math.isfinite(value)
        window = (*state.window, value)[-rule.window :] if measured else state.window
        state = state.model_copy(
            update={"steps": state.steps + int(steps), "total_steps": state.total_steps + int(steps), "window": window}
        )
        mean = fmean(window) if len(window) == rule.window else None
        if measured and mean is not None and mean >= rule.threshold and state.steps >= rule.minimum_steps:
            return self._leave(state, mean, passed=True)
        if state.steps >= rule.maximum_steps and not state.timed_out:
            if rule.at_maximum == "promote":
                return self._leave(state, mean, passed=False)
            event: Kind = "stopped" if rule.at_maximum == "stop" else "timed_out"
            status = "stopped" if rule.at_maximum == "stop" else "running"
            state = state.model_copy(update={"timed_out": True, "status": status})
            return state, StageEvent(event, stage.name, None, state.steps, mean, passed=False)
        return state, None

    def _leave(self, state: StageState, mean: float | None, *, passed: bool) -> tuple[StageState, StageEvent]:
        following = state.stage + 1
        if following == len(self.curriculum.stages):
            event = StageEvent("finished", state.name, None, state.steps, mean, passed)
            return state.model_copy(update={"status": "finished"}), event
        new = self._enter(following, state.total_steps)
        return new, StageEvent("promoted" if passed else "timed_out", state.name, new.name, state.steps, mean, passed)

    def _enter(self, stage: int, total_steps: int) -> StageState:
        return StageState(
            status="running",
            stage=stage,
            name=self.curriculum.stages[stage].name,
            steps=0,
            total_steps=total_steps,
            window=(),
            timed_out=False,
        )
