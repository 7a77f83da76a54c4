"""``hierbrush runs`` lists trainings without starting Ray."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from hierbrush.cli import main


def listed(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["runs", *arguments])
    return int(stopped.value.code or 0)


def training(folder: Path, *records: dict[str, object], tail: str = "", hours: float = 0) -> Path:
    folder.mkdir(parents=True)
    log = folder / "metrics.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)
    moment = time.time() - 3600 * hours
    os.utime(log, (moment, moment))
    return folder


def test_newest_first_with_stage_score_and_age(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = training(tmp_path / "primitives" / "generalist", {"steps": 5, "iou": 0.5}, hours=30)
    (old / "card.json").write_text("{}")
    training(
        tmp_path / "primitives" / "HZG",
        {"steps": 1000, "iou": 0.91, "stage_name": "plain"},
        {"steps": 20480, "iou": 0.9512, "stage_name": "all-strokes"},
        tail='{"steps": 40',  # killed while it wrote
        hours=2,
    )
    assert listed(str(tmp_path)) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "state", "steps", "stage", "score", "age"]
    assert first.split("  ")[0] == "primitives/HZG"
    assert "20,480" in first
    assert "all-strokes" in first
    assert "iou 0.951" in first
    assert first.endswith("2 h")
    assert "finished" in second
    assert second.endswith("1 d")


@pytest.mark.parametrize("damage", ["\0" * 2_000_000, '{"steps": "many", "iou": []}', "[" * 100_000, '{"steps'])
def test_a_damaged_line_costs_that_line_only(tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    training(tmp_path / "slow", {"steps": 7, "iou": "x"}, {"steps": 1234, "iou": 0.5}, tail=damage)
    assert listed(str(tmp_path)) == 0
    (only,) = capsys.readouterr().out.splitlines()[1:]
    assert "1,234" in only
    assert "iou 0.500" in only


def test_copies_of_the_log_in_checkpoints_are_no_trainings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = training(tmp_path / "slow", {"steps": 5})
    training(run / "checkpoints" / "step-000000000005", {"steps": 5})
    assert listed(str(tmp_path)) == 0
    (only,) = capsys.readouterr().out.splitlines()[1:]
    assert "can be resumed" in only


def test_trainings_behind_a_uri(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    for name, steps, iou in (("slow/generalist", 100, 0.8), ("slow/each/HZG", 20480, 0.9512)):
        home = tmp_path / name
        for at in (steps, 2 * steps):
            checkpoint = home / "checkpoints" / f"step-{at:012d}"
            checkpoint.mkdir(parents=True)
            record = {"steps": at, "stage_name": "plain", "iou": iou}
            (checkpoint / "times.json").write_text(json.dumps({"seconds": 1.0, "record": record}))
            (checkpoint / "complete.json").write_text("{}")
    (tmp_path / "slow" / "generalist" / "card.json").write_text("{}")
    (tmp_path / "slow" / "generalist" / "checkpoints" / "step-000000000900").mkdir()  # half written
    assert listed(tmp_path.as_uri()) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.split("  ")[0] == "slow/each/HZG"
    assert "can be resumed" in first
    assert "40,960" in first
    assert "plain" in first
    assert "iou 0.951" in first
    assert second.startswith("slow/generalist")
    assert "finished" in second
    assert "200" in second
    # What is damaged there has no figures, and the others have theirs.
    (tmp_path / "slow" / "each" / "HZG" / "checkpoints" / "step-000000040960" / "times.json").write_text("[" * 100_000)
    assert listed(tmp_path.as_uri()) == 0
    assert "200" in capsys.readouterr().out
    assert listed("s33://nothing") == 2
    assert "cannot be read" in capsys.readouterr().err


def test_nothing_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(str(tmp_path)) == 0
    assert capsys.readouterr().out == f"no trainings in {tmp_path}\n"
    for nothing in ("nowhere", "x" * 260):
        assert listed(str(tmp_path / nothing)) == 2
        assert "is no folder" in capsys.readouterr().err


def test_what_is_no_log_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "metrics.jsonl")
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "metrics.jsonl").symlink_to(tmp_path / "gone")
    assert listed(str(tmp_path)) == 0
    assert capsys.readouterr().out == f"no trainings in {tmp_path}\n"
