from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from hierbrush.characters import load_library, split
from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.sim.observation import OBSERVATIONS
from hierbrush.strokes.learned import WEIGHTS, LearnedPolicy, shipped_policy
from hierbrush.strokes.rollout import write_strokes
from hierbrush.strokes.types import ABBREVIATIONS

MODEL = BrushModel.preset("measured")


def test_every_stroke_type_has_a_policy_and_the_weights_their_card() -> None:
    assert shipped_policy().observation == "full"
    act = shipped_policy().bind(ABBREVIATIONS)
    action = act(np.zeros((len(ABBREVIATIONS), OBSERVATIONS["full"]), np.float32))
    assert action.shape == (38, 3)
    card = json.loads(WEIGHTS.with_suffix(".json").read_bytes())
    assert card["sha256"] == sha256(WEIGHTS.read_bytes()).hexdigest()
    assert set(ABBREVIATIONS) <= set(card["policies"])
    assert all(facts["steps"] > 0 and facts["config"] for facts in card["policies"].values())
    assert WEIGHTS.stat().st_size < 4_000_000  # each type that was taught has a network of its own


def test_the_shipped_primitives_beat_the_follower_on_characters_they_never_saw() -> None:
    library = load_library()
    chars = [char for char in library.characters if split(char) == "test"][100:112]
    strokes = [stroke for char in chars for stroke in library[char].strokes]
    goals = [stroke.goal() for stroke in strokes]
    figures = {}
    for policy in ("learned", "scripted"):
        inks = [trace(MODEL, [path]) >= 0.5 for path in write_strokes(goals, MODEL, policy=policy)]
        wanted = [rasterise([stroke.outline], 256) >= 0.5 for stroke in strokes]
        figures[policy] = np.mean([(a & b).sum() / (a | b).sum() for a, b in zip(inks, wanted, strict=True)])
    assert figures["learned"] > 0.95
    assert figures["learned"] > figures["scripted"] + 0.05


def test_a_stroke_is_written_the_same_alone_and_among_others() -> None:
    goals = [stroke.goal() for stroke in load_library()["永"].strokes]
    together = write_strokes(goals, MODEL, policy="learned")
    for goal, path in zip(goals, together, strict=True):
        assert np.array_equal(write_strokes([goal], MODEL, policy="learned")[0], path)


def test_files_that_are_no_weights_are_named(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"\x80\x05pickle")
    with pytest.raises(HierbrushError, match=r"weights\.safetensors"):
        LearnedPolicy.load(file)
    with pytest.raises(HierbrushError, match=r"missing\.safetensors"):
        write_strokes([], MODEL, policy=str(tmp_path / "missing.safetensors"))
