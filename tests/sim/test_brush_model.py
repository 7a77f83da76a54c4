from __future__ import annotations

import copy
import pickle
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.sim import PRESETS, BrushBatch, BrushModel, HandleLimits

# Press depth, width, length, offset in millimetres, measured on a real brush by the authors of arXiv 1911.08002.
MEASURED = [
    (3, 3, 3, 1.3),
    (5, 5.3, 4.8, 2.3),
    (8, 10.3, 6, 3.5),
    (10, 10.9, 7.8, 3.7),
    (13, 16, 9.3, 2.8),
    (15, 17.2, 11, 4),
]


@pytest.mark.parametrize("row", MEASURED)
def test_fits_are_near_the_measurements(row: tuple[float, ...]) -> None:
    depth, width, length, offset = (value * 1e-3 for value in row)
    model = BrushModel()
    assert model.width(depth) == pytest.approx(width, abs=1.2e-3)
    assert model.length(depth) == pytest.approx(length, abs=0.6e-3)
    # The fit of the offset is used at half its value.
    assert model.offset(depth) / model.offset_scale == pytest.approx(offset, abs=0.9e-3)


def test_fits_are_those_published() -> None:
    model = BrushModel()
    assert model.width(0.01) == pytest.approx(1.19035 * 0.01 - 3.203e-4)
    assert model.length(0.01) == pytest.approx(0.66453 * 0.01 + 1.0317e-3)
    assert model.offset(0.01) == pytest.approx(0.5 * (-33.562e-4 + 0.73080e-2 - 2.113e-4))


@pytest.mark.parametrize("preset", PRESETS)
def test_scalars_clip_at_the_ends(preset: str) -> None:
    model = BrushModel.preset(preset)
    for scalar in (model.width, model.length, model.offset):
        assert scalar(0.0) == scalar(-1.0) == 0.0
        assert scalar(1.0) == scalar(model.max_depth)
    for width in np.linspace(0.001, model.width(model.max_depth), 7):
        assert model.width(model.depth_for_width(float(width))) == pytest.approx(width)
    assert model.depth_for_width(1.0) == model.max_depth
    assert model.depth_for_width(-1.0) == 0.0


def test_batch_and_scalars_agree() -> None:
    model = BrushModel()
    for depth in (0.001, 0.004, 0.015, 0.02):
        batch = BrushBatch(model, 1, spacing=0.1)
        batch.place([0.06, 0.06, depth])
        for _ in range(200):  # pulled until the tuft trails freely
            batch.step(batch.position[0] + [0.001, 0.0, 0.0] if batch.position[0, 0] < 3 else batch.position[0])
        expected = [model.width(depth), model.length(depth), model.offset(depth)]
        np.testing.assert_allclose(batch.tuft[0], expected, atol=1e-9)


@pytest.mark.parametrize("parameter", [p.name for p in fields(BrushModel) if p.name != "tip"])
def test_every_parameter_is_validated_with_its_unit(parameter: str) -> None:
    metadata = {p.name: p.metadata for p in fields(BrushModel)}[parameter]
    unit = "" if metadata["unit"] == "1" else metadata["unit"]  # a share has none to be told
    for value in (metadata["low"] - 1e-3, metadata["high"] * 1.01 + 1e-6, np.nan, np.inf, "1", None, True):
        with pytest.raises(HierbrushError, match=f"^{parameter}: .*{unit}"):
            BrushModel(**{parameter: value})
    for value in (metadata["low"], metadata["high"]):
        BrushBatch(BrushModel(**{parameter: value}), 1, side=32).step([0.06, 0.06, 0.01])


def test_names_are_suggested() -> None:
    with pytest.raises(HierbrushError, match=r"^brush: 'mesured'.*did you mean 'measured'"):
        BrushModel.preset("mesured")
    with pytest.raises(HierbrushError, match=r"^widht_slope: .*did you mean 'width_slope'"):
        BrushModel().replace(widht_slope=1.0)
    with pytest.raises(HierbrushError, match=r"^tip: 'elipse'.*did you mean 'ellipse'"):
        BrushModel(tip="elipse")


@pytest.mark.parametrize("preset", PRESETS)
def test_copies_and_pickles_are_equal(preset: str) -> None:
    model = PRESETS[preset]
    for same in (pickle.loads(pickle.dumps(model)), copy.copy(model), copy.deepcopy(model), model.replace()):
        assert same == model
        assert hash(same) == hash(model)
    assert model.replace(max_depth=0.012) != model


def test_randomised_rows() -> None:
    model = BrushModel()
    rows = model.randomised(500, 0.2, np.random.default_rng(0))
    assert rows.shape == (500, 10)
    factors = rows[:, :9] / model.parameters()[:9]
    assert factors.min() >= 0.8 - 1e-12
    assert factors.max() <= 1.2 + 1e-12
    np.testing.assert_allclose(factors[:, 0], factors[:, 1])
    assert len(np.unique(factors[:, 0])) == 500
    np.testing.assert_array_equal(rows[:, 9], model.max_depth)
    np.testing.assert_array_equal(model.randomised(2, 0.0, np.random.default_rng(0)), [model.parameters()] * 2)
    for relative in (-0.1, 1.0, np.nan):
        with pytest.raises(HierbrushError, match=r"^relative: "):
            model.randomised(2, relative, np.random.default_rng(0))


@pytest.mark.parametrize("preset", PRESETS)
def test_footprint_is_convex_clockwise_and_closed(preset: str) -> None:
    for along, half, back in ((1.0, 1.0, 1.0), (0.3, 2.0, 0.01), (4.0, 1.0, 3.0)):
        unit = PRESETS[preset].footprint().astype(np.float64)
        polygon = np.stack([unit[:, 0] * np.where(unit[:, 0] > 0, along, back * half), unit[:, 1] * half], axis=1)
        edge = np.roll(polygon, -1, axis=0) - polygon
        following = np.roll(edge, -1, axis=0)
        turn = edge[:, 0] * following[:, 1] - edge[:, 1] * following[:, 0]
        assert (turn > -1e-6).all()
        assert len(unit) % 8 == 0


def test_round_brush_dots_are_discs() -> None:
    batch = BrushBatch(PRESETS["round"], 1, side=256, box=0.125, supersample=4)
    batch.place([0.0625, 0.0625, 0.0])
    batch.step([0.0625, 0.0625, 0.01])
    diameter = np.sqrt(float(batch.coverage(0).sum()) * 4 / np.pi) * 0.125 / 256
    # A polygon of 24 corners has 1.1 % less area than its circle.
    assert diameter == pytest.approx(PRESETS["round"].width(0.01), rel=0.01)


@pytest.mark.parametrize("name", ["unit", "move", "press", "lift"])
@pytest.mark.parametrize("value", [0.0, -1.0, 0.2, np.nan, np.inf, "1", None])
def test_handle_limits_are_validated(name: str, value: Any) -> None:
    with pytest.raises(HierbrushError, match=f"^{name}: "):
        HandleLimits(**{name: value})
