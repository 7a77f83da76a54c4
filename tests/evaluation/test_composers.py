"""The rows of the composer table that have no composer: a flat policy and a handle moved at random."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from hierbrush.characters import Glyph, load_library
from hierbrush.composer.brief import brief_of
from hierbrush.envs.flat_hand import ACTION_SIZE, OBSERVATION_SIZE, WEIGHTS, write_flat
from hierbrush.errors import HierbrushError
from hierbrush.evaluation import composers as composer_evaluation
from hierbrush.evaluation.composers import FLAT_POLICY, RANDOM_HANDLE, evaluate_composers
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.policy import MLPPolicy

MEASURED = BrushModel.preset("measured")


class Few(dict[str, Glyph]):
    """A library of a few characters."""

    @property
    def characters(self) -> tuple[str, ...]:
        return tuple(self)

    def stroke_types(self, char: str) -> tuple[str, ...]:
        return tuple(stroke.stroke_type for stroke in self[char].strokes)


def test_the_weights_have_their_card() -> None:
    card = json.loads(WEIGHTS.with_suffix(".json").read_bytes())
    assert card["sha256"] == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert (card["observation_size"], card["action_size"]) == (OBSERVATION_SIZE, ACTION_SIZE)
    assert card["steps"] > 0
    assert "+changed" not in card["commit"]
    policy = MLPPolicy.load(WEIGHTS)
    assert (policy.observation_size, policy.action_size) == (OBSERVATION_SIZE, ACTION_SIZE)


def test_hands_without_strokes_have_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    # Among a few glyphs instead of all: rasterising thousands takes most of a minute.
    characters = "湖林国十永"
    library = Few((char, load_library()[char]) for char in characters)
    monkeypatch.setattr(composer_evaluation, "load_library", lambda: library)
    result = evaluate_composers("湖林", ("component means", FLAT_POLICY, RANDOM_HANDLE), brush=MEASURED)
    composed, flat, random = result.rows
    assert (flat.name, random.name) == ("flat policy", "random handle")
    for row in (flat, random):
        known = {name for name, values in row.figures.items() if np.isfinite(values).all()}
        assert known == {"character_iou", "width"}
        assert ((row.places >= 1) & (row.places <= len(characters))).all()
    assert np.isfinite(composed.figures["order_exact"]).all()
    path = write_flat([brief_of("湖")], MLPPolicy.load(WEIGHTS), MEASURED)[0]
    glyph = rasterise([stroke.outline for stroke in library["湖"].strokes], SIDE)
    assert flat.figures["character_iou"][0] == pytest.approx(
        stroke_iou(trace(MEASURED, [path], side=SIDE), glyph), abs=0.02
    )
    line = next(line for line in result.table().splitlines() if line.startswith("flat policy")).split()
    assert line[2:8] == ["2", "-", "-", "-", "-", "-"]
    assert line[8] == f"{flat.figures['character_iou'].mean():.3f}"
    assert composed.orders["prc"].judged == 2, "characters are judged by what references say, not only by their glyphs"
    assert composed.orders["prc"].right == int(composed.figures["order_exact"].sum())
    assert not flat.orders
    assert "component means: order by references" in result.table()
    json.dumps(result.summary(), allow_nan=False)


def test_a_flat_policy_that_is_none_is_told_before_the_composers_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(composer_evaluation, "mapped", lambda *_: pytest.fail("something was written first"))
    other = tmp_path / "other.safetensors"
    other.write_bytes(save({"policy.0.weight": np.zeros((2, 3), np.float32), "policy.0.bias": np.zeros(2, np.float32)}))
    for weights, told in ((tmp_path, "it is a folder"), (other, "turns 3 numbers into 2, expected a flat policy")):
        with pytest.raises(HierbrushError, match=told):
            evaluate_composers("湖", ("component means", FLAT_POLICY), flat_weights=weights, brush=MEASURED)
