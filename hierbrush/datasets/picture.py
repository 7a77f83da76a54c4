"""A picture of what is in a data set."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from hierbrush.datasets.card import is_lerobot
from hierbrush.datasets.lerobot import PAPER
from hierbrush.datasets.make import DATA, EPISODES, GOALS
from hierbrush.datasets.settings import KINDS
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import write_atomically

_COLOURS = ("#0072b2", "#009e73", "#d55e00", "#999999")
_SHARDS = 8
"""Files that are looked at, at most."""

_GOALS = 48
"""Goals or paths that are drawn, at most."""

_FRAMES = 200_000
"""Frames of a LeRobot data set that are looked at, at most."""


def draw_dataset(folder: Path, picture: Path) -> None:
    """Draw IoU by kind, IoU by stage of the search, rewards along a stroke, and some goals.

    Of a LeRobot data set, which knows neither goals nor searches: paths of the handle, rewards, how deep it presses,
    and pictures of the paper where there are any.

    Raises:
        HierbrushError: the folder holds no Parquet of ours, or the picture's suffix is none that Matplotlib writes.
    """
    import matplotlib

    kind = picture.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        raise HierbrushError(f"-o: {shown(picture)} must end in .png, .svg or .pdf")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure((12, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    if is_lerobot(folder):
        _draw_frames(axes, folder)
    else:
        episodes, ticks, goals = (_read(folder, part) for part in (EPISODES, DATA, GOALS))
        _draw_iou(axes[0, 0], episodes)
        _draw_stages(axes[0, 1], episodes)
        _draw_rewards(axes[1, 0], episodes, ticks)
        _draw_goals(axes[1, 1], goals)
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=120)
    write_atomically(picture, stream.getvalue(), argument="-o")


def _read(folder: Path, part: str) -> dict[str, Any]:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    files = sorted((folder / part).glob("*.parquet"))[:_SHARDS]
    if not files:
        raise HierbrushError(f"FOLDER: {shown(folder)} has no {part}")
    columns: dict[str, list[Any]] = {}
    wanted = ["eps_id", "t", "rewards"] if part == DATA else None
    for file in files:
        table = pq.read_table(file, columns=wanted)
        for name in table.column_names:
            columns.setdefault(name, []).append(_numbers(table.column(name).combine_chunks()))
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def _numbers(column: Any) -> Any:
    if hasattr(column, "to_numpy_ndarray"):
        return column.to_numpy_ndarray()
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _draw_frames(axes: Any, folder: Path) -> None:
    """Draw what the frames of a LeRobot data set tell."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "data/chunk-000/file-000.parquet").slice(0, _FRAMES)
    episode, frame = (table[name].to_numpy() for name in ("episode_index", "frame_index"))
    pose = np.array(table["observation.state"].to_pylist()) * 1000
    for number in np.unique(episode)[:_GOALS]:
        axes[0, 0].plot(*pose[episode == number, :2].T, linewidth=1)
    axes[0, 0].set(title="paths of the handle", xlabel="mm", ylabel="mm", aspect="equal")
    axes[0, 0].invert_yaxis()
    counts = np.maximum(np.bincount(frame), 1)
    rewards = np.array(table["next.reward"].to_pylist()).reshape(-1)
    axes[0, 1].plot(np.bincount(frame, rewards) / counts)
    axes[0, 1].set(title="mean reward by frame", xlabel="frame", ylabel="shares of the goal's area")
    axes[1, 0].plot(np.bincount(frame, pose[:, 2]) / counts)
    axes[1, 0].set(title="mean press by frame", xlabel="frame", ylabel="mm")
    axes[1, 1].axis("off")
    if PAPER in table.column_names:
        from PIL import Image

        last = np.flatnonzero(np.diff(episode, append=-1))[:16]
        files = table[PAPER].take(last).to_pylist()
        papers = [np.asarray(Image.open(io.BytesIO(file["bytes"])).convert("RGB")) for file in files]
        papers += [np.full_like(papers[0], 255)] * (-len(papers) % 4)
        axes[1, 1].imshow(np.vstack([np.hstack(papers[at : at + 4]) for at in range(0, len(papers), 4)]))
        axes[1, 1].set(title="the paper before the last frame")


def _draw_iou(axes: Any, episodes: dict[str, Any]) -> None:
    edges = np.linspace(0.0, 1.0, 51)
    for kind, colour in zip(KINDS, _COLOURS, strict=True):
        found = episodes["iou"][episodes["kind"] == kind]
        if len(found):
            label = f"{kind}: {len(found):,} strokes, {found.mean():.3f}"
            axes.hist(found, edges, weights=np.full(len(found), 1 / len(found)), color=colour, alpha=0.6, label=label)
    axes.set(title="stroke IoU by kind", xlabel="IoU", ylabel="share of the kind's strokes")
    axes.legend(loc="upper left")


def _draw_stages(axes: Any, episodes: dict[str, Any]) -> None:
    searched = episodes["kind"] == "planned"
    stages, iou = episodes["stage"][searched], episodes["iou"][searched]
    for stage in range(int(stages.max(initial=-1)) + 1):
        found = iou[stages == stage]
        if len(found):
            low, middle, high = np.percentile(found, [5, 50, 95])
            axes.plot([stage, stage], [low, high], color=_COLOURS[0], alpha=0.4)
            axes.plot(stage, middle, "o", color=_COLOURS[0])
    axes.set(title="stroke IoU by stage of the search: 5, 50, 95 %", xlabel="stage", ylabel="IoU")
    axes.xaxis.get_major_locator().set_params(integer=True)


def _draw_rewards(axes: Any, episodes: dict[str, Any], ticks: dict[str, Any]) -> None:
    kind_of = dict(zip(episodes["eps_id"].tolist(), episodes["kind"].tolist(), strict=True))
    kinds = np.array([kind_of.get(each, "") for each in ticks["eps_id"].tolist()])
    for kind, colour in zip(KINDS, _COLOURS, strict=True):
        chosen = kinds == kind
        if chosen.any():
            at = ticks["t"][chosen]
            counts = np.maximum(np.bincount(at), 1)
            axes.plot(np.bincount(at, ticks["rewards"][chosen]) / counts, color=colour, label=kind)
    axes.set(title="mean reward by tick", xlabel="tick", ylabel="shares of the goal's area")
    axes.legend()


def _draw_goals(axes: Any, goals: dict[str, Any]) -> None:
    for number, outline in enumerate(goals["outline"][:_GOALS]):
        row, column = divmod(number, 8)
        size = max(float(np.ptp(outline, axis=0).max()), 1e-6)
        placed = (outline - outline.min(axis=0)) / size * 0.8 + [column, row]
        axes.fill(placed[:, 0], placed[:, 1], color="#303030")
        axes.text(column, row + 0.98, goals["stroke_type"][number], fontsize=7)
    rows = -(-min(len(goals["outline"]), _GOALS) // 8)
    axes.set(title="some goals", aspect="equal", xticks=[], yticks=[], xlim=(-0.2, 8), ylim=(rows + 0.2, -0.2))
