"""Checkpoints in a folder and behind a URI: complete or not there, checked when fetched, and no more than are kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hierbrush.errors import HierbrushError
from hierbrush.learning.runs import checkpoint
from hierbrush.learning.runs.checkpoint import DamagedCheckpointError
from hierbrush.learning.runs.storage import COMPLETE, Store, open_store, stored_at


def write(content: str) -> Callable[[Path], None]:
    def into(folder: Path) -> None:
        (folder / "inner").mkdir()
        (folder / "inner" / "state").write_text(content)
        (folder / "times.json").write_text("{}")

    return into


def full_disk(folder: Path) -> None:
    (folder / "state").write_text("half")
    raise OSError(28, "No space left on device")


@pytest.fixture(params=["folder", "uri", "plain path"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    uri = {"folder": None, "uri": (tmp_path / "store").as_uri(), "plain path": str(tmp_path / "store")}[request.param]
    return open_store(tmp_path / "run", uri)


def test_newest_checkpoints_are_kept_and_fetched(store: Store) -> None:
    store.begin()
    for steps in (100, 200, 300):
        store.save(steps, write(f"at {steps}"), keep=2)
    assert store.begun()
    assert store.complete() == [200, 300]
    with store.fetch(300) as folder:
        assert (folder / "inner" / "state").read_text() == "at 300"
    store.save(300, write("once more"), keep=2)
    with store.fetch(300) as folder:
        assert (folder / "inner" / "state").read_text() == "once more"


def test_checkpoint_that_cannot_be_written_leaves_the_others(store: Store) -> None:
    store.begin()
    store.save(100, write("at 100"), keep=2)
    with pytest.raises(HierbrushError, match=r"step-000000000200: .*No space left"):
        store.save(200, full_disk, keep=2)
    assert store.complete() == [100]


def test_upload_cut_short_is_no_checkpoint(tmp_path: Path) -> None:
    """Whatever was killed, up to just before the last object, leaves nothing that loads, and is removed."""
    store = open_store(tmp_path / "run", (tmp_path / "store").as_uri())
    store.save(100, write("at 100"), keep=2)
    store.save(200, write("at 200"), keep=2)
    newest = tmp_path / "store" / "checkpoints" / "step-000000000200"
    (newest / COMPLETE).unlink()
    assert store.complete() == [100]
    store.begin()
    assert not newest.exists()
    assert store.complete() == [100]


def place_of(tmp_path: Path, steps: int = 100) -> Path:
    """Return where a checkpoint of `store` lies."""
    (found,) = tmp_path.glob(f"*/checkpoints/{checkpoint.name_of(steps)}")
    return found


def test_damaged_checkpoint_is_refused(store: Store, tmp_path: Path) -> None:
    store.save(100, write("at 100"), keep=2)
    (place_of(tmp_path) / "inner" / "state").write_text("at 10")
    with pytest.raises(DamagedCheckpointError, match="'inner/state' is not what was written"), store.fetch(100):
        pass
    assert store.read(100, "times.json") == b"{}"
    with pytest.raises(DamagedCheckpointError, match="inner/state"):
        store.read(100, "inner/state")
    with pytest.raises(DamagedCheckpointError, match="nowhere"):
        store.read(100, "nowhere")


def test_a_checkpoint_without_sums_is_none_in_a_folder_either(tmp_path: Path) -> None:
    store = open_store(tmp_path / "run", None)
    store.save(100, write("at 100"), keep=2)
    (place_of(tmp_path) / COMPLETE).unlink()
    with pytest.raises(DamagedCheckpointError, match=r"has no complete\.json"), store.fetch(100):
        pass


def test_damaged_checkpoint_that_is_set_aside_counts_no_more(store: Store, tmp_path: Path) -> None:
    for steps in (100, 200):
        store.save(steps, write(f"at {steps}"), keep=2)
    (place_of(tmp_path, 200) / "times.json").unlink()
    with pytest.raises(DamagedCheckpointError), store.fetch(200):
        pass
    assert store.set_aside(200)
    assert store.complete() == [100]
    store.save(150, write("at 150"), keep=1)
    assert store.complete() == [150]


@pytest.mark.parametrize("name", ["/tmp/hierbrush-outside", "../outside", "inner/../../outside", "a\\..\\b", "C:x", ""])
def test_nothing_is_fetched_to_where_complete_json_says_outside_its_folder(
    store: Store, tmp_path: Path, name: str
) -> None:
    store.save(100, write("at 100"), keep=2)
    place = place_of(tmp_path)
    listed = json.loads((place / COMPLETE).read_bytes())
    listed["files"][name] = listed["files"]["inner/state"]
    (place / COMPLETE).write_text(json.dumps(listed))
    with pytest.raises(DamagedCheckpointError, match="which lies outside the checkpoint"), store.fetch(100):
        pass
    assert not Path("/tmp/hierbrush-outside").exists()
    assert not list(tmp_path.rglob("*outside"))


def test_links_in_a_checkpoint_are_not_followed(tmp_path: Path) -> None:
    store = open_store(tmp_path / "run", None)
    store.save(100, write("at 100"), keep=2)
    state = place_of(tmp_path) / "inner" / "state"
    state.rename(tmp_path / "state")
    state.symlink_to(tmp_path / "state")
    with pytest.raises(DamagedCheckpointError, match="'inner/state' is not what was written"), store.fetch(100):
        pass


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
def test_own_checkpoints_are_taken_whatever_the_umask(store: Store, mask: int) -> None:
    before = os.umask(mask)
    try:
        store.begin()
        store.save(100, write("at 100"), keep=2)
        with store.fetch(100) as folder:
            assert (folder / "inner" / "state").read_text() == "at 100"
    finally:
        os.umask(before)


@pytest.mark.parametrize("what", ["", "inner", "inner/state", "..", COMPLETE])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_can_write_is_refused_unless_trusted(store: Store, tmp_path: Path, what: str, mode: int) -> None:
    store.save(100, write("at 100"), keep=2)
    path = place_of(tmp_path) / what
    path.chmod(path.stat().st_mode | mode)
    with pytest.raises(HierbrushError, match=r"can be written by other users .*--trust-checkpoints") as told:
        store.fetch(100).__enter__()
    assert len(str(told.value).splitlines()) == 1
    assert not isinstance(told.value, DamagedCheckpointError)
    store._trusted = True  # type: ignore[attr-defined]
    with store.fetch(100):
        pass


def test_what_another_user_owns_is_refused_and_what_root_owns_is_not(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(100, write("at 100"), keep=2)
    mine = place_of(tmp_path).stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    if mine == 0:
        with store.fetch(100):
            pass
        os.chown(place_of(tmp_path) / "inner" / "state", 12345, -1)
    with pytest.raises(HierbrushError, match=r"belongs to another user \(number \d+\).*HIERBRUSH_TRUST_CHECKPOINTS=1"):
        store.fetch(100).__enter__()


def test_a_training_that_another_has_taken_over_behind_a_uri_ends(tmp_path: Path) -> None:
    first, second = (open_store(tmp_path / name, (tmp_path / "store").as_uri()) for name in ("a", "b"))
    first.begin()
    first.save(100, write("at 100"), keep=2)
    second.begin()
    with pytest.raises(HierbrushError, match=r"output.storage: .* is written by another training since .* this one"):
        first.save(200, write("at 200"), keep=2)
    assert second.complete() == [100]
    second.save(200, write("at 200"), keep=2)
    # A name that is damaged or gone is nobody's.
    for damage in (b"{", b"null", b""):
        (tmp_path / "store" / "writer.json").write_bytes(damage)
        second.save(300, write("at 300"), keep=2)


@pytest.mark.parametrize("uri", ["/dev/null/store", "file:///dev/null/store", "x" * 300, "a\0b"])
def test_a_storage_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, uri: str) -> None:
    with pytest.raises(HierbrushError, match=r"^output\.storage: ") as told:
        open_store(tmp_path, uri).begin()
    assert len(str(told.value).splitlines()) == 1


def test_results_reach_another_machine(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (here / "card.json").write_text("{}")
    (here / "weights.safetensors").write_text("weights")
    store = open_store(here, (tmp_path / "store").as_uri())
    store.publish(here)
    store.collect(there)
    assert {path.name for path in there.iterdir()} == {"card.json", "weights.safetensors"}
    (there / "card.json").write_text("mine")
    store.collect(there)
    assert (there / "card.json").read_text() == "mine"


def test_uri_that_pyarrow_does_not_know_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"output.storage: 's33://runs' cannot be opened .* expected a folder or"):
        open_store(tmp_path, "s33://runs")


def test_runs_lie_in_the_store_as_in_their_folder(tmp_path: Path) -> None:
    output = tmp_path / "runs" / "slow"
    assert stored_at("s3://bucket/x/", output, output / "each" / "HZG") == "s3://bucket/x/slow/each/HZG"
    assert stored_at(None, output, output) is None
