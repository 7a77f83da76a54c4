"""Imitation of the training characters: the expert's decisions, and learning them through RLlib's BC."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray.data import DataContext

from hierbrush.characters import load_library, split
from hierbrush.characters.orders import order_classes
from hierbrush.cli import main
from hierbrush.composer.brief import brief_of, truth_of
from hierbrush.composer.composers import WEIGHTS
from hierbrush.composer.observation import EXISTS, GOAL_GIVEN, LAST, PLACED, WRITTEN, Drafts
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.policy import ComposerPolicy, load_composer
from hierbrush.errors import HierbrushError
from hierbrush.learning.imitation.expert import Expert, ExpertDecisions, told_briefs_and_truths
from hierbrush.learning.imitation.scores import STEEPNESS, composition_scores, steeper_pointer
from hierbrush.learning.recipes.imitation import DisturbanceSection
from hierbrush.learning.runs.logs import read_metrics
from hierbrush.learning.train import TrainingStopped, train
from hierbrush.resources import folder

CHARACTERS = "永国語盟"


@pytest.fixture(scope="module")
def expert() -> Expert:
    return Expert([brief_of(char) for char in CHARACTERS], [truth_of(char) for char in CHARACTERS])


def test_following_the_expert_writes_the_character(expert: Expert) -> None:
    truths = [truth_of(char) for char in CHARACTERS]
    drafts = Drafts(expert.bank, len(CHARACTERS))
    rows = np.arange(len(CHARACTERS))
    drafts.begin(rows, rows)
    for step in range(5):
        steps = np.full(len(rows), step)
        told = expert.decisions(rows, steps, None, np.random.default_rng(0))
        seen = drafts.observe()[:, : told.observation.shape[1]]
        # What the learner sees is what the runners see.
        assert np.allclose(told.observation, seen, atol=1e-4)
        actions = expert.actions(rows, steps)
        assert np.array_equal(actions[:, 0].astype(int), told.index)
        assert told.index.tolist() == [truth.order[step] for truth in truths]
        assert told.remaining[rows, told.index].all()
        drafts.write(rows, told.index, actions[:, 1:])
    for row, truth in enumerate(truths):
        written = truth.order[:5]
        assert np.allclose(drafts.placed[row, written], truth.places[written], atol=1e-4)


def test_every_decision_is_there_once(expert: Expert) -> None:
    characters, steps = expert.all_decisions()
    assert len(characters) == expert.bank.counts.sum()
    assert len(set(zip(characters.tolist(), steps.tolist(), strict=True))) == len(characters)
    assert (steps < expert.bank.counts[characters]).all()


def test_disturbance_changes_only_what_is_written_and_given(expert: Expert) -> None:
    rows = np.repeat(np.arange(len(CHARACTERS)), 50)
    steps = np.full(len(rows), 3)
    plain = expert.decisions(rows, steps, None, np.random.default_rng(0))
    disturbed = expert.decisions(rows, steps, DisturbanceSection(goals=0.5, some_goals=0.25), np.random.default_rng(0))
    written = plain.observation[..., WRITTEN] > 0
    assert np.array_equal(disturbed.observation[..., :PLACED], plain.observation[..., :PLACED])
    assert np.array_equal(disturbed.observation[..., LAST], plain.observation[..., LAST])
    assert not disturbed.observation[~written][:, PLACED:GOAL_GIVEN].any()
    assert np.abs(disturbed.observation[written] - plain.observation[written])[:, PLACED].mean() > 0.05
    given = disturbed.observation[..., GOAL_GIVEN] > 0
    exists = plain.observation[..., EXISTS] > 0
    whole = (given == exists).all(axis=1).mean()
    assert 0.35 < whole < 0.7
    assert 0.05 < (given.any(axis=1)).mean() - whole < 0.4
    assert not given[~exists].any()


def test_decisions_put_back_to_the_beginning_have_nothing_written_and_no_goals(expert: Expert) -> None:
    rows = np.repeat(np.arange(len(CHARACTERS)), 50)
    steps = np.full(len(rows), 3)
    told = expert.decisions(rows, steps, DisturbanceSection(goals=0.5, afresh=0.4), np.random.default_rng(0))
    written, given = told.observation[..., WRITTEN] > 0, told.observation[..., GOAL_GIVEN] > 0
    afresh = ~written.any(axis=1)
    assert 0.3 < afresh.mean() < 0.5
    assert not given[afresh].any()
    assert given[~afresh].any()
    assert not told.observation[afresh][..., PLACED:].any()
    first = np.array([truth_of(char).order[0] for char in CHARACTERS])
    assert np.array_equal(told.index[afresh], first[rows[afresh]])
    exists = told.observation[..., EXISTS] > 0
    assert np.array_equal(told.remaining[afresh], exists[afresh])


def test_what_is_written_is_seen_where_the_composer_itself_puts_it_unless_there_are_goals(expert: Expert) -> None:
    rows = np.repeat(np.arange(len(CHARACTERS)), 20)
    steps = np.full(len(rows), 3)
    still = DisturbanceSection.model_construct(shift=0.0, scatter=0.0, goals=0.5, some_goals=0.0)
    own = np.full((len(rows), int(expert.bank.counts[rows].max()), PLACE_SIZE), 0.75, np.float32)
    told = expert.decisions(rows, steps, still, np.random.default_rng(0), own)
    written, given = told.observation[..., WRITTEN] > 0, (told.observation[..., GOAL_GIVEN] > 0).any(axis=1)
    placed = told.observation[..., PLACED : PLACED + PLACE_SIZE]
    assert given.any()
    assert not given.all()
    assert (placed[~given][written[~given]] == 0.75).all()
    assert np.array_equal(placed[given][written[given]], told.places[given][written[given]])
    assert not placed[~written].any()


def test_scores_of_the_truth_are_perfect() -> None:
    briefs = [brief_of(char) for char in CHARACTERS]
    truths = [truth_of(char) for char in CHARACTERS]

    class Oracle:
        def __init__(self) -> None:
            self.expert, self.step = Expert(briefs, truths), 0

        def act(self, observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            rows = np.flatnonzero(self.expert.bank.counts > self.step)
            actions = self.expert.actions(rows, np.full(len(rows), self.step))
            self.step += 1
            return actions[:, 0].astype(np.int64), actions[:, 1:]

    scores = composition_scores(briefs, truths, Oracle())
    assert scores["order"] == 1
    assert scores["centre"] < 1e-5
    assert scores["box_iou"] == pytest.approx(1, abs=1e-3)
    worse = [replace(truth, order=truth.order[::-1]) for truth in truths]
    assert composition_scores(briefs, worse, load_composer())["order"] == 0


def test_an_imitation_has_no_stroke_types(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["train", str(folder("configs") / "imitation.yaml"), "--stroke", "HZG"])
    assert stopped.value.code == 2
    assert "an imitation has no stroke types" in capsys.readouterr().err


SHORT = (
    *("further=false", "training.steps=40", "training.batch=256", "training.minibatch=32"),
    *("network.width=32", "network.layers=1", "output.tensorboard=false"),
    *("disturbance.afresh=0.5", "training.own_places=true"),
)


def stopped_after(iterations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training believe after so many iterations that somebody asks it to stop."""
    left = iter(range(iterations - 1))
    monkeypatch.setattr("hierbrush.learning.train._StopOnSignal.__call__", lambda stop: next(left, None) is None)


@pytest.mark.usefixtures("ray_running")
def test_own_places_are_those_that_the_network_gives_before_it_has_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    decisions = Expert.decisions

    def spied(
        self: Expert, characters: Any, steps: Any, disturbance: Any, rng: Any, own: Any = None
    ) -> ExpertDecisions:
        told = decisions(self, characters, steps, disturbance, rng, own)
        seen.append((steps, disturbance, told.observation, own))
        return told

    monkeypatch.setattr(Expert, "decisions", spied)
    weights = load_composer()
    width, layers, hidden = weights.sizes
    network = (f"network.width={width}", f"network.layers={layers}", f"network.hidden={hidden}")
    begin = (f"initial_weights={WEIGHTS}", "training.steps=1", *network)
    overrides = (*SHORT, *begin, "limit=10")
    train(folder("configs") / "imitation.yaml", overrides=overrides, output=tmp_path / "run")
    (steps, disturbance, blank, _), (_, disturbed, _, own) = seen[:2]
    assert disturbance is None
    assert disturbed is not None
    assert not steps.any()
    expected = weights.heads(blank)[1][..., :PLACE_SIZE]
    assert np.abs(expected).max() > 0.1
    exists = blank[..., EXISTS] > 0
    assert np.allclose(own[exists], expected[exists], atol=1e-3)


@pytest.mark.usefixtures("ray_running")
def test_an_imitation_that_was_stopped_and_resumed_is_the_one_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, short = folder("configs") / "imitation.yaml", (*SHORT, "limit=40")
    whole = train(config, overrides=short, output=tmp_path / "whole")
    there = tmp_path / "parts"
    with monkeypatch.context() as patched:
        stopped_after(2, patched)
        with pytest.raises(TrainingStopped):
            train(config, overrides=short, output=there)
    assert not (there / "composer.json").exists()
    with pytest.raises(HierbrushError, match="already holds a training of imitation; add --resume"):
        train(config, overrides=short, output=there)
    assert train(config, overrides=short, output=there, resume=True) == there
    assert (there / "composer.safetensors").read_bytes() == (whole / "composer.safetensors").read_bytes()
    logs = [read_metrics(run / "metrics.jsonl") for run in (whole, there)]
    assert [[record["steps"], record["centre_error"]] for record in logs[0]] == [
        [record["steps"], record["centre_error"]] for record in logs[1]
    ]
    assert (there / "curve.png").exists()
    # What is learned from comes in the file's order, however busy the machine is that reads it.
    assert DataContext.get_current().execution_options.preserve_order
    # More steps go on with what is finished.
    longer = (*short, "training.steps=45")
    assert train(config, overrides=longer, output=there, resume=True) == there
    assert read_metrics(there / "metrics.jsonl")[: len(logs[1])] == logs[1]
    assert read_metrics(there / "metrics.jsonl")[-1]["steps"] == 45
    card = json.loads((there / "composer.json").read_bytes())
    assert card["steps"] == 45
    assert card["changes"] == [{"steps": 40, "changed": {"training.steps": [40, 45]}}]


@pytest.mark.slow
def test_imitation_learns_and_exports(tmp_path: Path) -> None:
    short = ["further=false", "training.steps=600", "training.batch=512", "network.width=64", "network.layers=2"]
    output = train(folder("configs") / "imitation.yaml", overrides=("limit=200", *short), output=tmp_path / "run")
    card = json.loads((output / "composer.json").read_bytes())
    policy = ComposerPolicy.load(output / "composer.safetensors")
    characters = [char for char in load_library() if split(char) == "train"][:200]
    briefs = [brief_of(char) for char in characters]
    truths = [truth_of(char) for char in characters]
    learned = composition_scores(briefs, truths, policy)
    apart = [brief.prior - truth.places for brief, truth in zip(briefs, truths, strict=True)]
    untrained = np.mean([np.linalg.norm(each[:, :2], axis=1).mean() for each in apart])
    assert learned["centre"] < 0.9 * untrained
    # Characters with unknown components once more, their strokes as lists.
    assert card["drawings"] == 200 + sum(bool(brief.unknown) for brief in briefs)
    assert set(card["validation"]) >= {"order", "centre", "size", "box_iou"}
    records = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    assert records[-1]["choice_loss"] < records[0]["choice_loss"]


def test_the_pointer_follows_the_library_as_closely_as_is_best() -> None:
    """The best of all factors is chosen; a head of zeros orders as the library does with any, so the first one is."""
    characters = [char for char in load_library() if split(char) == "validation"][:40]
    briefs, truths = [brief_of(char) for char in characters], [truth_of(char) for char in characters]
    # A slope and noise of its own, so that it does not depend on how steep the shipped composer is.
    tensors = {**load_composer().tensors(), "slope": np.array([20.0], np.float32)}
    quiet = {**tensors, "pointer.weight": np.zeros_like(tensors["pointer.weight"])}
    assert steeper_pointer(quiet, briefs, truths)["slope"] == quiet["slope"]
    noise = np.random.default_rng(0).normal(scale=4.0, size=tensors["pointer.weight"].shape)
    noisy = {**tensors, "pointer.weight": noise.astype(np.float32)}
    order = [
        composition_scores(briefs, truths, ComposerPolicy({**noisy, "slope": np.float32(factor) * noisy["slope"]}))[
            "order_known"
        ]
        for factor in STEEPNESS
    ]
    assert order == sorted(order)
    assert order[-1] > order[0]
    chosen = steeper_pointer(noisy, briefs, truths)
    assert chosen["slope"] / noisy["slope"] == STEEPNESS[int(np.argmax(order))]
    assert noisy["slope"] == tensors["slope"]
    guessed = [replace(brief, unknown=("?",)) for brief in briefs]
    assert steeper_pointer(noisy, guessed, truths)["slope"] == noisy["slope"]


def test_training_characters_are_told_as_the_table_tells_them_without_themselves() -> None:
    briefs, truths = told_briefs_and_truths(60)
    assert 0 < len(briefs) < 60
    library = load_library()
    orders = {order_classes(library.stroke_types(char)) for char in library if split(char) == "train"}
    for brief, truth in zip(briefs, truths, strict=True):
        assert order_classes([brief.stroke_types[row] for row in truth.order]) in orders
        assert truth.places.shape == brief.prior.shape
