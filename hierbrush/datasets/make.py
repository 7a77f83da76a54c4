"""Making a data set: file after file, each whole or not there, so that one that was stopped goes on where it was.

``data/`` has one row a tick with the columns that RLlib's offline API reads as they stand, ``episodes/`` one row a
stroke, ``goals/`` one row for what was wanted; a file of each for every shard, of the same number.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import Progress, check_kind, check_path
from hierbrush.datasets.card import begun_card, write_card
from hierbrush.datasets.episodes import Episode, episodes_of, places_of
from hierbrush.datasets.settings import DatasetSettings
from hierbrush.errors import HierbrushError, extra_needed, shown
from hierbrush.files import make_folder, write_atomically
from hierbrush.strokes.rollout import policy_name, stroke_policy

if TYPE_CHECKING:
    import pyarrow  # type: ignore[import-untyped]

FORMATS = ("rllib", "lerobot")
DATA, EPISODES, GOALS = "data", "episodes", "goals"


def make_dataset(
    folder: str | PathLike[str],
    settings: DatasetSettings,
    *,
    format: str = "rllib",  # noqa: A002  # as the option is called
    resume: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write strokes and return the folder that holds them.

    Args:
        folder: new or empty, or with ``resume`` one that holds a part of the same data set.
        settings: what it is made of.
        format: ``"rllib"``, Parquet for RLlib's offline API; or ``"lerobot"``, a LeRobot data set of version 3.0, whose
            shards are kept in ``<folder>.parts`` until it is whole.
        resume: go on with what is there.
        progress: is told how many ticks were just written.

    Raises:
        HierbrushError: an argument is out of range, the folder holds something else, or pyarrow is missing.
        KeyboardInterrupt: Ctrl-C came; what is finished is kept.
    """
    place = check_path("folder", folder)
    check_kind("settings", settings, DatasetSettings, "DatasetSettings")
    if format not in FORMATS:
        raise HierbrushError(f"format: {shown(format)}, expected one of {', '.join(FORMATS)}")
    needs_pyarrow()
    stroke_policy(policy_name(settings.policy), settings.seed)
    places_of(settings.part, settings.strokes)
    if format == "lerobot":
        from hierbrush.datasets.lerobot import make_lerobot

        return make_lerobot(place, settings, resume, progress)
    if settings.pictures:
        raise HierbrushError("pictures: RLlib's Parquet has none; a LeRobot data set has")
    files = _begun(place, settings, resume)
    make_folder(place)  # before the first shard takes its time
    for shard in range(settings.shards):
        if str(shard) not in files:
            files[str(shard)] = _write_shard(place, settings, shard)
            write_card(place, settings.as_json(), files, finished=len(files) == settings.shards)
            if progress is not None:
                progress(files[str(shard)]["ticks"])
    return place


def needs_pyarrow() -> None:
    """Raise `HierbrushError` unless there is pyarrow."""
    with extra_needed("dataset:", "train"):
        import pyarrow  # noqa: F401


def _begun(place: Path, settings: DatasetSettings, resume: bool) -> dict[str, dict[str, Any]]:
    """Return what there is of the data set, by shard."""
    card = begun_card(place, settings, resume, lerobot=False)
    files: dict[str, dict[str, Any]] = card["files"] if card else {}
    return {shard: facts for shard, facts in files.items() if _is_whole(place, facts)}


def _is_whole(place: Path, facts: dict[str, Any]) -> bool:
    try:
        sizes = [(place / part / facts["name"]).stat().st_size for part in (DATA, EPISODES, GOALS)]
        return bool(sum(sizes) == facts["bytes"])
    except OSError:
        return False


def _write_shard(place: Path, settings: DatasetSettings, shard: int) -> dict[str, Any]:
    """Write the three files of a shard, and return what the card shall say of them."""
    episodes = episodes_of(settings, shard)
    name = f"shard-{shard:05d}.parquet"
    written = 0
    for part, table in (
        (GOALS, goal_table(shard, episodes)),
        (EPISODES, episode_table(shard, episodes)),
        (DATA, tick_table(shard, episodes)),
    ):
        make_folder(place / part)
        content = _parquet(table)
        write_atomically(place / part / name, content, argument="folder")
        written += len(content)
    kinds: dict[str, Counter[str]] = {}
    for episode in episodes:
        counter = kinds.setdefault(episode.wanted.kind, Counter())
        counter.update({"strokes": 1, "ticks": episode.ticks})
    return {
        "name": name,
        "ticks": sum(episode.ticks for episode in episodes),
        "strokes": len(episodes),
        "bytes": written,
        "kinds": {kind: dict(counter) for kind, counter in kinds.items()},
    }


def tick_table(shard: int, episodes: Sequence[Episode]) -> pyarrow.Table:
    """Return one row a tick, with RLlib's columns: nothing else, for RLlib would hand it to the learner."""
    import pyarrow as pa

    lengths = [episode.ticks for episode in episodes]
    over = np.zeros(sum(lengths), bool)
    over[np.cumsum(lengths) - 1] = True
    return pa.table(
        {
            "eps_id": pa.array(np.repeat(_ids(shard, episodes), lengths)),
            "t": pa.array(np.concatenate([np.arange(length, dtype=np.int32) for length in lengths])),
            "obs": tensors(np.concatenate([episode.obs[:-1] for episode in episodes])),
            "actions": tensors(np.concatenate([episode.actions for episode in episodes])),
            "rewards": pa.array(np.concatenate([episode.rewards for episode in episodes])),
            "new_obs": tensors(np.concatenate([episode.obs[1:] for episode in episodes])),
            "terminateds": pa.array(over),
            "truncateds": pa.array(np.zeros(len(over), bool)),
        }
    )


def episode_table(shard: int, episodes: Sequence[Episode]) -> pyarrow.Table:
    """Return one row a stroke: who wrote it, how well, at which stage of a search, and where its goal is."""
    import pyarrow as pa

    goals = _goal_numbers(episodes)
    return pa.table(
        {
            "eps_id": pa.array(_ids(shard, episodes)),
            "goal": pa.array([goals[id(episode.wanted.goal)] for episode in episodes], pa.int32()),
            "kind": pa.array([episode.wanted.kind for episode in episodes]),
            "stage": pa.array([episode.wanted.stage for episode in episodes], pa.int32()),
            "stages": pa.array([episode.wanted.stages for episode in episodes], pa.int32()),
            "noise": pa.array([episode.wanted.noise for episode in episodes], pa.float32()),
            "brush": tensors(np.concatenate([episode.wanted.brush for episode in episodes]).astype(np.float32)),
            "ticks": pa.array([episode.ticks for episode in episodes], pa.int32()),
            "return": pa.array([float(episode.rewards.sum()) for episode in episodes], pa.float32()),
            "iou": pa.array([episode.iou for episode in episodes], pa.float32()),
        }
    )


def goal_table(shard: int, episodes: Sequence[Episode]) -> pyarrow.Table:
    """Return one row for each different goal of a shard, in the unit box."""
    import pyarrow as pa

    first = {id(episode.wanted.goal): episode.wanted for episode in reversed(episodes)}
    wanted = [first[number] for number in _goal_numbers(episodes)]
    return pa.table(
        {
            "goal": pa.array(range(len(wanted)), pa.int32()),
            "stroke_type": pa.array([each.goal.stroke_type for each in wanted]),
            "character": pa.array([each.char for each in wanted]),
            "stroke": pa.array([each.stroke for each in wanted], pa.int32()),
            "skeleton": tensors(np.stack([each.goal.skeleton for each in wanted])),
            "half_width": tensors(np.stack([each.goal.half_width for each in wanted])),
            "outline": tensors(np.stack([each.goal.outline for each in wanted])),
        }
    )


def _goal_numbers(episodes: Sequence[Episode]) -> dict[int, int]:
    numbers: dict[int, int] = {}
    for episode in episodes:
        numbers.setdefault(id(episode.wanted.goal), len(numbers))
    return numbers


def _ids(shard: int, episodes: Sequence[Episode]) -> NDArray[np.str_]:
    return np.array([f"{shard}-{number}" for number in range(len(episodes))])


def tensors(rows: NDArray[np.float32]) -> Any:
    """Return rows as a column of Arrow's canonical tensors, which Ray and other readers hand on as one array."""
    import pyarrow as pa

    return pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(rows))


def _parquet(table: pyarrow.Table) -> bytes:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()
