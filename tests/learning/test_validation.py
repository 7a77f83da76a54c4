"""Validation strokes: the same for all who learn, and some for types that no validation character has."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ray")

from hierbrush.curriculum import load_curriculum
from hierbrush.learning.offline.validation import _chosen, validation_scores
from hierbrush.learning.recipes.guided import _types
from hierbrush.sim import BrushModel
from hierbrush.strokes.learned import shipped_policies


def test_a_type_that_no_validation_character_has_is_scored_on_shapes_that_nobody_drew() -> None:
    assert [goal.stroke_type for goal, _ in _chosen(("SWZ",), 4)] == ["SWZ"] * 4
    assert len(_chosen(("SZZ",), 100)) == 30
    assert {goal.stroke_type for goal, _ in _chosen(("H", "S"), 12)} == {"H", "S"}
    assert len(_chosen(("H",), 12)) == 12


def test_scores_tell_how_other_brushes_write() -> None:
    network = shipped_policies().policies["S"]
    scores = validation_scores(network, ["S"], 12)
    assert 0.9 < scores["iou_brush_off"] < scores["iou"]
    assert scores["iou_p5"] < scores["iou"]
    disc = validation_scores(network, ["S"], 12, BrushModel.preset("round"))
    assert not np.isclose(disc["iou"], scores["iou"])


def test_what_writes_most_is_taught_first() -> None:
    known = load_curriculum("specialists.yaml")
    types = _types(known, None)
    assert types[:3] == ["H", "S", "D"]
    assert sorted(types) == sorted(known.stroke_types)
    assert _types(known, "SWZ") == ["SWZ"]


def test_only_what_is_learned_from_passes_in_16_bits() -> None:
    import gymnasium
    import torch
    from ray.rllib.core.columns import Columns

    from hierbrush.learning.ppo.module import ResidualPolicyModule

    spaces = {
        "observation_space": gymnasium.spaces.Box(-1.0, 1.0, (9,), np.float32),
        "action_space": gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32),
    }
    config = {"hidden": [16], "value_hidden": [16], "sigma": 0.1}
    plain = ResidualPolicyModule(**spaces, model_config=config)
    half = ResidualPolicyModule(**spaces, model_config={**config, "precision": "bfloat16"})
    for net in (plain.policy, plain.value):
        torch.nn.init.normal_(net[-1].weight)
    half.load_state_dict(plain.state_dict())
    batch = {Columns.OBS: torch.randn(32, 9)}
    exact, rough = (module.forward_train(batch)[Columns.ACTION_DIST_INPUTS] for module in (plain, half))
    values, rough_values = (module.compute_values(batch) for module in (plain, half))
    assert rough.dtype == rough_values.dtype == torch.float32
    for one, other in ((exact, rough), (values, rough_values)):
        assert not torch.equal(one, other)
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.1)
    with torch.no_grad():
        assert torch.equal(half.forward_exploration(batch)[Columns.ACTION_DIST_INPUTS], exact)
        assert torch.equal(half.compute_values(batch), values)
