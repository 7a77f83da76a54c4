"""Going on with a training: after damage, with other settings, from strangers' checkpoints, and what ends it before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from hierbrush.cli.train import train as command
from hierbrush.errors import HierbrushError
from hierbrush.learning.recipes.hierarchical import HierarchicalRecipe
from hierbrush.learning.recipes.imitation import ImitationRecipe
from hierbrush.learning.recipes.ppo import PPORecipe
from hierbrush.learning.runs import checkpoint
from hierbrush.learning.runs.display import Display
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.lock import only_writer
from hierbrush.learning.runs.logs import read_metrics
from hierbrush.learning.runs.resume import check_changes, check_resume
from hierbrush.learning.runs.weights import load_card
from hierbrush.learning.train import train

HERE = Path(__file__).parent
BATCH = 2048


@pytest.fixture
def config_file(tmp_path: Path, toy_settings: dict[str, Any]) -> Path:
    toy_settings["training"]["steps"] = 4 * BATCH
    toy_settings["output"]["checkpoint_every"] = 0.001
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(toy_settings), encoding="utf-8")
    return path


def steps_in(folder: Path) -> list[int]:
    return [record["steps"] // BATCH for record in read_metrics(folder / "policy" / "metrics.jsonl")]


@pytest.mark.usefixtures("ray_running")
def test_a_finished_training_goes_on_with_more_steps_and_refuses_what_cannot_change(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    train(config_file, output=out)

    def again(*overrides: str) -> None:
        train(config_file, output=out, resume=True, overrides=overrides)

    kept = {path: path.read_bytes() for path in (out / "config.json", out / "policy" / "card.json")}
    for override, message in (
        (
            "training.gamma=0.5",
            r"training\.gamma \(0\.95, now 0\.5\): cannot change, as policy has begun; training\.steps",
        ),
        ("policy.hidden=[16]", r"policy\.hidden \(\[32, 32\], now \[16\]\): cannot change"),
        ("training.lr=1e-9", r"training\.lr .*: changes nothing, as policy is finished; a larger training\.steps"),
        ("training.steps=2048", r"training\.steps \(8192, now 2048\): changes nothing"),
        (f"output.storage={tmp_path / 'new'}", r"output\.storage \(None, now .*\): there are no checkpoints"),
    ):
        with pytest.raises(HierbrushError, match=f"^--resume: {message}") as told:
            again(override)
        assert len(str(told.value).splitlines()) == 1
        assert {path: path.read_bytes() for path in kept} == kept
    again("output.keep=3")
    assert "nothing is left to train" in capsys.readouterr().err
    again("training.steps=12288", "training.lr=1e-3")
    assert steps_in(out) == [1, 2, 3, 4, 5, 6]
    card = load_card(out / "policy")
    assert card["steps"] == 6 * BATCH
    assert card["changes"] == [
        {"steps": 4 * BATCH, "changed": {"training.steps": [8192, 12288], "training.lr": [5e-3, 1e-3]}}
    ]
    assert json.loads((out / "config.json").read_bytes())["training"]["steps"] == 12288
    # The schedules are those of the longer training; an update sees the steps before its own batch.
    assert read_metrics(out / "policy" / "metrics.jsonl")[-1]["sigma"] == pytest.approx(0.5 - 0.4 * 5 / 6)

    # Finished weights without a checkpoint are no beginning of anything, and are not lost.
    for path in checkpoint.complete(out / "policy" / "checkpoints"):
        checkpoint.set_aside(path)
    with pytest.raises(HierbrushError, match="finished weights, but no checkpoint to go on from"):
        again("training.steps=16384", "training.lr=1e-3")
    assert load_card(out / "policy") == card


@pytest.mark.usefixtures("ray_running")
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_taken(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    train(config_file, output=out)
    folder = out / "policy" / "checkpoints"
    before, newest = checkpoint.complete(folder)
    state = next(newest.rglob("module_state.pkl"))
    data = bytearray(state.read_bytes())
    data[len(data) // 2] ^= 1
    state.write_bytes(data)
    capsys.readouterr()
    more = ("training.steps=12288", "output.keep=1")
    train(config_file, output=out, resume=True, overrides=more)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "is not what was written" in line]
    assert "module_state.pkl" in line
    assert f"damaged-{newest.name} now; going on from step {checkpoint.steps_of(before):,}" in line
    assert steps_in(out) == [1, 2, 3, 4, 5, 6]
    assert [checkpoint.steps_of(path) for path in checkpoint.complete(folder)] == [6 * BATCH]

    # Where all are damaged, nothing begins again by itself.
    (checkpoint.complete(folder)[-1] / "times.json").write_text("{}")
    log = (out / "policy" / "metrics.jsonl").read_bytes()
    with pytest.raises(HierbrushError, match="no checkpoint can be used") as told:
        train(config_file, output=out, resume=True, overrides=("training.steps=16384",))
    assert len(str(told.value).splitlines()) == 1
    assert (out / "policy" / "metrics.jsonl").read_bytes() == log


@pytest.mark.usefixtures("ray_running")
def test_strangers_checkpoints_are_taken_only_when_trusted(config_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    train(config_file, output=out)
    for path in checkpoint.complete(out / "policy" / "checkpoints"):
        path.chmod(0o777)
    arguments = [str(config_file), "--output", str(out), "--resume", "--set", "training.steps=10240"]
    refused = CliRunner().invoke(command, arguments)
    assert isinstance(refused.exception, HierbrushError)
    assert "--trust-checkpoints" in str(refused.exception)
    assert CliRunner().invoke(command, arguments, env={"HIERBRUSH_TRUST_CHECKPOINTS": "1"}).exit_code == 0
    assert steps_in(out) == [1, 2, 3, 4, 5]


def test_help_says_that_checkpoints_hold_code() -> None:
    text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert "checkpoints hold code that then runs" in text


@pytest.mark.parametrize(
    "settings",
    [
        PPORecipe.model_validate({"name": "a", "training": {"steps": 9}, "environment": {"slots": 256}}),
        HierarchicalRecipe.model_validate({"kind": "hierarchical", "name": "a", "training": {"steps": 9}}),
        ImitationRecipe.model_validate({"kind": "imitation", "name": "a", "training": {"steps": 9}}),
    ],
    ids=lambda settings: type(settings).__name__,
)
def test_every_kind_may_change_its_steps_and_refuses_its_seed(settings: Any) -> None:
    before = settings.model_dump(mode="json")

    def with_(**values: Any) -> Any:
        return settings.model_copy(update=values)

    longer = with_(training=settings.training.model_copy(update={"steps": 10}))
    assert check_changes(before, longer, "a") == {"training.steps": (9, 10)}
    elsewhere = with_(output=settings.output.model_copy(update={"keep": 7}))
    assert check_changes(before, elsewhere, "a") == {"output.keep": (2, 7)}
    with pytest.raises(HierbrushError, match=r"--resume: seed \(0, now 3\): cannot change, as a has begun"):
        check_changes(before, with_(seed=3), "a")
    # A setting that there was not yet had no other value.
    assert check_changes({"name": "a", "training": {"steps": 9}}, settings, "a") == {}


def test_what_changes_for_one_of_several_policies_is_of_use() -> None:
    class Run:
        name = "a"

        def __init__(self, finished: bool) -> None:
            self.finished = finished
            self.recipe = PPORecipe.model_validate({"name": "a", "training": {"steps": 2**20, "lr": 0.1}})

        def earlier_settings(self) -> Any:
            return PPORecipe.model_validate({"name": "a", "training": {"steps": 2**20}}).model_dump(mode="json")

    check_resume([Run(True), Run(False)])
    with pytest.raises(HierbrushError, match="changes nothing, as a is finished"):
        check_resume([Run(True), Run(True)])


@pytest.mark.parametrize("kind", ["composer", "imitation"])
def test_the_other_kinds_refuse_by_name_before_anything_is_started(tmp_path: Path, kind: str) -> None:
    from hierbrush.resources import folder

    model = {"composer": HierarchicalRecipe, "imitation": ImitationRecipe}[kind]
    from hierbrush.curriculum import load_model

    config_path = folder("configs") / f"{kind}.yaml"
    config = load_model(config_path, model)
    run = Job("a", tmp_path, config)

    def write(place: Path) -> None:
        facts = {"seconds": 1.0, "record": {}, "config": config.model_dump(mode="json"), "changes": []}
        (place / "times.json").write_text(json.dumps(facts))

    run.store().save(100, write, keep=1)
    with pytest.raises(HierbrushError, match=r"--resume: seed .*: cannot change"):
        train(config_path, output=tmp_path, resume=True, overrides=("seed=77",))
    assert not (tmp_path / "config.json").exists()
    card = "composer.json"
    (tmp_path / card).write_text(json.dumps({"config": config.model_dump(mode="json")}))
    before = (tmp_path / card).read_bytes()
    with pytest.raises(HierbrushError, match=r"--resume: training.steps .*: changes nothing, as .* is finished"):
        train(config_path, output=tmp_path, resume=True, overrides=("training.steps=7",))
    # Finished, so nothing is started either.
    assert train(config_path, output=tmp_path, resume=True) == tmp_path
    assert (tmp_path / card).read_bytes() == before


def test_a_second_training_in_the_folder_is_refused(config_file: Path, tmp_path: Path) -> None:
    with only_writer(tmp_path / "out"), pytest.raises(HierbrushError, match="written by another training"):
        train(config_file, output=tmp_path / "out")


@pytest.mark.parametrize("output", ["toy.yaml", "toy.yaml/run", "x" * 300, "a\0b", "/dev/null", "/proc/run"])
def test_an_output_that_is_no_folder_is_told_in_one_line(config_file: Path, tmp_path: Path, output: str) -> None:
    with pytest.raises(HierbrushError, match=r"^--output: .* cannot be used: ") as told:
        train(config_file, output=tmp_path / output)
    assert len(str(told.value).splitlines()) == 1


PATHS = ("x" * 300, "x/" * 3000, "a\0b", ".", "/dev/zero", "/dev/null", "/")


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
@pytest.mark.parametrize(
    ("config", "setting"),
    [
        ("toy", "curriculum"),
        ("toy", "initial_weights"),
        ("phases", "phases.0.curriculum"),
        ("composer", "curriculum"),
        ("composer", "composer.weights"),
        ("composer", "primitives.weights"),
        ("imitation", "initial_weights"),
        ("imitation", "practice.teachers.0"),
    ],
)
def test_a_path_that_is_no_file_is_told_in_one_line(
    config_file: Path, tmp_path: Path, config: str, setting: str, path: str
) -> None:
    from hierbrush.resources import folder

    key, _, last = setting.rpartition(".")
    override = f"{setting}={json.dumps(path)}"
    overrides = [f"{key}=[{json.dumps(path)}]", "practice.characters=1"] if last == "0" else [override]
    if config == "phases":
        overrides = ['phases=[{"name": "policy"}]', override]
    config_path = config_file if config in ("toy", "phases") else folder("configs") / f"{config}.yaml"
    with pytest.raises(HierbrushError) as told:
        train(config_path, output=tmp_path / "out", overrides=overrides)
    assert len(str(told.value).splitlines()) == 1
    assert not (tmp_path / "out" / "policy").exists()


class Terminal:
    """A stream to a terminal that has been closed."""

    def __init__(self) -> None:
        self.gone = False
        self.written: list[str] = []

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.gone:
            raise OSError(5, "Input/output error")
        self.written.append(text)
        return len(text)

    def flush(self) -> None:
        self.write("")


@pytest.mark.parametrize("bar", [True, False])
def test_progress_stops_at_all_of_it_and_outlives_its_terminal(bar: bool) -> None:
    terminal = Terminal()
    progress = Display("a", 100, 0, terminal, bar=bar)  # type: ignore[arg-type]
    progress.begin(50)
    for steps in (60, 120, 180):
        progress.update({"steps": steps, "iou": 0.5})
    if progress._bar is not None:
        progress._bar.refresh()  # which it does by itself a few times a second
    shown = "".join(terminal.written)
    assert "100%" in shown
    assert "120%" not in shown
    assert "180%" not in shown
    terminal.gone = True
    progress.update({"steps": 200})
    progress.say("lost")
    progress.close()


def started(config_file: Path, out: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "hierbrush",
            "train",
            str(config_file),
            "--output",
            str(out),
            *arguments,
        ],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("trials", [False, True])
def test_a_signal_ends_it_after_a_checkpoint(
    config_file: Path, tmp_path: Path, number: signal.Signals, trials: bool
) -> None:
    """A closed terminal (SIGHUP), Ctrl-C (SIGINT) and systemd or Slurm (SIGTERM) reach all that was started."""
    more = ["--set", "training.steps=1000000000", "--set", "output.checkpoint_every=100000"]
    if trials:
        more += ["--set", 'sweep={"values": {"training.lr": [5e-3, 1e-3]}}', "--set", "resources.processes=2"]
    out = tmp_path / "out"
    process = started(config_file, out, *more)
    logs = [out / ("000-lr=0.005" if trials else "") / "policy" / "metrics.jsonl"]
    if trials:
        logs.append(out / "001-lr=0.001" / "policy" / "metrics.jsonl")
    while any(len(read_metrics(log)) < 5 for log in logs):
        assert process.poll() is None, process.communicate()[0].decode()
        time.sleep(0.1)
    os.killpg(process.pid, number)
    output = process.communicate()[0].decode()
    assert process.returncode == 128 + number, output
    assert "--resume goes on" in output
    for log in logs:
        newest = checkpoint.complete(log.parent / "checkpoints")[-1]
        checkpoint.check(newest)
        assert checkpoint.steps_of(newest) == read_metrics(log)[-1]["steps"]


@pytest.mark.slow
def test_a_slow_trial_still_takes_its_checkpoint(config_file: Path, tmp_path: Path) -> None:
    """Tune kills whoever has not ended ten seconds after it was asked to; on a busy machine a step takes longer."""
    out, began = tmp_path / "out", tmp_path / "began"
    options = {"hang_once": str(began), "hang_seconds": 15.0}
    settings = [f"environment.options={json.dumps(options)}", 'sweep={"values": {"training.lr": [5e-3, 1e-3]}}']
    settings += ["training.steps=1000000000", "resources.processes=2"]
    process = started(config_file, out, *(part for setting in settings for part in ("--set", setting)))
    while not began.exists():
        assert process.poll() is None, process.communicate()[0].decode()
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    output = process.communicate()[0].decode()
    assert process.returncode == 128 + signal.SIGTERM, output
    logs = [log for log in out.rglob("metrics.jsonl") if "checkpoints" not in log.parts and read_metrics(log)]
    assert logs, output
    for log in logs:
        newest = checkpoint.complete(log.parent / "checkpoints")[-1]
        assert checkpoint.steps_of(newest) == read_metrics(log)[-1]["steps"]


def test_hangups_stay_ignored_under_nohup() -> None:
    from hierbrush.learning.train import _StopOnSignal

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _StopOnSignal() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with _StopOnSignal() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert stop()
            assert stop.signal == signal.SIGHUP
    finally:
        signal.signal(signal.SIGHUP, before)
