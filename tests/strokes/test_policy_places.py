"""What a user may name as policy: files and folders of a training, whole or in part; and what is said of the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hierbrush
from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.evaluation.primitives import evaluate
from hierbrush.learning.runs.weights import fill_up, pack, write_weights
from hierbrush.sim import BrushModel
from hierbrush.sim.observation import OBSERVATIONS
from hierbrush.strokes import learned
from hierbrush.strokes.learned import LearnedPolicy, shipped_policy
from hierbrush.strokes.rollout import policy_name, stroke_policy
from hierbrush.strokes.types import ABBREVIATIONS

ACROSS = 0.5
CONFIG = {"name": "toy", "phases": [{"name": "all", "policies": "one"}, {"name": "each", "policies": "per_stroke"}]}


def trained(folder: Path, *, stroke: str | None = None, observation: str = "full", **card: Any) -> Path:
    """A policy that is always ``ACROSS`` reaches beside the path, as a training leaves it."""
    tensors = {
        "policy.0.weight": np.zeros((8, OBSERVATIONS[observation]), np.float32),
        "policy.0.bias": np.zeros(8, np.float32),
        "policy.2.weight": np.zeros((3, 8), np.float32),
        "policy.2.bias": np.array([0.0, ACROSS, 0.0], np.float32),
    }
    folder.mkdir(parents=True)
    sizes = {"observation_size": OBSERVATIONS[observation], "action_size": 3}
    write_weights(folder / "weights.safetensors", tensors, {"stroke": stroke, "steps": 1, **sizes, **card})
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What ``hierbrush train … --stroke H`` leaves."""
    folder = tmp_path / "runs" / "primitives"
    # So short that no episode ended in its last iteration.
    place = trained(folder / "each" / "H", stroke="H", training_scores={"return": None, "iou": float("nan"), "x": 0.5})
    fill_up({"H": place}, folder / "policies.safetensors")
    trained(folder / "all")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


def actions(policy: Any, kinds: tuple[str, ...] = ABBREVIATIONS) -> Any:
    observation = np.random.default_rng(0).standard_normal((len(kinds), OBSERVATIONS["full"])).astype(np.float32) / 4
    return policy.bind(kinds)(observation[:, : OBSERVATIONS[policy.observation]])


def assert_only_h_is_its_own(policy: Any) -> None:
    found, shipped = actions(policy), actions(shipped_policy())
    at = ABBREVIATIONS.index("H")
    np.testing.assert_allclose(found[at], [0.0, ACROSS, 0.0], atol=1e-3)
    np.testing.assert_array_equal(np.delete(found, at, 0), np.delete(shipped, at, 0))
    assert policy.own == ("H",)


def partial_file(run: Path) -> Path:
    pack({"H": run / "each" / "H"}, run.parent)
    return run.parent / "policies.safetensors"


PLACES: dict[str, Callable[[Path], Path]] = {
    "the run": lambda run: run,
    "its file": lambda run: run / "policies.safetensors",
    "the specialist": lambda run: run / "each" / "H",
    "its weights": lambda run: run / "each" / "H" / "weights.safetensors",
    "a file of one type": partial_file,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", [str, Path])
def test_one_type_is_the_runs_and_37_as_shipped_and_that_is_said(
    run: Path, place: str, kind: Callable[[Path], Any]
) -> None:
    policy = kind(PLACES[place](run))
    with pytest.warns(UserWarning, match=r"has H of its own; the other 37 stroke types as shipped$") as told:
        assert policy_name(policy) == str(policy)
    assert len(told) == 1
    assert str(policy) in str(told[0].message)
    assert_only_h_is_its_own(stroke_policy(policy))


def test_a_character_needs_types_that_the_run_has_not(run: Path) -> None:
    with pytest.warns(UserWarning, match="37 stroke types as shipped"):
        mine = hierbrush.write_character("永", goal="glyph", policy=run)
    theirs = hierbrush.write_character("永", goal="glyph")
    assert mine.policy == str(run)
    assert "H" not in {stroke.stroke_type for stroke in mine.strokes}
    for own, other in zip(mine.strokes, theirs.strokes, strict=True):
        np.testing.assert_allclose(own.path, other.path, atol=1e-9)
    with pytest.warns(UserWarning, match="37 stroke types as shipped"):
        assert hierbrush.write_character("一", policy=run) != hierbrush.write_character("一")
    with pytest.warns(UserWarning, match="37 stroke types as shipped"):
        assert hierbrush.write_text("永永", goal="glyph", policy=run).cells[0].writing.policy == str(run)


class Named:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


def test_every_path_like_does_and_evaluation_too(run: Path) -> None:
    brush = BrushModel.preset("measured")
    with pytest.warns(UserWarning, match="37 stroke types as shipped"):
        table = evaluate(["一"], policy=Named(run), brush=brush)
    assert table.rows[0].name == str(run)
    with pytest.raises(HierbrushError, match=r"policy: 3, expected a name or a path"):
        hierbrush.write_character("一", policy=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        ("write", "永", "-o", "x.png", "--size", "32", "--policy", "."),
        ("evaluate", "--text", "一", "--policy", "policies.safetensors"),
    ],
)
def test_the_command_line_says_it_in_one_line(run: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "hierbrush", *arguments]
    done = subprocess.run(command, cwd=run, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [
        f"hierbrush: warning: policy: {arguments[-1]!r} has H of its own; the other 37 stroke types as shipped"
    ]


def test_what_is_whole_says_nothing(tmp_path: Path) -> None:
    everything = trained(tmp_path / "generalist")
    assert policy_name(everything) == str(everything)
    assert stroke_policy(everything).own == ABBREVIATIONS  # type: ignore[attr-defined]
    assert policy_name("learned") == "learned"


def test_a_policy_for_all_types_of_a_small_curriculum_is_for_those_alone(tmp_path: Path) -> None:
    dots = trained(tmp_path / "dots" / "policy", stroke_types=["H"])
    (tmp_path / "dots" / "config.json").write_text(
        json.dumps({"name": "dots", "phases": [{"name": "policy", "policies": "one"}]})
    )
    assert_only_h_is_its_own(stroke_policy(dots))
    with pytest.warns(UserWarning, match="has H of its own"):
        policy_name(tmp_path / "dots")


def test_a_policy_that_sees_less_stands_beside_those_that_see_all(tmp_path: Path) -> None:
    assert_only_h_is_its_own(stroke_policy(trained(tmp_path / "H", stroke="H", observation="track")))


def test_policies_of_other_sizes_do_not_take_layers_from_the_base(run: Path) -> None:
    # The shipped base has a layer more.
    assert LearnedPolicy.load(run / "policies.safetensors").own == ("H",)
    cards = json.loads((run / "policies.json").read_bytes())["policies"]
    assert set(cards) == {"base", *ABBREVIATIONS}
    assert [kind for kind, card in cards.items() if not card.get("shipped")] == ["H"]
    assert cards["H"]["training_scores"] == {"x": 0.5}


def without(run: Path, *names: str) -> Path:
    for name in names:
        (run / name).unlink()
    return run


def unfinished(run: Path) -> Path:
    return without(run, "policies.safetensors", "policies.json")


def interrupted(run: Path) -> Path:
    return without(unfinished(run), "each/H/weights.safetensors", "each/H/card.json")


def composer(run: Path) -> Path:
    unfinished(run)
    (run / "composer.safetensors").touch()
    return run


def other_card(run: Path) -> Path:
    (run / "policies.json").write_text('{"sha256": "0"}')
    return run


def broken_card(run: Path) -> Path:
    (run / "policies.json").write_text('{"sha256": ')
    return run


def of_a_toy(run: Path) -> Path:
    folder = run / "toy"
    folder.mkdir()
    write_weights(
        folder / "weights.safetensors",
        {"policy.0.weight": np.zeros((2, 5), "f4"), "policy.0.bias": np.zeros(2, "f4")},
        {"stroke": "H"},
    )
    return folder


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (unfinished, "holds a training that is not finished; hierbrush train with --resume goes on with it; finished"),
        (interrupted, "is not finished; .* goes on with it; finished are '.*all'$"),
        (composer, "holds a composer and no primitives"),
        (lambda run: run.parent, "is a folder without a training.*finished are '.*primitives'"),
        (lambda run: run / "none", "is neither a file, nor the folder of a training, nor one of learned"),
        (lambda run: run / "config.json", "is no safetensors file"),
        (other_card, "is not the file that policies.json beside it describes"),
        (broken_card, "the card of policies.safetensors, cannot be read"),
        (of_a_toy, "observations of 5 numbers and actions of 2, expected"),
        (lambda run: Path(os.devnull), "it is a pipe or a device, expected a file"),
        (lambda run: Path("x" * 5000), "is neither a file"),
        (lambda run: Path("a\0b"), "is neither a file"),
        (lambda run: Path("lerned"), "did you mean 'learned'"),
    ],
)
def test_what_is_no_policy_is_told_in_one_line(run: Path, place: Callable[[Path], Path], message: str) -> None:
    with pytest.raises(HierbrushError, match=message) as told:
        policy_name(place(run))
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 1000


def test_a_variant_of_a_sweep_is_its_only_policy(tmp_path: Path) -> None:
    trained(tmp_path / "sweep" / "000-lr=1" / "policy")
    (tmp_path / "sweep" / "config.json").write_text(json.dumps({"phases": [{"name": "policy", "policies": "one"}]}))
    assert policy_name(tmp_path / "sweep" / "000-lr=1")
    with pytest.raises(HierbrushError, match=r"not finished|finished are '.*000-lr=1"):
        policy_name(tmp_path / "sweep")


def test_weights_that_change_are_read_again(tmp_path: Path) -> None:
    file = trained(tmp_path / "x") / "weights.safetensors"
    first = stroke_policy(file)
    assert stroke_policy(file) is first
    os.utime(file, (1, 1))
    assert stroke_policy(file) is not first


def test_an_installation_without_weights_says_so(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned, "WEIGHTS", tmp_path / "none.safetensors")
    learned.shipped_policies.cache_clear()
    with pytest.raises(HierbrushError, match="which this installation lacks"):
        stroke_policy(run / "each" / "H")
    assert load_library()
