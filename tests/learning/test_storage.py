"""Checkpoints in a folder and behind a URI: complete or not there, checked when fetched, and no more than are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hierbrush.errors import HierbrushError
from hierbrush.learning.storage import COMPLETE, Store, open_store, stored_at


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


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "run", (tmp_path / "store").as_uri())
    store.save(100, write("at 100"), keep=2)
    (tmp_path / "store" / "checkpoints" / "step-000000000100" / "inner" / "state").write_text("at 10")
    with pytest.raises(HierbrushError, match="'inner/state' is not what was written"), store.fetch(100):
        pass


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
