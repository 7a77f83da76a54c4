"""Copying pictures: what is believed, what is observed, and who refuses."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.composer.composers import COMPOSERS, composer, seeing_composer
from hierbrush.composer.hindsight import acted, written
from hierbrush.composer.observation import GOAL, GOAL_GIVEN, OBSERVATION_SIZE, WRITTEN
from hierbrush.composer.pictured import (
    PICTURED_SIZE,
    PictureBank,
    PicturedDrafts,
    brief_and_glyph,
    copied_goals,
    copy_pictures,
    copy_stepwise,
)
from hierbrush.composer.place import encode_place, sides
from hierbrush.composer.policy import ComposerPolicy, load_composer, parameter_shapes
from hierbrush.errors import HierbrushError
from hierbrush.sim import rasterise

EVERY = np.arange(2)


def untrained() -> ComposerPolicy:
    """Return a composer that sees pictures and answers that strokes lie where they are believed."""
    shapes = parameter_shapes(32, 1, 32, PICTURED_SIZE)
    return ComposerPolicy({name: np.zeros(shape, np.float32) for name, shape in shapes.items()})


def pictures() -> tuple[list, list, list]:
    known = [brief_and_glyph(char) for char in "永湖"]
    rng = np.random.default_rng(0)
    pages = [written(brief.stroke_types, acted(places, brief.tree, rng), rng) for brief, _, places in known]
    return [brief for brief, _, _ in known], [places for _, _, places in known], pages


def test_what_is_believed_is_the_goal_and_is_looked_at() -> None:
    bank = PictureBank.pictured(*pictures())
    drafts = PicturedDrafts(bank, 2)
    drafts.start(EVERY, EVERY)
    first = drafts.observe()
    assert first.shape == (2, bank.rows, PICTURED_SIZE)
    assert (first[..., GOAL_GIVEN].sum(axis=1) == bank.counts).all()
    exists = first[..., GOAL_GIVEN] > 0
    believed = first[..., GOAL : GOAL + 16]
    assert np.allclose(believed[exists], encode_place(bank.prior, bank.expected)[exists], atol=1e-4)
    assert not first[~exists][:, OBSERVATION_SIZE:].any()
    drafts.believe(EVERY, believed + 1)
    second = drafts.observe()
    assert np.allclose(second[exists][:, GOAL : GOAL + 16], believed[exists] + 1)
    assert np.abs(second - first)[exists][:, OBSERVATION_SIZE:].max() > 0.5  # another part of the picture
    alone = drafts.observe(np.array([1]))
    assert np.array_equal(alone[0], second[1])


def test_what_is_written_stays_where_it_was_written_and_its_ink_is_seen() -> None:
    briefs, expected, pages = pictures()
    drafts = PicturedDrafts(PictureBank.pictured(briefs, expected, pages), 2)
    drafts.start(EVERY, EVERY)
    drafts.write(EVERY, np.zeros(2, np.int64), np.ones((2, 16), np.float32))
    before = drafts.observe()
    drafts.show(0, pages[0])
    after = drafts.observe()
    assert after[0, :, WRITTEN].sum() == 1
    assert (after[0] != before[0]).any()
    assert np.array_equal(after[1], before[1])


def test_an_untrained_composer_leaves_strokes_where_they_are_looked_for() -> None:
    briefs, expected, pages = pictures()
    bank = PictureBank.pictured(briefs, expected, pages)
    found = copy_pictures(briefs, expected, pages, untrained())
    for at, brief in enumerate(briefs):
        assert np.allclose(found[at], bank.expected[at, : len(brief)], atol=1e-3)
    ink = rasterise([goal.outline for goal in copied_goals(briefs[0], found[0], pages[0])], 256) >= 0.5
    assert ink.any()


def test_step_by_step_every_stroke_is_decided_once() -> None:
    briefs, expected, pages = pictures()
    asked = []

    def write(goal: object) -> np.ndarray:
        asked.append(goal)
        return np.zeros((256, 256), bool)

    order = briefs[0].library_order
    found = copy_stepwise(briefs[0], expected[0], pages[0], untrained(), order, write)
    assert [found[row] for row in order.tolist()] == asked


def test_random_writing_is_another_every_time_and_stays_in_bounds() -> None:
    brief, _, places = brief_and_glyph("湖")
    one, again, other = (acted(places, brief.tree, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert np.abs(one - other).max() > 0.01
    drawn = [sides(acted(places, brief.tree, np.random.default_rng(seed))) for seed in range(20)]
    assert np.min(drawn) > 0.019
    assert np.max(drawn) < 0.981
    assert written(brief.stroke_types, one, np.random.default_rng(1)).mean() > 0.03


def test_blank_pages_and_blind_composers_are_refused() -> None:
    briefs, expected, pages = pictures()
    blank = [np.zeros_like(pages[0]), pages[1]]
    with pytest.raises(HierbrushError, match="picture: is blank"):
        copy_pictures(briefs, expected, blank, untrained())
    with pytest.raises(HierbrushError, match="policy: this composer sees no pictures"):
        copy_pictures(briefs, expected, pages, load_composer())
    with pytest.raises(HierbrushError, match="composer: 'learned' sees no pictures; to copy one, leave it out"):
        seeing_composer("learned")
    with pytest.raises(HierbrushError, match="composer: 'goal-conditioned' copies pictures; give it a font"):
        composer("goal-conditioned")
    assert "goal-conditioned" not in COMPOSERS


def test_a_network_of_another_observation_is_told_by_its_shape() -> None:
    policy = untrained()
    assert (policy.sees, policy.inputs) == (True, PICTURED_SIZE)
    assert not load_composer().sees
    with pytest.raises(HierbrushError, match=rf"expected \(n, rows, {PICTURED_SIZE}\)"):
        policy.heads(np.zeros((1, 3, OBSERVATION_SIZE), np.float32))
    tensors = dict(untrained().tensors())
    tensors["embed.weight"] = tensors["embed.weight"][:, :-1].copy()
    with pytest.raises(HierbrushError, match=r"embed.weight has the shape .* trained on another version"):
        ComposerPolicy(tensors)
