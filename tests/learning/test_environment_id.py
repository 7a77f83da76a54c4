"""Environments of one's own are found without PYTHONPATH, and an id that cannot be used is told in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gymnasium
import pytest

from hierbrush.envs import STROKE_ENV
from hierbrush.errors import HierbrushError
from hierbrush.learning.runs.environment_id import check_environment

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(os.environ, "PYTHONPATH", "first")
    (tmp_path / "here").mkdir()
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def write_module(folder: Path, name: str, environment: str) -> None:
    code = f"import gymnasium\ngymnasium.register({environment!r}, entry_point='somewhere:Env')\n"
    (folder / f"{name}.py").write_text(code)


@pytest.mark.parametrize("place", ["configs", "here"])
def test_a_module_beside_the_configuration_or_in_the_current_folder_is_found(tmp_path: Path, place: str) -> None:
    write_module(tmp_path / place, f"of_{place}", f"own/{place}-v0")
    try:
        check_environment(f"of_{place}:own/{place}-v0", tmp_path / "configs" / "run.yaml")
        assert gymnasium.spec(f"own/{place}-v0")
        assert os.environ["PYTHONPATH"].split(os.pathsep) == ["first", str(tmp_path / place)]
        assert sys.path[-1] == str(tmp_path / place)
    finally:
        gymnasium.registry.pop(f"own/{place}-v0", None)
        sys.modules.pop(f"of_{place}", None)


def test_a_path_to_the_configuration_may_be_relative(tmp_path: Path) -> None:
    write_module(tmp_path / "configs", "of_relative", "own/relative-v0")
    try:
        check_environment("of_relative:own/relative-v0", Path("..", "configs", "run.yaml"))
        assert sys.path[-1] == str(tmp_path / "configs")
    finally:
        gymnasium.registry.pop("own/relative-v0", None)
        sys.modules.pop("of_relative", None)


def test_what_python_has_already_needs_no_folder() -> None:
    before = [*sys.path]
    check_environment(STROKE_ENV, Path("run.yaml"))
    check_environment(f"hierbrush:{STROKE_ENV}", Path("run.yaml"))
    assert sys.path == before
    assert os.environ["PYTHONPATH"] == "first"


@pytest.mark.parametrize(
    "environment", [".x:y", ".:y", "a..b:y", "a b:y", "a-b:y", ":y", "a:", "", ":", "a/b:c:d", "\n:y", "../a:y"]
)
def test_what_is_no_id_is_told_in_a_line(environment: str) -> None:
    with pytest.raises(HierbrushError, match=r"^environment\.id: .*, expected a Gymnasium id such as") as refused:
        check_environment(environment, Path("run.yaml"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "environment",
    ["nowhere:y-v0", "Reach-v9", "none/Such-v0", "hierbrush/Strok-v0", "\n", "x" * 999, "x" * 300 + ":y-v0"],
)
def test_what_is_not_there_is_told_in_a_line(environment: str, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"^environment\.id: '.* cannot be used: ") as refused:
        check_environment(environment, tmp_path / "configs" / "run.yaml")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 1000
    if environment.startswith("nowhere"):
        assert f"no nowhere.py in {tmp_path / 'configs'} or {tmp_path / 'here'}" in str(refused.value)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import not_there_either", "raised ModuleNotFoundError: No module named 'not_there_either'"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
        ("def broken(:", "raised SyntaxError: "),
        ("raise RuntimeError('two\\nlines')", "raised RuntimeError: two lines"),
    ],
)
def test_a_module_that_fails_is_named_with_its_failure(tmp_path: Path, code: str, told: str) -> None:
    (tmp_path / "here" / "fails_to_import.py").write_text(code)
    with pytest.raises(HierbrushError) as refused:
        check_environment("fails_to_import:own/Fails-v0", Path("run.yaml"))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_command_line_prints_no_traceback(tmp_path: Path) -> None:
    config = tmp_path / "configs" / "run.yaml"
    config.write_text("name: run\nenvironment: {id: '.x:y', slots: 64}\ntraining: {steps: 10, minibatch: 64}\n")
    done = subprocess.run(
        [sys.executable, "-m", "hierbrush", "train", str(config)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 2
    assert "environment.id: '.x:y', expected" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_remote_runners_find_the_module_too(tmp_path: Path) -> None:
    """A training whose environment lies beside the configuration, sampled in another process."""
    (tmp_path / "configs" / "beside.py").write_text((HERE / "toy.py").read_text().replace("toy/Reach", "beside/Reach"))
    config = tmp_path / "configs" / "run.yaml"
    config.write_text(
        "name: run\n"
        "environment: {id: 'beside:beside/Reach-v0', slots: 16}\n"
        "policy: {hidden: [8], value_hidden: [8]}\n"
        "training: {steps: 512, fragment: 16, minibatch: 64}\n"
        "resources: {runners: 1}\n"
        "output: {tensorboard: false}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "hierbrush", "train", str(config), "--output", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path / "here",
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "policy" / "weights.safetensors").exists()
