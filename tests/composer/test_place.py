from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.composer.place import PLACE_SIZE, SHAPE_SIZE, decode_place, encode_place, measured_place, stroke_goals


def test_zero_is_the_prior() -> None:
    prior = np.array([[0.4, 0.6, 0.3, 0.05, *np.linspace(-1, 1, SHAPE_SIZE)]], np.float32)
    assert np.allclose(decode_place(prior, np.zeros_like(prior)), prior)


def test_decoding_undoes_encoding() -> None:
    rng = np.random.default_rng(0)
    boxes, shapes = rng.uniform(0.1, 0.9, (2, 50, 4)), rng.normal(size=(2, 50, SHAPE_SIZE))
    prior, wanted = np.concatenate([boxes, shapes], axis=2).astype(np.float32)
    assert np.allclose(decode_place(prior, encode_place(prior, wanted)), wanted, atol=1e-5)


def test_a_wild_place_still_is_a_box() -> None:
    prior = np.full((2, PLACE_SIZE), 0.5, np.float32)
    decoded = decode_place(prior, np.array([[1e6] * PLACE_SIZE, [-1e6] * PLACE_SIZE], np.float32))
    assert np.isfinite(decoded).all()
    assert (decoded[:, 2:4] > 0).all()
    assert ((decoded[:, :2] >= 0) & (decoded[:, :2] <= 1)).all()


@pytest.mark.parametrize("char", "永國")
def test_a_measured_stroke_comes_back_nearly_as_it_was(char: str) -> None:
    for stroke in load_library()[char].strokes:
        (again,) = stroke_goals([stroke.stroke_type], measured_place(stroke.goal())[None], 8)
        assert np.abs(np.subtract(again.box, stroke.goal().box)).max() < 0.02  # it is as wide as is usual
        assert np.abs(again.outline - stroke.goal().outline).mean() < 0.015
