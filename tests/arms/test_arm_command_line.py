"""``hierbrush arm``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hierbrush.cli.arm import arm
from hierbrush.errors import HierbrushError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(arm, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_simulate_tells_scores_and_writes_a_film(tmp_path: Path) -> None:
    told = run(
        "simulate", "一", "--policy", "scripted", "-o", str(tmp_path / "arm.gif"), "--size", "160",
        "--json", str(tmp_path / "scores.json"),
    )  # fmt: skip
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["arm"] == "ur5e"
    assert scores["iou"] >= 0.95
    assert f"一 {scores['iou']:.3f}" in told
    assert (tmp_path / "arm.gif").stat().st_size > 1000


def test_plan_writes_files_and_a_dry_run(tmp_path: Path) -> None:
    told = run(
        "plan", "一", "--policy", "scripted", "--lift", "20", "--gain", "300", "-o", str(tmp_path / "dry.script"),
        "-o", str(tmp_path / "path.png"),
    )  # fmt: skip
    assert "ur5e: " in told
    text = (tmp_path / "dry.script").read_text()
    assert "dry run, raised by 20 mm" in text
    assert "gain=300" in text
    assert (tmp_path / "path.png").exists()


def test_plan_parts_long_files(tmp_path: Path) -> None:
    told = run(
        "plan", "人", "--policy", "scripted", "--part", "5", "--ros", "1", "-o", str(tmp_path / "page.json"),
        "-o", str(tmp_path / "page.png"),
    )  # fmt: skip
    assert told.splitlines()[1:] == [str(tmp_path / name) for name in ("page-1.json", "page-2.json", "page.png")]
    for name in ("page-1.json", "page-2.json"):
        message = json.loads((tmp_path / name).read_text())
        assert message["points"][0]["time_from_start"] == {"secs": 0, "nsecs": 0}
        assert not any(message["points"][0]["velocities"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("plan", "一", "-o", "a.gcode"), "-o: 'a.gcode' ends in '.gcode', expected one of .script"),
        (("plan", "一", "-o", "a.csv", "--gain", "300"), "--gain: none of the files takes it"),
        (("simulate", "一", "-o", "a.script"), "expected one of .gif, .mp4, .png"),
        (("simulate", "一", "--arm", "ur6e"), "'ur6e' is none of"),
        (("simulate", "一", "--brush", "measurd"), "brush: 'measurd' is not one of"),
        (("simulate", "q", "--arm", "ur5e"), "q"),
        (("plan", "一", "-o", "/nowhere/a.csv"), "-o: "),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(HierbrushError) as found:
        CliRunner().invoke(arm, arguments, catch_exceptions=False)
    assert told in str(found.value)


def test_example_schema_and_check(tmp_path: Path) -> None:
    file = tmp_path / "arm.yaml"
    assert run("example", "-o", str(file)) == f"{file}\n"
    assert "fine: ur5e" in run("check", str(file))
    assert json.loads(run("schema"))["title"] == "hierbrush arm"
    file.write_text("travel: high\n")
    result = CliRunner().invoke(arm, ["check", str(file)])
    assert result.exit_code == 2
    assert "arm.yaml:1:9" in result.output
