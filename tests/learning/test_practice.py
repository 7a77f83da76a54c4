"""Invented characters: what is invented, how several teachers write it, and an imitation that practises it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hierbrush.characters import Component, load_library
from hierbrush.composer.brief import MAX_STROKES, Brief, brief_of, truth_of
from hierbrush.composer.composers import IMITATION_WEIGHTS, WEIGHTS
from hierbrush.composer.observation import BriefBank, Drafts
from hierbrush.composer.place import PLACE_SIZE, decode_place, encode_place
from hierbrush.composer.policy import ComposerPolicy, load_composer, load_composer_card
from hierbrush.curriculum import load_model
from hierbrush.envs.flat_hand import WEIGHTS as FLAT
from hierbrush.errors import HierbrushError
from hierbrush.learning.imitation.expert import briefs_and_truths, further_briefs_and_truths, training_expert
from hierbrush.learning.imitation.practice import Teachers, combination, invent, practised, softened
from hierbrush.learning.recipes.imitation import ImitationRecipe, PracticeSection
from hierbrush.learning.train import train
from hierbrush.resources import folder


@pytest.fixture(scope="module")
def invented() -> list[Brief]:
    return invent(60, 1)


def structures(node: Component) -> Iterator[Component]:
    if node.children:
        yield node
    for child in node.children:
        yield from structures(child)


def test_a_seed_invents_the_same_characters(invented: list[Brief]) -> None:
    again, other = invent(60, 1), invent(60, 2)
    assert [brief.tree for brief in again] == [brief.tree for brief in invented]
    assert all(np.array_equal(a.tokens, b.tokens) for a, b in zip(again, invented, strict=True))
    assert [brief.tree for brief in invent(20, 1)] == [brief.tree for brief in invented[:20]]
    assert [str(brief.tree) for brief in other] != [str(brief.tree) for brief in invented]


def test_invented_characters_are_whole_and_known(invented: list[Brief]) -> None:
    for brief in invented:
        assert brief.tree.is_anonymous
        assert len(brief.tree.children) == 2
        assert 2 <= len(brief) <= MAX_STROKES
        assert sorted(stroke for leaf in brief.tree.leaves() for stroke in leaf.strokes) == list(range(len(brief)))
        assert brief.unknown == ()
        assert np.isfinite(brief.tokens).all()
        assert np.isfinite(brief.prior).all()
    assert len({combination(brief.tree) for brief in invented}) == len(invented)
    assert len({brief.tree.operator for brief in invented}) > 2


def test_no_character_is_invented_that_there_is(invented: list[Brief]) -> None:
    library = load_library()
    trees = [node for char in library for node in structures(library.decomposition(char))]
    there = {(node.operator, *map(str, node.children)) for node in trees}
    assert there.isdisjoint((brief.tree.operator, *map(str, brief.tree.children)) for brief in invented)
    assert {combination(node) for node in trees}.isdisjoint(combination(brief.tree) for brief in invented)


def test_what_is_put_together_otherwise_is_the_same_combination() -> None:
    def leaf(name: str) -> Component:
        return Component(name, "", (0,))

    wood, pair = leaf("木"), Component("林", "⿰", (0, 1), (leaf("木"), leaf("木")))
    row = Component("#1", "⿲", (0, 1, 2), (wood, wood, wood))
    assert combination(Component("#2", "⿰", (0, 1, 2), (pair, wood))) == combination(row)
    assert combination(Component("#3", "⿱", (0, 1, 2), (wood, pair))) != combination(row)


def test_no_more_are_invented_than_there_can_be() -> None:
    class Few:
        """Two characters, which cannot be put together otherwise than they are."""

        def __iter__(self) -> Iterator[str]:
            return iter("語盟")

        def __getattr__(self, name: str) -> object:
            return getattr(load_library(), name)

    with pytest.raises(HierbrushError, match=r"practice\.characters: is 5, but only 0 could be invented"):
        invent(5, 0, Few())  # type: ignore[arg-type]


def first_places(briefs: list[Brief], policy: ComposerPolicy) -> np.ndarray:
    drafts = Drafts(BriefBank.of(briefs), len(briefs))
    rows = np.arange(len(briefs))
    drafts.begin(rows, rows)
    return policy.heads(drafts.observe())[1][..., :PLACE_SIZE]


def test_teachers_place_by_their_mean(invented: list[Brief]) -> None:
    policies = [load_composer(), ComposerPolicy.load(IMITATION_WEIGHTS)]
    mean = np.mean([first_places(invented, policy) for policy in policies], axis=0)
    for at, places in enumerate(Teachers(policies).places(invented, batch=7)):
        assert places.shape == (len(invented[at]), PLACE_SIZE)
        assert np.allclose(places, mean[at, : len(places)], atol=1e-5)


def test_what_is_practised_is_where_the_teachers_put_it(invented: list[Brief]) -> None:
    briefs = [*invented[:7], brief_of("永")]
    teachers = Teachers([load_composer(), ComposerPolicy.load(IMITATION_WEIGHTS)])
    for brief, truth, places in zip(briefs, practised(briefs, teachers), teachers.places(briefs), strict=True):
        assert np.array_equal(truth.order, brief.library_order)
        assert np.allclose(encode_place(brief.prior, truth.places)[:, :4], places[:, :4], atol=1e-4)


def test_teachers_soften_what_they_know() -> None:
    briefs = [brief_of(char) for char in "永林亞"]
    briefs[2] = replace(briefs[2], unknown=("?",))
    truths = [truth_of(char) for char in "永林亞"]
    teachers = Teachers([load_composer()])
    soft = softened(briefs, truths, teachers, 0.25)
    for brief, truth, mine, places in zip(briefs[:2], truths, soft, teachers.places(briefs), strict=False):
        assert np.array_equal(mine.order, truth.order)
        wanted = decode_place(brief.prior, 0.75 * encode_place(brief.prior, truth.places) + 0.25 * places)
        assert np.allclose(mine.places, wanted, atol=1e-5)
        assert not np.allclose(mine.places, truth.places, atol=1e-3)
    assert soft[2] is truths[2]
    for truth, mine in zip(truths, softened(briefs, truths, teachers, 0.0), strict=True):
        assert np.allclose(mine.places, truth.places, atol=1e-5)


def test_practice_differs_from_imitation_as_it_says() -> None:
    practice = load_model(folder("configs") / "practice.yaml", ImitationRecipe)
    imitation = load_model(folder("configs") / "imitation.yaml", ImitationRecipe)
    refined = load_model(folder("configs") / "refined.yaml", ImitationRecipe)
    assert practice.network == imitation.network == refined.network
    assert practice.loss == imitation.loss == refined.loss
    assert imitation.practice.characters == refined.practice.characters == 0


def test_the_shipped_imitation_was_made_by_the_shipped_configuration() -> None:
    refined = load_model(folder("configs") / "refined.yaml", ImitationRecipe)
    card = load_composer_card(IMITATION_WEIGHTS)
    assert ImitationRecipe.model_validate(card["config"]) == refined
    assert list(card["invented"]["teachers"]) == list(card["initial_weights"]) == [str(refined.initial_weights)]
    assert card["invented"]["characters"] == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["practice.characters=9"], "practice: characters is 9, but there are no teachers"),
        (["practice.teachers=[a.safetensors]"], "practice: teachers are named, but characters and soft_targets are 0"),
        (["initial_weights=none.safetensors"], r"initial_weights: .*none\.safetensors"),
        (["practice.soft_targets=0.5"], r"practice: soft_targets is 0\.5, but there are no teachers"),
        (["practice.soft_targets=1.5"], r"practice\.soft_targets should be less than or equal to 1"),
        (["practice.characters=-1"], r"practice\.characters should be greater than or equal to 0"),
        (
            ["practice.characters=9", f"practice.teachers=[{WEIGHTS}, none.safetensors]"],
            r"practice\.teachers\[1\]: 'none\.safetensors' is not a file",
        ),
        (
            ["practice.characters=9", f"practice.teachers=[{FLAT}]"],
            r"practice\.teachers\[0\]: .*flat\.safetensors: is no composer",
        ),
    ],
)
def test_wrong_settings_are_named_before_anything_is_made(settings: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=message) as refused:
        train(folder("configs") / "imitation.yaml", overrides=settings, output=tmp_path / "run")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_driver_and_learner_share_one_expert_of_real_and_invented_characters() -> None:
    practice = PracticeSection(characters=5, teachers=(WEIGHTS, IMITATION_WEIGHTS))
    expert = training_expert(8, False, False, practice, 3)
    assert (
        training_expert(8, False, False, PracticeSection.model_validate(practice.model_dump(mode="json")), 3) is expert
    )
    briefs, _ = briefs_and_truths("train", 8)
    briefs += invent(5, 3)
    assert expert.bank.counts.tolist() == [len(brief) for brief in briefs]
    assert np.array_equal(expert.bank.tokens, BriefBank.of(briefs).tokens)
    drawn = training_expert(8, False, False, PracticeSection(), 3)
    assert len(drawn.bank.counts) == 8
    soft = training_expert(8, False, False, PracticeSection(soft_targets=0.5, teachers=(WEIGHTS,)), 3)
    assert np.array_equal(soft.bank.tokens, drawn.bank.tokens)
    first, at = np.arange(8), np.zeros(8, np.int64)
    assert not np.allclose(soft.actions(first, at)[:, 1:3], drawn.actions(first, at)[:, 1:3], atol=1e-3)


def test_further_drawings_follow_the_training_characters() -> None:
    own, more = (
        training_expert(8, False, False, PracticeSection(), 3),
        training_expert(8, True, False, PracticeSection(), 3),
    )
    assert len(more.bank.counts) > 12
    assert np.array_equal(more.bank.counts[:8], own.bank.counts)
    _, truths = further_briefs_and_truths(4)
    assert all((truth.places[:, 2:4] > 0).all() for truth in truths)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_running")
def test_an_imitation_practises_invented_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [WEIGHTS, IMITATION_WEIGHTS]
    overrides = [
        "further=false",
        "initial_weights=null",
        "practice.characters=12",
        "practice.soft_targets=0.5",
        f"practice.teachers={json.dumps([str(file) for file in files])}",
        *("training.steps=4", "training.batch=64", "training.minibatch=32", "network.width=32", "network.layers=1"),
    ]
    output = train(folder("configs") / "practice.yaml", overrides=("limit=8", *overrides), output=tmp_path / "run")
    card = json.loads((output / "composer.json").read_bytes())
    assert card["drawings"] == 8
    assert card["invented"] == {
        "characters": 12,
        "teachers": {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    }
    assert card["config"]["practice"]["teachers"] == [str(file) for file in files]
    assert card["initial_weights"] == {}
    ComposerPolicy.load(output / "composer.safetensors")
    said = capsys.readouterr().err.splitlines()
    assert said.count("placing the strokes of 8 drawings by 2 teachers") == 1
    assert said.count("inventing 12 characters") == 1
