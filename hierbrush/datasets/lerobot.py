"""The same strokes as a LeRobot data set: the handle's pose as the state, where it was told to go as the action.

Pictures show the paper from above with what is written by then, over the goal in red, as on a sheet to trace (描红): a
policy that is shown nothing else can tell what is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.datasets.card import write_card
from hierbrush.datasets.episodes import Episode, episodes_of
from hierbrush.datasets.settings import DatasetSettings
from hierbrush.lerobot import Episode as Recording
from hierbrush.lerobot import write_lerobot
from hierbrush.metrics import SIDE
from hierbrush.sim import rasterise
from hierbrush.strokes.goal import StrokeGoal

FPS = 20
"""Control ticks a second."""

NAMES = {"observation.state": ("x", "y", "press"), "action": ("x", "y", "press"), "next.reward": ("reward",)}
"""Columns of each feature: metres in the character box, and shares of the goal's area."""

ROBOT = "hierbrush"

PAPER = "observation.images.paper"
_GOAL, _INK = (240, 150, 140), (20, 20, 20)


def make_lerobot(place: Path, settings: DatasetSettings, progress: Callable[[int], object] | None) -> Path:
    """Write strokes as a LeRobot data set of version 3.0.

    Raises:
        HierbrushError: the folder holds something.
    """
    counts: dict[str, dict[str, int]] = {}

    def recordings() -> Iterator[Recording]:
        for shard in range(settings.shards):
            for episode in episodes_of(settings, shard):
                _count(counts, episode)
                yield _recording(episode)
            if progress is not None:
                progress(min(settings.shard, settings.ticks - shard * settings.shard))

    write_lerobot(place, recordings(), NAMES, fps=FPS, robot=ROBOT)
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    facts = {
        "name": "data/chunk-000/file-000.parquet",
        "ticks": sum(count["ticks"] for count in counts.values()),
        "strokes": sum(count["strokes"] for count in counts.values()),
        "bytes": size,
        "kinds": counts,
    }
    write_card(place, settings.as_json(), {"0": facts}, finished=True)
    return place


def _recording(episode: Episode) -> Recording:
    task = f"Write the stroke {episode.wanted.goal.stroke_type}."
    features = {
        "observation.state": episode.poses[:-1],
        "action": episode.commands,
        "next.reward": episode.rewards[:, None],
    }
    if episode.papers is None:
        return Recording(task, features)
    return Recording(task, features, {PAPER: _pictures(episode.papers, episode.wanted.goal)})


def _pictures(papers: NDArray[np.uint8], goal: StrokeGoal) -> NDArray[np.uint8]:
    """Return ink [ticks, side, side] over a goal, uint8 [ticks, side, side, 3]."""
    side = papers.shape[1]
    wanted = rasterise([goal.outline], SIDE).reshape(side, SIDE // side, side, SIDE // side).mean(axis=(1, 3))
    sheet = 255 + wanted[..., None] * (np.array(_GOAL) - 255.0)
    inked = papers[..., None] / np.float32(255.0)
    pictures: NDArray[np.uint8] = np.round(sheet + inked * (np.array(_INK) - sheet)).astype(np.uint8)
    return pictures


def _count(counts: dict[str, dict[str, int]], episode: Episode) -> None:
    count = counts.setdefault(episode.wanted.kind, {"strokes": 0, "ticks": 0})
    count["strokes"] += 1
    count["ticks"] += episode.ticks
