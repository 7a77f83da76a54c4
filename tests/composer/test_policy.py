from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from hierbrush.characters import load_library
from hierbrush.composer.brief import MAX_STROKES, RANK, Brief, brief_from_ids, brief_of, truth_of
from hierbrush.composer.components import load_components
from hierbrush.composer.compose import compose
from hierbrush.composer.composers import IMITATION_WEIGHTS, WEIGHTS, composer
from hierbrush.composer.joints import load_joints
from hierbrush.composer.observation import (
    EXISTS,
    GOAL,
    GOAL_GIVEN,
    OBSERVATION_SIZE,
    PLACED,
    WRITTEN,
    BriefBank,
    Drafts,
)
from hierbrush.composer.place import PLACE_SIZE, stroke_goals
from hierbrush.composer.policy import ComposerPolicy, load_composer, load_composer_card, parameter_shapes
from hierbrush.composer.standing import load_standing
from hierbrush.errors import HierbrushError

CHARACTERS = "永国語盟一"


@pytest.fixture(scope="module")
def briefs() -> list[Brief]:
    return [brief_of(char) for char in CHARACTERS]


def random_policy(seed: int = 0) -> ComposerPolicy:
    rng = np.random.default_rng(seed)
    shapes = parameter_shapes(64, 2, 96)
    return ComposerPolicy({name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()})


def silent_policy() -> ComposerPolicy:
    tensors = {name: np.zeros(shape, np.float32) for name, shape in parameter_shapes(32, 1, 32).items()}
    return ComposerPolicy({**tensors, "slope": np.ones(1, np.float32)})


def observe(briefs: list[Brief], written: int = 1) -> np.ndarray:
    drafts = Drafts(BriefBank.of(briefs), len(briefs))
    rows = np.arange(len(briefs))
    drafts.begin(rows, rows)
    for step in range(written):
        at = np.flatnonzero([len(brief) > step + 1 for brief in briefs])
        index = np.array([briefs[row].library_order[step] for row in at])
        drafts.write(at, index, np.full((len(at), PLACE_SIZE), 0.3, np.float32))
    return drafts.observe()


def test_heads_of_zeros_write_what_the_library_expects(briefs: list[Brief]) -> None:
    for brief, composed in zip(briefs, compose(briefs, silent_policy()), strict=True):
        assert np.array_equal(composed.order, brief.library_order)
        assert np.allclose(composed.places, brief.prior, atol=1e-6)
        assert [goal.stroke_type for goal in composed.goals()] == [brief.stroke_types[row] for row in composed.order]


def test_more_strokes_than_training_has_rows_are_composed(briefs: list[Brief]) -> None:
    long = brief_from_ids("⿱⿰興興⿰興興", char="𠔻")
    assert len(long) > MAX_STROKES
    composed = compose([*briefs, long], load_composer())
    assert sorted(composed[-1].order) == list(range(len(long)))
    assert np.isfinite(composed[-1].places).all()
    assert composed[-1].places[:, :2].min() > 0
    assert composed[-1].places[:, :2].max() < 1
    # Beside it the others stay what they are, and alone they have the rows that training has.
    for mine, alone in zip(composed, compose(briefs, load_composer()), strict=False):
        assert np.array_equal(mine.order, alone.order)
        np.testing.assert_allclose(mine.places, alone.places, atol=1e-5)
    assert BriefBank.of(briefs).rows == MAX_STROKES


def test_goals_are_followed_where_they_are_given(briefs: list[Brief]) -> None:
    truths = [truth_of(char) for char in CHARACTERS]
    for composed, truth in zip(
        compose(briefs, silent_policy(), [truth.places for truth in truths]), truths, strict=True
    ):
        assert np.allclose(composed.places[:, :4], truth.places[:, :4], atol=0.02)


def test_shuffled_rows_give_the_same_answer_for_the_same_strokes(briefs: list[Brief]) -> None:
    policy = random_policy()
    observation = observe(briefs, written=2)
    logits, places = policy.heads(observation)
    order = np.random.default_rng(1).permutation(MAX_STROKES)
    other_logits, other_places = policy.heads(observation[:, order])
    exists = observation[:, order, EXISTS] > 0
    assert np.allclose(other_logits, logits[:, order], atol=1e-4)
    assert np.allclose(other_places[exists], places[:, order][exists], atol=1e-5)


def test_a_batch_answers_as_its_rows_alone_do(briefs: list[Brief]) -> None:
    policy = random_policy()
    observation = observe(briefs)
    logits, places = policy.heads(observation)
    for row in range(len(briefs)):
        alone = policy.heads(observation[row : row + 1])
        exists = observation[row, :, EXISTS] > 0
        assert np.array_equal(alone[0][0], logits[row])
        assert np.array_equal(alone[1][0, exists], places[row, exists])


def test_every_stroke_is_written_once(briefs: list[Brief]) -> None:
    for brief, composed in zip(briefs, compose(briefs, random_policy()), strict=True):
        assert sorted(composed.order) == list(range(len(brief)))
    assert compose([], random_policy()) == []


def test_the_observation_tells_what_is_written(briefs: list[Brief]) -> None:
    observation = observe(briefs[:1])
    first = briefs[0].library_order[0]
    assert observation.shape == (1, MAX_STROKES, OBSERVATION_SIZE)
    assert observation[0, :, EXISTS].sum() == len(briefs[0])
    assert np.flatnonzero(observation[0, :, WRITTEN]).tolist() == [first]
    assert observation[0, first, PLACED : PLACED + 4] == pytest.approx(0.3, abs=1e-5)
    assert observation[0, :, GOAL_GIVEN].sum() == 0
    assert not observation[0, len(briefs[0]) :].any()
    assert observation[0, first, RANK] == 0


def test_no_place_makes_a_stroke_bolder(briefs: list[Brief]) -> None:
    rng = np.random.default_rng(0)
    for brief in briefs:
        places = brief.prior.copy()
        places[:, 4:] += rng.normal(0, 1, places[:, 4:].shape).astype(np.float32)
        boldest, usual = (stroke_goals(brief.stroke_types, shapes, len(brief)) for shapes in (places, brief.prior))
        for bold, goal in zip(boldest, usual, strict=True):
            assert bold.half_width.mean() < 1.1 * goal.half_width.mean()


def test_weight_makes_every_stroke_wider_and_nothing_else(briefs: list[Brief]) -> None:
    for composed in compose(briefs, silent_policy()):
        for goal, bolder in zip(composed.goals(), composed.goals(1.5), strict=True):
            assert np.array_equal(goal.skeleton, bolder.skeleton)
            assert bolder.half_width.mean() / goal.half_width.mean() == pytest.approx(1.5, abs=0.15)


def test_goals_can_be_masked(briefs: list[Brief]) -> None:
    bank = BriefBank.of(briefs[:1])
    drafts = Drafts(bank, 1)
    given = np.zeros((1, MAX_STROKES), bool)
    given[0, [1, MAX_STROKES - 1]] = True
    drafts.begin(np.array([0]), np.array([0]), bank.prior + np.float32(0.05), given)
    observation = drafts.observe()
    assert np.flatnonzero(observation[0, :, GOAL_GIVEN]).tolist() == [1]
    assert observation[0, 1, GOAL : GOAL + 2] == pytest.approx(1.0, abs=1e-4)
    assert not observation[0, 0, GOAL : GOAL + PLACE_SIZE].any()


def test_a_stroke_cannot_be_written_twice(briefs: list[Brief]) -> None:
    drafts = Drafts(BriefBank.of(briefs[:1]), 1)
    row, place = np.array([0]), np.zeros((1, PLACE_SIZE), np.float32)
    drafts.begin(row, row)
    drafts.write(row, np.array([2]), place)
    with pytest.raises(HierbrushError, match="stroke 2 of row 0 is not there or already written"):
        drafts.write(row, np.array([2]), place)


def test_the_tensors_make_the_same_network(briefs: list[Brief]) -> None:
    policy = random_policy()
    again = ComposerPolicy(policy.tensors())
    assert again.parameters == policy.parameters
    assert np.array_equal(again.heads(observe(briefs))[1], policy.heads(observe(briefs))[1])


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    tensors = {name: np.zeros(shape, np.float32) for name, shape in parameter_shapes(32, 1, 32).items()}
    with pytest.raises(HierbrushError, match=r"embed\.weight has the shape"):
        ComposerPolicy({**tensors, "embed.weight": np.zeros((32, 5), np.float32)})
    with pytest.raises(HierbrushError, match="is missing"):
        ComposerPolicy({name: array for name, array in tensors.items() if name != "slope"})
    with pytest.raises(HierbrushError, match="NaN"):
        ComposerPolicy({**tensors, "slope": np.full(1, np.nan, np.float32)})
    with pytest.raises(HierbrushError, match="cannot be read"):
        ComposerPolicy.load(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layers.10000000.x", r"'layers\.10000000\.x' belongs to none of its 1 layers"),
        ("layers.-1.up.bias", r"'layers\.-1\.up\.bias' belongs to none of its 1 layers"),
        ("layers." + "9" * 5000, r"'layers\.9+… belongs to none of its 1 layers"),
    ],
)
def test_a_tensor_of_no_layer_is_refused_at_once(tmp_path: Path, name: str, message: str) -> None:
    tensors = {name: np.zeros(shape, np.float32) for name, shape in parameter_shapes(32, 1, 32).items()}
    (tmp_path / "x.safetensors").write_bytes(save({**tensors, name: np.zeros(1, np.float32)}))
    with pytest.raises(HierbrushError, match=message):
        composer(str(tmp_path / "x.safetensors"))


@pytest.mark.parametrize(("width", "hidden"), [(31, 32), (0, 32), (32, 0)])
def test_a_network_of_odd_sizes_is_refused(width: int, hidden: int) -> None:
    with pytest.raises(HierbrushError, match=r"expected a multiple of 32|is missing"):
        ComposerPolicy(
            {name: np.zeros(shape, np.float32) for name, shape in parameter_shapes(width, 1, hidden).items()}
        )


def test_a_path_like_names_a_composer(briefs: list[Brief]) -> None:
    assert composer(WEIGHTS)(briefs[:1])[0].order.tolist() == composer("learned")(briefs[:1])[0].order.tolist()


def test_the_shipped_composer_beats_the_library_it_starts_from() -> None:
    characters = [chr(code) for code in range(0x6C00, 0x6C80)]
    known = [char for char in characters if char in load_library()]
    briefs = [brief_of(char) for char in known]
    truths = [truth_of(char) for char in known]
    composed = compose(briefs, load_composer())
    learned, prior = (
        np.mean([np.linalg.norm(places[:, :2] - truth.places[:, :2], axis=1).mean() for places, truth in pairs])
        for pairs in (
            [(c.places, t) for c, t in zip(composed, truths, strict=True)],
            [(b.prior, t) for b, t in zip(briefs, truths, strict=True)],
        )
    )
    assert learned < prior


@pytest.mark.parametrize("weights", [WEIGHTS, IMITATION_WEIGHTS], ids=["learned", "imitation"])
def test_the_weights_have_their_card(weights: Path) -> None:
    card = load_composer_card(weights)
    assert (card["format"], card["sha256"]) == (1, sha256(weights.read_bytes()).hexdigest())
    assert "+changed" not in card["commit"]


def test_composers_are_found_by_name(briefs: list[Brief]) -> None:
    standing, components, joints = load_standing(), load_components(), load_joints()
    for name, weights in (("learned", WEIGHTS), ("imitation", IMITATION_WEIGHTS)):
        named, loaded = composer(name)(briefs), compose(briefs, ComposerPolicy.load(weights))
        for mine, one in zip(named, loaded, strict=True):
            np.testing.assert_array_equal(mine.places, one.standing(standing, components).spaced(joints).places)
    with pytest.raises(HierbrushError, match="learned, imitation, component means"):
        composer("imitatoin")
