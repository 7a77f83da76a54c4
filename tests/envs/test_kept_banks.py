"""Goals that were drawn before are found again, bit by bit, and never those of something else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hierbrush.envs import kept_arrays, kept_banks
from hierbrush.envs.kept_arrays import cache_folder
from hierbrush.envs.kept_banks import kept_bank
from hierbrush.envs.stroke import StrokeVectorEnv
from hierbrush.sim import GoalBank

PROMOTION = {"threshold": 0.9, "maximum_steps": 1000}
CURRICULUM = {
    "format": 1,
    "name": "tiny",
    "strokes": ["H", "S"],
    "stages": [{"name": "plain", "goals": {"glyphs": {}, "count": 5}, "promotion": PROMOTION}],
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HIERBRUSH_CACHE", str(tmp_path / "cache"))
    kept_banks._memory.clear()
    return tmp_path / "cache"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the banks that are drawn."""
    calls: list[str] = []
    draw = StrokeVectorEnv._draw

    def counted(self: StrokeVectorEnv, *arguments: object) -> GoalBank:
        calls.append("drawn")
        return draw(self, *arguments)

    monkeypatch.setattr(StrokeVectorEnv, "_draw", counted)
    return calls


def make(**options: object) -> GoalBank:
    return StrokeVectorEnv(1, curriculum=CURRICULUM, **options).batch.bank


def same(one: GoalBank, other: GoalBank) -> bool:
    alike = (one.side, one.box, one.supersample) == (other.side, other.box, other.supersample)
    arrays = all(
        np.array_equal(array, other.arrays[name]) and array.dtype == other.arrays[name].dtype
        for name, array in one.arrays.items()
    )
    return alike and arrays and one.arrays.keys() == other.arrays.keys()


def test_goals_are_drawn_once_and_read_bit_by_bit(place: Path, drawn: list[str]) -> None:
    fresh = make()
    assert make() is fresh
    kept_banks._memory.clear()  # as in the next process
    read = make()
    assert same(read, fresh)
    assert read.words == fresh.words
    assert read is not fresh
    assert drawn == ["drawn"]
    assert len(list(place.iterdir())) == 1


@pytest.mark.parametrize("options", [{"stroke": "H"}, {"seed": 1}, {"supersample": 2}])
def test_other_goals_are_other_goals(place: Path, drawn: list[str], options: dict[str, object]) -> None:
    make()
    make(**options)
    assert len(drawn) == 2


def test_what_has_no_part_in_the_goals_shares_them(place: Path, drawn: list[str]) -> None:
    stage = CURRICULUM["stages"][0]
    other = {**CURRICULUM, "name": "other", "stages": [{**stage, "name": "other", "reward": {"outside": 0.1}}]}
    make()
    StrokeVectorEnv(3, curriculum=other)
    assert len(drawn) == 1


def test_another_version_finds_nothing(place: Path, drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    kept_banks._memory.clear()
    monkeypatch.setattr(kept_arrays, "_origin", lambda *sources: "edited")
    make()
    assert len(drawn) == 2


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("damage", [lambda data: data[:-200], lambda data: b"", flipped, lambda data: b"\x93NUMPY" * 9])
def test_a_damaged_file_is_drawn_anew(place: Path, drawn: list[str], damage: Callable[[bytes], bytes]) -> None:
    fresh = make()
    (path,) = place.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    kept_banks._memory.clear()
    assert same(make(), fresh)
    assert len(drawn) == 2
    assert path.read_bytes() == whole


def test_arrays_that_do_not_fit_each_other_are_refused(place: Path, drawn: list[str]) -> None:
    fresh = make()
    (path,) = place.iterdir()
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["track_offset"] = arrays["track_offset"] + 1000
    np.savez(path, **arrays)
    kept_banks._memory.clear()
    assert same(make(), fresh)
    assert len(drawn) == 2


def test_a_folder_that_cannot_be_written_does_no_harm(
    tmp_path: Path, drawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    for chosen in (str(tmp_path / "file"), ""):
        monkeypatch.setenv("HIERBRUSH_CACHE", chosen)
        kept_banks._memory.clear()
        make()
    assert len(drawn) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_old_files_make_room(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    (first,) = place.iterdir()
    os.utime(first, (0, 0))
    make(seed=1)
    assert len(list(place.iterdir())) == 2
    monkeypatch.setattr(kept_arrays, "LARGEST_FOLDER", 2 * first.stat().st_size + 1000)
    make(seed=2)
    assert first not in place.iterdir()
    assert place.exists()


def test_memory_keeps_a_few(place: Path, drawn: list[str]) -> None:
    for seed in range(6):
        make(seed=seed)
    assert len(kept_banks._memory) == kept_banks._IN_MEMORY
    assert kept_bank(next(reversed(kept_banks._memory)), lambda: pytest.fail("drawn")) is not None


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HIERBRUSH_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/hierbrush")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/hierbrush")
    monkeypatch.setenv("HIERBRUSH_CACHE", "")
    assert cache_folder() is None
