"""The card of a data set: what it is made of, how much is there, and what may be done with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hierbrush.datasets.settings import KINDS, DatasetSettings
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import UnreadableError, read_json, write_atomically
from hierbrush.resources import commit
from hierbrush.sim.observation import VERSION

CARD = "card.json"
FORMAT = 1
LICENCE = (
    "Apache-2.0; the goals are strokes of hierbrush's characters, which are under the Arphic Public License "
    "(hierbrush/characters/data/LICENSES/ARPHICPL.txt)"
)


def read_card(folder: Path) -> dict[str, Any] | None:
    """Return a data set's card, None where the folder has none.

    Raises:
        HierbrushError: there is one that cannot be read, or is another thing's.
    """
    if not (folder / CARD).exists():
        return None
    try:
        card = read_json(folder / CARD)
    except UnreadableError as error:
        raise HierbrushError(f"{folder / CARD}: {error.reason}") from None
    if card.get("format") != FORMAT or "settings" not in card or "files" not in card:
        raise HierbrushError(f"{shown(folder / CARD)} is not the card of a data set of this version of hierbrush")
    return card


def is_lerobot(folder: Path) -> bool:
    """Return whether a data set is one for LeRobot."""
    return (folder / "meta" / "info.json").is_file()


def begun_card(folder: Path, settings: DatasetSettings, resume: bool, lerobot: bool) -> dict[str, Any] | None:
    """Return the card of a data set that goes on; None where a new one may be begun.

    Raises:
        HierbrushError: the folder holds something else, a data set of other settings or of the other format, or one
            that is not to be resumed.
    """
    card = read_card(folder) if folder.is_dir() else None
    if card is None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise HierbrushError(f"folder: {shown(folder)} holds something that is no data set; give a new folder")
        return None
    if not resume:
        raise HierbrushError(f"folder: {shown(folder)} holds a data set; resume it, or give a new folder")
    if is_lerobot(folder) is not lerobot:
        held = "is not a" if lerobot else "is a"
        raise HierbrushError(f"folder: {shown(folder)} {held} LeRobot data set; a data set goes on in its format")
    check_unchanged(folder, card["settings"], settings)
    return card


def check_unchanged(folder: Path, before: Mapping[str, Any], settings: DatasetSettings) -> None:
    """Raise `HierbrushError` where a data set was begun with other settings."""
    now = settings.as_json()
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if changed:
        raise HierbrushError(
            f"folder: {shown(folder)} was begun with {changed[0]} {shown(before.get(changed[0]))}, not "
            f"{shown(now.get(changed[0]))}; a data set goes on as it began"
        )


def write_card(folder: Path, settings: dict[str, Any], files: dict[str, dict[str, Any]], finished: bool) -> None:
    """Write the card for the files that are there."""
    counts = {
        kind: {
            name: sum(facts["kinds"].get(kind, {}).get(name, 0) for facts in files.values())
            for name in ("strokes", "ticks")
        }
        for kind in KINDS
    }
    card = {
        "format": FORMAT,
        "finished": finished,
        "settings": settings,
        "commit": commit(),
        "licence": LICENCE,
        "observation_version": VERSION,
        "kinds": {kind: count for kind, count in counts.items() if count["ticks"]},
        "ticks": sum(facts["ticks"] for facts in files.values()),
        "strokes": sum(facts["strokes"] for facts in files.values()),
        "bytes": sum(facts["bytes"] for facts in files.values()),
        "files": files,
    }
    write_atomically(folder / CARD, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())
