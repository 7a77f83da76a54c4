"""Strokes written for a data set: drawn goals, and what was seen, done and earned at every tick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hierbrush.brushes.brush_file import brush_of
from hierbrush.characters import load_library, split
from hierbrush.datasets.settings import DatasetSettings
from hierbrush.errors import HierbrushError
from hierbrush.metrics import SIDE
from hierbrush.planner import Scenarios, plan_strokes
from hierbrush.sim import BrushModel, GoalBank, StrokeBatch
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import StrokePolicy, stroke_policy

F32 = NDArray[np.float32]

_TOGETHER, _WITH_PICTURES = 256, 32


@dataclass(frozen=True, eq=False)
class Wanted:
    """A stroke to write: its goal, where it is from, and who writes it with which brush."""

    goal: StrokeGoal
    char: str
    stroke: int
    kind: str
    brush: NDArray[np.float64]
    noise: float = 0.0
    actions: F32 | None = None
    stage: int = 0
    stages: int = 1


@dataclass(frozen=True, eq=False)
class Episode:
    """A stroke as it was written.

    Attributes:
        wanted: what, by whom.
        obs: float32 [ticks + 1, columns]; see ``sim/observation.py``.
        actions: float32 [ticks, 3] in [-1, 1].
        rewards: float32 [ticks], new ink inside the goal minus outside, in shares of the goal's area.
        poses: float32 [ticks + 1, 3], the handle in metres in the character box.
        commands: float32 [ticks, 3], where it was told to go.
        iou: of the ink with the goal, by the samples that are rewarded.
        papers: uint8 [ticks, side, side], the ink in the character box before each tick, 255 = all inked; None where
            there are to be no pictures.
    """

    wanted: Wanted
    obs: F32
    actions: F32
    rewards: F32
    poses: F32
    commands: F32
    iou: float
    papers: NDArray[np.uint8] | None = None

    @property
    def ticks(self) -> int:
        """How many control ticks it lasts."""
        return len(self.actions)


def episodes_of(settings: DatasetSettings, shard: int) -> list[Episode]:
    """Return the strokes of one file of a data set."""
    rng = np.random.default_rng([settings.seed, shard])
    policy = stroke_policy(settings.policy, settings.seed)
    model = brush_of(settings.model)
    wanted: list[Wanted] = []
    for kind, ticks in settings.ticks_of(shard).items():
        drawn = _drawn(settings, rng, model, kind)
        left = ticks
        while left > 0:
            found = next(drawn)
            some = _searched(found, settings, policy, model) if kind == "planned" else [found]
            wanted += some
            left -= len(some) * (len(FOLLOWER.track(found.goal, model)) - 1)
    return _written(wanted, settings, policy, model, rng)


def _drawn(settings: DatasetSettings, rng: np.random.Generator, model: BrushModel, kind: str) -> Iterator[Wanted]:
    """Yield strokes drawn at random, each alike likely to be drawn."""
    library = load_library()
    places = places_of(settings.part, settings.strokes)
    while True:
        char, stroke = places[int(rng.integers(len(places)))]
        brush = model.randomised(1, settings.brush, rng)
        noise = float(rng.uniform(0.0, settings.noise)) if kind == "noisy" else 0.0
        yield Wanted(library[char].strokes[stroke].goal(), char, stroke, kind, brush, noise)


@lru_cache(maxsize=4)
def places_of(part: str, strokes: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Return the strokes of a part's characters, as character and number.

    Raises:
        HierbrushError: there is none of these types.
    """
    library = load_library()
    places = tuple(
        (char, number)
        for char in library.characters
        if split(char) == part
        for number, kind in enumerate(library.stroke_types(char))
        if not strokes or kind in strokes
    )
    if not places:
        raise HierbrushError(f"strokes: no {part} character has one of {', '.join(strokes)}")
    return places


def _searched(wanted: Wanted, settings: DatasetSettings, policy: StrokePolicy, model: BrushModel) -> list[Wanted]:
    """Return the movements that a search finds for a stroke, the last one being the best."""
    (found,) = plan_strokes(
        [wanted.goal],
        model,
        policy=policy,
        budget=settings.budget,
        seed=settings.seed,
        scenarios=Scenarios(wanted.brush, np.zeros((1, 3))),
    )
    last = len(found.stages)
    kept = range(last) if settings.stages else [last - 1]
    return [
        Wanted(wanted.goal, wanted.char, wanted.stroke, "planned", wanted.brush, 0.0, found.stages[stage], stage, last)
        for stage in kept
    ]


def _written(
    wanted: Sequence[Wanted],
    settings: DatasetSettings,
    policy: StrokePolicy,
    model: BrushModel,
    rng: np.random.Generator,
) -> list[Episode]:
    """Write strokes side by side and return them in the order in which they are wanted."""
    tracks = FOLLOWER.tracks([each.goal for each in wanted], model) if wanted else []
    # Strokes of like length together, since a batch lasts as long as its longest.
    order = sorted(range(len(wanted)), key=lambda at: -len(tracks[at]))
    episodes: dict[int, Episode] = {}
    together = _WITH_PICTURES if settings.pictures else _TOGETHER
    for start in range(0, len(order), together):
        chosen = order[start : start + together]
        bank = GoalBank.build(
            [wanted[at].goal.outline for at in chosen],
            [tracks[at] for at in chosen],
            supersample=settings.supersample,
        )
        written = _write([wanted[at] for at in chosen], bank, settings, policy, rng)
        episodes.update(zip(chosen, written, strict=True))
    return [episodes[at] for at in range(len(wanted))]


def _write(
    wanted: Sequence[Wanted],
    bank: GoalBank,
    settings: DatasetSettings,
    policy: StrokePolicy,
    rng: np.random.Generator,
) -> list[Episode]:
    """Write the goals of a bank, longest first."""
    count, longest = len(wanted), int(bank.ticks.max())
    rows = np.concatenate([each.brush for each in wanted])
    batch = StrokeBatch(bank, rows, count, observation=_layout(settings.observation, policy))
    batch.assign(np.arange(count))
    act = policy.bind([each.goal.stroke_type for each in wanted])
    planned = np.zeros((longest, count, 3), np.float32)
    for slot, each in enumerate(wanted):
        if each.actions is not None:
            planned[: len(each.actions), slot] = each.actions
    kinds = np.array([each.kind for each in wanted])
    noise = np.array([each.noise for each in wanted], np.float32)
    seen = [batch.observe().copy()]
    done, earned, poses, commands = [], [], [batch.position.copy()], []
    papers = np.zeros((longest, count, settings.pictures, settings.pictures), np.uint8)
    for tick in range(longest):
        if settings.pictures:
            for slot in np.flatnonzero(bank.ticks > tick).tolist():
                papers[tick, slot] = _paper(batch.coverage(slot), bank.window[slot], settings.pictures)
        actions = planned[tick]
        acting = (kinds == "policy") | (kinds == "noisy")
        if acting.any():
            answers = np.clip(act(_columns(seen[-1], policy.observation)), -1.0, 1.0)
            shaken = answers + noise[:, None] * rng.standard_normal((count, 3), np.float32)
            actions = np.where(acting[:, None], np.clip(shaken, -1.0, 1.0), actions)
        chance = rng.uniform(-1.0, 1.0, (count, 3)).astype(np.float32)
        actions = np.where((kinds == "random")[:, None], chance, actions)
        batch.track(actions, 0, int(np.count_nonzero(bank.ticks > tick)))
        seen.append(batch.observation.copy())
        done.append(actions)
        earned.append((batch.counts[:, 0] - batch.counts[:, 1]) / np.maximum(batch.area, 1))
        poses.append(batch.position.copy())
        commands.append(batch.command[:, 0].copy())
    inside, outside = (batch.counts[:, column] / np.maximum(batch.area, 1) for column in (2, 3))
    iou = inside / (1.0 + outside)
    columns = [np.array(column, np.float32) for column in (seen, done, earned, poses, commands)]
    columns[0] = np.ascontiguousarray(_columns(columns[0], settings.observation))
    return [
        Episode(
            each,
            *_cut(columns, slot, int(bank.ticks[slot])),
            float(iou[slot]),
            papers[: int(bank.ticks[slot]), slot].copy() if settings.pictures else None,
        )
        for slot, each in enumerate(wanted)
    ]


def _paper(coverage: F32, window: NDArray[np.int32], side: int) -> NDArray[np.uint8]:
    """Return the character box around a stroke's paper [height, width], uint8 [side, side], 255 = inked."""
    left, top, columns, rows = window.tolist()
    whole = np.zeros((SIDE, SIDE), np.float32)
    right, bottom = min(left + columns, SIDE), min(top + rows, SIDE)
    whole[max(top, 0) : bottom, max(left, 0) : right] = coverage[
        max(-top, 0) : bottom - top, max(-left, 0) : right - left
    ]
    by = SIDE // side
    paper: NDArray[np.uint8] = np.round(255 * whole.reshape(side, by, side, by).mean(axis=(1, 3))).astype(np.uint8)
    return paper


def _cut(columns: Sequence[F32], slot: int, ticks: int) -> tuple[F32, F32, F32, F32, F32]:
    obs, actions, rewards, poses, commands = (column[:, slot] for column in columns)
    return obs[: ticks + 1], actions[:ticks], rewards[:ticks], poses[: ticks + 1], commands[:ticks]


def _layout(wanted: str, policy: StrokePolicy) -> str:
    return "full" if "full" in (wanted, policy.observation) else "track"


def _columns(seen: F32, observation: str) -> F32:
    """Return what a policy reads of an observation; each begins with the columns of the shorter ones."""
    from hierbrush.sim.observation import OBSERVATIONS

    return seen[..., : OBSERVATIONS[observation]] if observation != "none" else seen
