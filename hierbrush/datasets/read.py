"""Reading data sets back into arrays."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.datasets.card import read_card
from hierbrush.datasets.make import DATA, EPISODES, needs_pyarrow
from hierbrush.datasets.settings import KINDS
from hierbrush.errors import HierbrushError, shown


class Ticks(NamedTuple):
    """n ticks, stroke after stroke: ``obs`` [n, columns], ``actions`` [n, 3], ``rewards`` [n], ``over`` at the last."""

    obs: NDArray[np.float32]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float32]
    over: NDArray[np.bool_]


def check_dataset(folder: Path, kinds: Collection[str] = (), *, argument: str = "data") -> dict[str, Any]:
    """Return the card of a data set that has ticks of each of ``kinds``.

    Raises:
        HierbrushError: it has none, is no data set, or is not finished.
    """
    card = read_card(folder) if folder.is_dir() else None
    if card is None:
        raise HierbrushError(f"{argument}: {shown(folder)} is no data set; hierbrush dataset make writes one")
    if not (folder / DATA).is_dir():
        raise HierbrushError(f"{argument}: {shown(folder)} is not in RLlib's format; make it with --format rllib")
    if not card["finished"]:
        raise HierbrushError(f"{argument}: {shown(folder)} is not finished; hierbrush dataset make --resume goes on")
    for kind in kinds:
        if kind not in card["kinds"]:
            raise HierbrushError(f"{argument}: {shown(folder)} has no ticks of the kind {shown(kind)}")
    return card


def read_ticks(folder: Path, kinds: Collection[str] = KINDS) -> Ticks:
    """Return the ticks of a data set that were written by these kinds.

    Raises:
        HierbrushError: it is no data set, or has none of them.
    """
    needs_pyarrow()
    card = check_dataset(folder, ())
    parts = [_read(folder, facts["name"], kinds) for facts in card["files"].values()]
    ticks = Ticks(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    if not len(ticks.rewards):
        raise HierbrushError(f"data: {shown(folder)} has no ticks of the kinds {', '.join(kinds)}")
    return ticks


def _read(folder: Path, name: str, kinds: Collection[str]) -> Ticks:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    try:
        episodes = pq.read_table(folder / EPISODES / name, columns=["kind", "ticks"])
        rows = pq.read_table(folder / DATA / name, columns=["obs", "actions", "rewards", "terminateds"])
    except (OSError, ValueError) as error:  # pyarrow's errors are among them
        raise HierbrushError(f"data: {shown(folder / DATA / name)} cannot be read: {error}") from None
    written_by = np.repeat(episodes["kind"].to_numpy(), episodes["ticks"].to_numpy())
    chosen = np.isin(written_by, list(kinds))
    obs, actions = (rows[column].combine_chunks().to_numpy_ndarray()[chosen] for column in ("obs", "actions"))
    rewards, over = (rows[column].to_numpy()[chosen] for column in ("rewards", "terminateds"))
    return Ticks(obs, actions, rewards, over)
