"""The same strokes as a LeRobot data set: the handle's pose as the state, where it was told to go as the action.

Pictures show the paper from above with what is written by then, over the goal in red, as on a sheet to trace (描红): a
policy that is shown nothing else can tell what is wanted.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.datasets.card import begun_card, check_unchanged, write_card
from hierbrush.datasets.episodes import Episode, episodes_of
from hierbrush.datasets.settings import DatasetSettings
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import make_folder, read_json, write_atomically
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

_SETTINGS = "settings.json"

PAPER = "observation.images.paper"
_GOAL, _INK = (240, 150, 140), (20, 20, 20)


def make_lerobot(
    place: Path, settings: DatasetSettings, resume: bool, progress: Callable[[int], object] | None
) -> Path:
    """Write strokes as a LeRobot data set of version 3.0.

    Finished shards are kept in a folder beside it, ``<place>.parts``, until it is whole.

    Raises:
        HierbrushError: the folder holds something; or there are shards, and ``resume`` is False or they were made with
            other settings.
        KeyboardInterrupt: Ctrl-C came; the shards that are finished are kept.
    """
    if begun_card(place, settings, resume, lerobot=True):
        return place
    parts = _Parts(place.with_name(f"{place.name}.parts"), settings, resume)
    for shard in range(settings.shards):
        if not parts.file(shard).exists():
            ticks = parts.write(shard, episodes_of(settings, shard))
            if progress is not None:
                progress(ticks)
    whole = parts.room()
    write_lerobot(whole, parts.recordings(), NAMES, fps=FPS, robot=ROBOT)
    counts = parts.counts()
    facts = {
        "name": "data/chunk-000/file-000.parquet",
        "ticks": sum(count["ticks"] for count in counts.values()),
        "strokes": sum(count["strokes"] for count in counts.values()),
        "bytes": sum(file.stat().st_size for file in whole.rglob("*") if file.is_file()),
        "kinds": counts,
    }
    write_card(whole, settings.as_json(), {"0": facts}, finished=True)
    make_folder(place.parent)
    whole.replace(place)
    parts.remove()
    return place


class _Parts:
    """Shards that are finished, each a file of its own, until the data set is whole."""

    def __init__(self, folder: Path, settings: DatasetSettings, resume: bool) -> None:
        self._folder, self._shards = folder, settings.shards
        begun = folder / _SETTINGS
        if begun.exists():
            if not resume:
                raise HierbrushError(f"folder: {shown(folder)} holds shards of a data set; resume it, or remove them")
            check_unchanged(folder, read_json(begun, argument="folder"), settings)
        make_folder(folder)
        write_atomically(begun, (json.dumps(settings.as_json()) + "\n").encode(), argument="folder")

    def file(self, shard: int) -> Path:
        """Return where a shard is, or will be."""
        return self._folder / f"shard-{shard:05d}.npz"

    def room(self) -> Path:
        """Return an empty folder in which the data set is put together, to be moved to its place when it is whole."""
        whole = self._folder / "whole"
        shutil.rmtree(whole, ignore_errors=True)
        return make_folder(whole)

    def write(self, shard: int, episodes: Sequence[Episode]) -> int:
        """Keep a shard; return its ticks."""
        arrays: dict[str, NDArray[Any]] = {}
        for at, episode in enumerate(episodes):
            recording = _recording(episode)
            arrays[f"{at} task"] = np.array([recording.task, episode.wanted.kind])
            arrays |= {f"{at} feature {name}": array for name, array in recording.features.items()}
            arrays |= {f"{at} picture {name}": array for name, array in recording.pictures.items()}
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        write_atomically(self.file(shard), stream.getvalue(), argument="folder")
        return sum(episode.ticks for episode in episodes)

    def recordings(self) -> Iterator[Recording]:
        """Yield all recordings, shard after shard."""
        return (recording for _, recording in self._all())

    def counts(self) -> dict[str, dict[str, int]]:
        """Return strokes and ticks of each kind."""
        counts: dict[str, dict[str, int]] = {}
        for kind, recording in self._all():
            count = counts.setdefault(kind, {"strokes": 0, "ticks": 0})
            count["strokes"] += 1
            count["ticks"] += len(recording.features["action"])
        return counts

    def remove(self) -> None:
        """Remove the folder."""
        for shard in range(self._shards):
            self.file(shard).unlink()
        (self._folder / _SETTINGS).unlink()
        with contextlib.suppress(OSError):  # something else lies in it
            self._folder.rmdir()

    def _all(self) -> Iterator[tuple[str, Recording]]:
        for shard in range(self._shards):
            with np.load(self.file(shard), allow_pickle=False) as arrays:
                for at in range(sum(name.endswith(" task") for name in arrays.files)):
                    task, kind = arrays[f"{at} task"].tolist()
                    named = {
                        what: {
                            name.removeprefix(start): arrays[name]
                            for name in arrays.files
                            if name.startswith(start := f"{at} {what} ")
                        }
                        for what in ("feature", "picture")
                    }
                    yield kind, Recording(task, named["feature"], named["picture"])


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
