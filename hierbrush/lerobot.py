"""LeRobot data sets, version 3.0: episodes of numbers as parquet, with what LeRobot's loader wants to know beside them.

Needs pyarrow, which the extra ``train`` brings. One file of data and one chunk, as small sets have them. Pictures lie
in the same file, each a PNG, as LeRobot keeps what it has not made a video of.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_path, check_whole
from hierbrush.errors import HierbrushError, extra_needed, shown
from hierbrush.files import make_folder, write_atomically

VERSION = "v3.0"
_QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
_INDEX = {"timestamp": "float32", "frame_index": "int64", "episode_index": "int64", "index": "int64"}
_COUNTED = {**_INDEX, "task_index": "int64"}


class Episode(NamedTuple):
    """One recording: what was to be done in words, and float32 [frames, columns] for every feature.

    ``pictures`` are uint8 [frames, height, width, 3] each.
    """

    task: str
    features: Mapping[str, NDArray[np.float32]]
    pictures: Mapping[str, NDArray[np.uint8]] = {}  # no one writes to it


class _Recorded(NamedTuple):
    """An episode as it is kept until all are there: its pictures small."""

    task: str
    features: Mapping[str, NDArray[np.float32]]
    pictures: Mapping[str, _Pictures]


class _Pictures(NamedTuple):
    """Pictures of one episode as PNG files, their height and width, and how often each value is: int64 [3, 256]."""

    files: list[bytes]
    size: tuple[int, int]
    values: NDArray[np.int64]

    @classmethod
    def of(cls, pictures: NDArray[np.uint8]) -> _Pictures:
        """Pack pictures uint8 [frames, height, width, 3]."""
        from PIL import Image

        files = []
        for picture in pictures:
            stream = io.BytesIO()
            Image.fromarray(picture).save(stream, "png")
            files.append(stream.getvalue())
        values = np.array([np.bincount(pictures[..., channel].ravel(), minlength=256) for channel in range(3)])
        return cls(files, (pictures.shape[1], pictures.shape[2]), values)


def write_lerobot(
    folder: str | Path, episodes: Iterable[Episode], names: Mapping[str, Sequence[str]], *, fps: int, robot: str
) -> Path:
    """Write a data set that LeRobot loads from its folder.

    Args:
        folder: new or empty.
        episodes: at least one, each with the same features, and the same pictures of the same size.
        names: for every feature, such as ``"action"`` and ``"observation.state"``, its columns' names.
        fps: frames a second.
        robot: name of the robot's type.

    Returns:
        The folder.

    Raises:
        HierbrushError: pyarrow is missing, the folder holds something, or features and names do not fit.
    """
    with extra_needed("lerobot:", "train"):
        import pyarrow as pa  # type: ignore[import-untyped]
    root = check_path("folder", folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise HierbrushError(f"folder: {shown(folder)} holds something already, expected a new or empty folder")
    fps = check_whole("fps", fps, 1, 1000)
    make_folder(root)
    recorded = [_checked(at, episode, names) for at, episode in enumerate(episodes)]
    if not recorded:
        raise HierbrushError("episodes: there is none, expected one at least")
    _check_pictures(recorded)
    tasks = list(dict.fromkeys(episode.task for episode in recorded))
    columns = [_columns(at, episode, tasks, fps) for at, episode in enumerate(recorded)]
    starts = np.cumsum([0, *(len(column["index"]) for column in columns)])
    for column, start in zip(columns, starts, strict=False):
        column["index"] = column["index"] + start
    whole = {name: np.concatenate([column[name] for column in columns]) for name in columns[0]}
    for part in ("meta/episodes/chunk-000", "data/chunk-000"):
        make_folder(root / part)
    _write(root / "data/chunk-000/file-000.parquet", pa.table({name: _arrow(rows) for name, rows in whole.items()}))
    _write(root / "meta/tasks.parquet", _tasks(tasks))
    _write(root / "meta/episodes/chunk-000/file-000.parquet", _episodes(recorded, columns, starts))
    pictures = recorded[0].pictures
    sums = {name: np.sum([each.pictures[name].values for each in recorded], axis=0) for name in pictures}
    statistics = {name: _statistics(rows) for name, rows in whole.items() if name not in pictures}
    statistics |= {name: _picture_statistics(values, int(starts[-1])) for name, values in sums.items()}
    _json(root / "meta/stats.json", statistics)
    sizes = {name: found.size for name, found in pictures.items()}
    _json(root / "meta/info.json", _info(names, sizes, len(recorded), int(starts[-1]), len(tasks), fps, robot))
    return root


def _checked(at: int, episode: Episode, names: Mapping[str, Sequence[str]]) -> _Recorded:
    frames = {len(rows) for rows in episode.features.values()}
    shapes = {name: np.shape(rows)[1:] for name, rows in episode.features.items()}
    if len(frames) != 1 or shapes != {name: (len(columns),) for name, columns in names.items()}:
        raise HierbrushError(f"episodes[{at}]: features of {shapes}, expected rows of {', '.join(names)} as named")
    for name, rows in episode.pictures.items():
        if rows.dtype != np.uint8 or rows.ndim != 4 or rows.shape[0] not in frames or rows.shape[3] != 3:
            raise HierbrushError(
                f"episodes[{at}]: pictures {name} of {rows.dtype} {rows.shape}, expected uint8 [frames, height, width, "
                "3]"
            )
    return _Recorded(
        episode.task, episode.features, {name: _Pictures.of(rows) for name, rows in episode.pictures.items()}
    )


def _check_pictures(recorded: Sequence[_Recorded]) -> None:
    first = {name: pictures.size for name, pictures in recorded[0].pictures.items()}
    for at, episode in enumerate(recorded):
        mine = {name: pictures.size for name, pictures in episode.pictures.items()}
        if mine != first:
            raise HierbrushError(f"episodes[{at}]: pictures of {mine}, expected {first} as in the first episode")


def _columns(at: int, episode: _Recorded, tasks: list[str], fps: int) -> dict[str, NDArray[Any]]:
    count = len(next(iter(episode.features.values())))
    frame = np.arange(count)
    return {
        # LeRobot keeps what has one column as plain numbers.
        **{
            name: np.asarray(rows, np.float32).squeeze(1) if np.shape(rows)[1] == 1 else np.asarray(rows, np.float32)
            for name, rows in episode.features.items()
        },
        **{name: np.array(pictures.files, object) for name, pictures in episode.pictures.items()},
        "timestamp": (frame / fps).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.full(count, at),
        "index": frame,
        "task_index": np.full(count, tasks.index(episode.task)),
    }


def _arrow(rows: NDArray[Any]) -> Any:
    import pyarrow as pa

    if rows.dtype == object:  # as Hugging Face's data sets keep pictures
        kept = [pa.array(rows.tolist(), pa.binary()), pa.nulls(len(rows), pa.string())]
        return pa.StructArray.from_arrays(kept, names=["bytes", "path"])
    if rows.ndim == 1:
        return pa.array(rows)
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * rows.shape[1]
    return pa.ListArray.from_arrays(offsets, pa.array(rows.reshape(-1)))


def _statistics(rows: NDArray[Any]) -> dict[str, list[float] | list[int]]:
    values = rows.reshape(len(rows), -1).astype(np.float64)
    found = {
        "min": values.min(axis=0),
        "max": values.max(axis=0),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0),
        **{name: np.quantile(values, share, axis=0) for name, share in _QUANTILES.items()},
    }
    return {**{name: value.tolist() for name, value in found.items()}, "count": [len(values)]}


def _picture_statistics(values: NDArray[np.int64], frames: int) -> dict[str, Any]:
    """Return the same of pictures, a number a channel, where white is 1: lists [3][1][1].

    Args:
        values: int64 [3, 256], how often each channel has each value.
        frames: how many pictures.
    """
    shades, share = np.arange(256) / 255.0, values / values.sum(axis=1, keepdims=True)
    mean = share @ shades
    below = np.cumsum(share, axis=1)
    found = {
        "min": shades[(values > 0).argmax(axis=1)],
        "max": shades[255 - (values[:, ::-1] > 0).argmax(axis=1)],
        "mean": mean,
        "std": np.sqrt(np.maximum(share @ shades**2 - mean**2, 0.0)),
        **{name: shades[(below >= least - 1e-12).argmax(axis=1)] for name, least in _QUANTILES.items()},
    }
    return {**{name: value.reshape(3, 1, 1).tolist() for name, value in found.items()}, "count": [frames]}


def _tasks(tasks: list[str]) -> Any:
    """Return the table of tasks with what pandas notes of an index, for LeRobot reads it back as one."""
    import pyarrow as pa

    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks)})
    column = {"metadata": None, "numpy_type": "int64", "pandas_type": "int64"}
    note = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [
            {"name": "task_index", "field_name": "task_index", **column},
            {"name": "task", "field_name": "task", "metadata": None, "numpy_type": "object", "pandas_type": "unicode"},
        ],
        "pandas_version": "2.0.0",
    }
    return table.replace_schema_metadata({b"pandas": json.dumps(note).encode()})


def _episodes(recorded: list[_Recorded], columns: list[dict[str, NDArray[Any]]], starts: NDArray[np.int64]) -> Any:
    import pyarrow as pa

    count = len(recorded)
    table: dict[str, Any] = {
        "episode_index": list(range(count)),
        "tasks": [[episode.task] for episode in recorded],
        "length": [len(column["index"]) for column in columns],
        "data/chunk_index": [0] * count,
        "data/file_index": [0] * count,
        "dataset_from_index": starts[:-1].tolist(),
        "dataset_to_index": starts[1:].tolist(),
        "meta/episodes/chunk_index": [0] * count,
        "meta/episodes/file_index": [0] * count,
    }
    for name in columns[0]:
        if name in recorded[0].pictures:
            some = [episode.pictures[name] for episode in recorded]
            each = [_picture_statistics(pictures.values, len(pictures.files)) for pictures in some]
        else:
            each = [_statistics(column[name]) for column in columns]
        for statistic in each[0]:
            table[f"stats/{name}/{statistic}"] = [found[statistic] for found in each]
    return pa.table(table)


def _info(
    names: Mapping[str, Sequence[str]],
    sizes: Mapping[str, tuple[int, int]],
    episodes: int,
    frames: int,
    tasks: int,
    fps: int,
    robot: str,
) -> dict[str, Any]:
    features: dict[str, Any] = {
        name: {"dtype": "float32", "shape": [len(columns)], "names": list(columns)} for name, columns in names.items()
    }
    axes = ["height", "width", "channels"]
    features.update({name: {"dtype": "image", "shape": [*size, 3], "names": axes} for name, size in sizes.items()})
    features.update({name: {"dtype": kind, "shape": [1], "names": None} for name, kind in _COUNTED.items()})
    return {
        "codebase_version": VERSION,
        "robot_type": robot,
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": tasks,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": fps,
        "splits": {"train": f"0:{episodes}"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": None,
        "features": features,
    }


def _write(path: Path, table: Any) -> None:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    stream = io.BytesIO()
    pq.write_table(table, stream, compression="snappy")
    write_atomically(path, stream.getvalue(), argument="folder")


def _json(path: Path, content: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(content, indent=4) + "\n").encode(), argument="folder")
