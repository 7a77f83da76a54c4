"""Writing one stroke, as a Gymnasium environment: single, vectorised, and in whole batches for the fast path.

An episode writes one goal. The observation (float32 [219], or [64]) is described column by column in
``hierbrush/sim/observation.py``; it is scaled already. The action (float32 [3] in [-1, 1]) moves the handle off the
scripted follower's path along the stroke, across it and in depth, 1 being 3 mm, so that action 0 *is* the follower. The
reward of a tick is new ink inside the goal minus new ink outside it, each as a share of the goal's area and weighted by
the stage; an episode's return without a motion cost is therefore at most 1. Episodes end by termination after the
goal's number of ticks, which the observation counts down.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hierbrush.arguments import check_choice, check_list
from hierbrush.curriculum import Curriculum, Stage
from hierbrush.curriculum.goals import sample_goals
from hierbrush.envs.batch_vector import F32, BatchVectorEnv, Bools, Index, SingleEnv, curriculum_of
from hierbrush.envs.hands import Hands
from hierbrush.envs.kept_banks import kept_bank
from hierbrush.envs.picture import Frame, stroke_picture
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sim import GoalBank, StrokeBatch
from hierbrush.sim.observation import GROUPS, OBSERVATIONS
from hierbrush.sim.raster import check_supersample
from hierbrush.strokes.follower import Follower


class StrokeVectorEnv(BatchVectorEnv):
    """N strokes written side by side on one :class:`~hierbrush.sim.StrokeBatch`.

    ``episode_metrics`` holds ``iou``, and the ink ``inside`` and ``outside`` in shares of the goal's area.

    Args:
        num_envs: N.
        curriculum: a :class:`Curriculum`, its content as a mapping, or a file; ``primitives.yaml`` by default.
        stroke: one stroke type to practise; all of the curriculum's by default.
        stage: where in the curriculum to begin.
        observation: ``"full"`` or ``"track"``.
        hidden: groups of observation columns that are always 0, such as ``["look-ahead"]`` (ablations).
        supersample: samples a pixel side of the ink that is rewarded: 1, 2 or 4.
        threads: workers that share the slots.
        seed: of goals, brushes and handle errors until ``reset`` gives another.
        render_mode: ``"rgb_array"``, or None for no pictures.

    Raises:
        HierbrushError: an argument is out of range or the curriculum cannot be used.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        curriculum: Curriculum | Mapping[str, Any] | str | PathLike[str] | None = None,
        stroke: str | None = None,
        stage: int = 0,
        observation: str = "full",
        hidden: Sequence[str] = (),
        supersample: int = 1,
        threads: int = 1,
        seed: int = 0,
        render_mode: str | None = None,
    ) -> None:
        self.curriculum = curriculum_of(curriculum, default="primitives.yaml")
        without = [stage.name for stage in self.curriculum.stages if stage.goals is None]
        if without:
            raise HierbrushError(
                f"curriculum: stage {without[0]} of {self.curriculum.name} has no 'goals'; it teaches the composer"
            )
        types = self.curriculum.stroke_types
        if stroke is not None and stroke not in types:
            raise HierbrushError(
                f"stroke: {shown(stroke)} is not taught by {self.curriculum.name}{closest(stroke, list(types))}"
            )
        self.stroke_types = types if stroke is None else (stroke,)
        if observation not in ("full", "track"):
            raise HierbrushError(f"observation: {shown(observation)}, expected 'full' or 'track'")
        self._hidden = hidden_columns(hidden, observation)
        super().__init__(
            num_envs,
            spaces.Box(-100.0, 100.0, (OBSERVATIONS[observation],), np.float32),
            spaces.Box(-1.0, 1.0, (3,), np.float32),
            ("iou", "inside", "outside"),
            seed,
            render_mode,
        )
        self._supersample = check_supersample(supersample)
        self._layout, self._threads, self._goal_seed = observation, threads, int(seed)
        self._batch: StrokeBatch | None = None
        self.set_stage(stage)

    def _draw_stage(self) -> None:
        bank = self._bank(self._spec)
        if self._batch is None:
            self._batch = StrokeBatch(
                bank,
                self._model,
                self.num_envs,
                observation=self._layout,
                threads=self._threads,
                seed=int(self._rng.integers(1 << 62)),
            )
        else:
            self._batch.set_bank(bank)
        self._hands = Hands(self._batch, self._spec)

    def _bank(self, stage: Stage) -> GoalBank:
        """Return the stage's goals, as drawn before if they were."""
        drawn_from = stage.model_dump(mode="json", include={"goals", "brush", "episode"})
        facts = [drawn_from, self.stroke_types, self._goal_seed, self._supersample]
        recipe = json.dumps(facts if self.curriculum.script is None else [*facts, self.curriculum.script])
        return kept_bank(recipe, partial(self._draw, stage))

    def _draw(self, stage: Stage) -> GoalBank:
        assert stage.goals is not None
        goals = sample_goals(stage.goals, self.stroke_types, stage.goals.count, self._goal_seed)
        least, most = stage.episode.ticks
        follower = Follower(least_ticks=least, most_ticks=most, height=stage.episode.start_height)
        tracks = [follower.track(goal, self._model) for goal in goals]
        return GoalBank.build([goal.outline for goal in goals], tracks, supersample=self._supersample)

    @property
    def batch(self) -> StrokeBatch:
        """The simulator underneath."""
        assert self._batch is not None
        return self._batch

    def _picture(self, slot: int) -> Frame:
        """Return a slot's goal, ink and brush as a picture, uint8 [512, 512, 3]."""
        return stroke_picture(self.batch, slot)

    def _restart(self, seed: int) -> None:
        super()._restart(seed)
        self._hands.reseed(seed)

    def _begin(self, slots: Index) -> None:
        """Give slots new goals, and brushes and hands as the stage randomises them."""
        goals = self._rng.integers(len(self.batch.bank), size=len(slots))
        self._hands.renew(slots, self._rng)
        self._hands.begin(slots, goals, self._rng)

    def _advance(self, actions: F32) -> tuple[F32, Bools]:
        tick = self._hands.tick(actions)
        if tick.over.any():
            metrics = self.episode_metrics
            metrics["inside"][:] = tick.counts[:, 2] / tick.area
            metrics["outside"][:] = tick.counts[:, 3] / tick.area
            metrics["iou"][:] = metrics["inside"] / (1.0 + metrics["outside"])
        return tick.reward, tick.over

    def _observe(self) -> F32:
        observation = self.batch.observation
        if not len(self._hidden):
            return observation
        seen = observation.copy()
        seen[:, self._hidden] = 0.0
        return seen


class StrokeEnv(SingleEnv):
    """One stroke at a time; takes the options of `StrokeVectorEnv` and the render modes of `SingleEnv`."""

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(StrokeVectorEnv(1, **options), render_mode)


def hidden_columns(groups: Sequence[str], observation: str) -> NDArray[np.int64]:
    """Return the columns of the named groups of ``sim/observation.py`` in an observation.

    Raises:
        HierbrushError: there is no such group in that observation.
    """
    columns = np.arange(OBSERVATIONS[check_choice("observation", observation, OBSERVATIONS)])
    for group in check_list("hidden", groups, "names of groups of columns"):
        if not isinstance(group, str) or group not in GROUPS or GROUPS[group].start >= len(columns):
            known = [name for name, span in GROUPS.items() if span.start < len(columns)]
            raise HierbrushError(f"hidden: {shown(group)} is not one of {', '.join(known)}{closest(group, known)}")
    return np.concatenate([columns[:0], *(columns[GROUPS[group]] for group in groups)])
