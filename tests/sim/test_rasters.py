"""Polygons, coverage and distances against shapely and SciPy."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from hierbrush.errors import HierbrushError
from hierbrush.sim import GoalBank, distance_to_outline, distance_transform, rasterise, reference

SEEDS = st.integers(0, 2**32 - 1)


def star(seed: int, vertices: int = 9) -> NDArray[np.float64]:
    """A simple polygon around the middle of the unit box."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, vertices))
    return 0.5 + rng.uniform(0.1, 0.45, (vertices, 1)) * np.stack([np.cos(angle), np.sin(angle)], axis=1)


class TestRasterise:
    @given(seed=SEEDS, supersample=st.sampled_from([1, 2, 4]))
    def test_samples_are_those_whose_centre_lies_inside(self, seed: int, supersample: int) -> None:
        side = 40
        polygon = star(seed)
        centres = (np.arange(side * supersample) + 0.5) / (side * supersample)
        inside = shapely.contains_xy(shapely.Polygon(polygon).buffer(0), *np.meshgrid(centres, centres))
        expected = inside.reshape(side, supersample, side, supersample).mean(axis=(1, 3))
        np.testing.assert_array_equal(rasterise([polygon], side, supersample=supersample), expected)

    @given(seed=SEEDS)
    def test_coverage_approaches_the_area(self, seed: int) -> None:
        polygon = shapely.Polygon(star(seed)).buffer(0)
        if polygon.geom_type != "Polygon":
            return
        side = 128
        corners = np.array(polygon.exterior.coords)[:-1]
        # Each sample that the boundary crosses is off by half a sample on average, either way.
        allowed = polygon.length * side * 4 * 0.5 / (side * 4) ** 2
        assert abs(float(rasterise([corners], side).mean()) - polygon.area) < allowed

    def test_union_overlap_order_and_orientation(self) -> None:
        one, other = star(1), star(2)
        both = rasterise([one, other], 64)
        np.testing.assert_array_equal(both, rasterise([other[::-1], one], 64))
        assert (both >= np.maximum(rasterise([one], 64), rasterise([other], 64))).all()
        np.testing.assert_array_equal(rasterise([one, one], 64), rasterise([one], 64))

    def test_nonzero_winding_fills_what_is_wound_twice(self) -> None:
        angle = np.arange(5) * 4 * np.pi / 5
        pentagram = 0.5 + 0.4 * np.stack([np.sin(angle), -np.cos(angle)], axis=1)
        assert rasterise([pentagram], 64)[32, 32] == 1.0

    def test_orientation_of_the_page(self) -> None:
        image = rasterise([[(0, 0), (0.5, 0), (0.5, 0.25), (0, 0.25)]], 32)
        assert image.shape == (32, 32)
        assert image.dtype == np.float32
        assert image[:8, :16].all()
        assert image.sum() == 8 * 16

    def test_polygons_far_beyond_the_box_cover_it(self) -> None:
        assert rasterise([[(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)]], 32).all()
        assert not rasterise([[(2, 2), (3, 2), (1e9, 1e9)]], 32).any()

    def test_no_polygons_no_ink(self) -> None:
        assert not rasterise([], 32).any()


class TestDistanceTransform:
    @given(seed=SEEDS, rows=st.integers(1, 70), columns=st.integers(1, 70), share=st.floats(0.0, 1.0))
    def test_equals_scipy(self, seed: int, rows: int, columns: int, share: float) -> None:
        mask = np.random.default_rng(seed).random((rows, columns)) < share
        if not mask.any():
            mask[0, 0] = True
        expected = distance_transform_edt(~mask)
        np.testing.assert_array_equal(distance_transform(mask), expected.astype(np.float32))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 4096), (4096, 1), (300, 500)])
    def test_nothing_is_infinitely_far(self, shape: tuple[int, int]) -> None:
        assert np.isposinf(distance_transform(np.zeros(shape, dtype=bool))).all()

    def test_exact_across_the_largest_raster(self) -> None:
        mask = np.zeros((4096, 2), dtype=bool)
        mask[0, 0] = True
        distance = distance_transform(mask)
        assert distance[4095, 0] == 4095
        assert distance[4095, 1] == np.float32(np.sqrt(4095.0**2 + 1))

    def test_takes_any_layout_and_type(self) -> None:
        mask = np.random.default_rng(0).random((40, 30)) < 0.1
        expected = distance_transform(mask)
        for same in (np.asfortranarray(mask), mask.astype(np.float64), mask[::-1][::-1], mask.tolist()):
            np.testing.assert_array_equal(distance_transform(same), expected)


class TestGoals:
    @pytest.mark.parametrize(("side", "supersample"), [(64, 1), (256, 1), (100, 4)])
    def test_mask_distance_and_window(self, make_bank: Any, side: int, supersample: int) -> None:
        outline = star(4, 30)
        track = np.zeros((3, 8))
        track[:, 6] = 1.0
        bank = GoalBank.build([outline], [track], side=side, supersample=supersample)
        left, top, columns, rows = (int(value) for value in bank.window[0])
        low, high = outline.min(axis=0) * side, outline.max(axis=0) * side
        assert (np.array([left, top]) <= low - 16).all()
        assert (np.array([left + columns, top + rows]) >= high + 16).all()

        mask = reference.unpack(bank.arrays["mask"], columns * supersample, rows * supersample)
        # The star lies within the box, so its window's ink is the whole raster's.
        drawn = rasterise([outline], side, supersample=supersample)
        assert bank.area[0] == mask.sum() == round(float(drawn.sum()) * supersample**2)

        polygon = shapely.Polygon(outline * side).buffer(0)
        x, y = np.meshgrid(np.arange(columns) + left + 0.5, np.arange(rows) + top + 0.5)
        true = shapely.distance(polygon.exterior, shapely.points(x, y)) * 4
        true = np.minimum(true, 127) * np.where(shapely.contains_xy(polygon, x, y), 1, -1)
        # Rounded to whole quarter pixels; float32 may tip a value on the half.
        assert np.abs(bank.arrays["distance"].reshape(rows, columns) - true).max() <= 0.5 + 1e-3

    def test_several_goals_keep_apart(self, make_bank: Any) -> None:
        bank = make_bank(1, 4, side=48)
        assert len(bank) == 4
        assert bank.nbytes == sum(array.nbytes for array in bank.arrays.values())
        np.testing.assert_array_equal(bank.start(), bank.arrays["track"][bank.arrays["track_offset"], :3])
        for array in bank.arrays.values():
            assert not array.flags.writeable

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"outlines": []}, "outlines, tracks: "),
            ({"outlines": [[(0, 0), (1, 1)]]}, r"outlines\[0\]: "),
            ({"outlines": [[(0, 0), (1, np.nan), (1, 1)]]}, r"outlines\[0\]: "),
            ({"outlines": [[(0, 0), (100, 0), (1, 1)]]}, r"outlines\[0\]: "),
            ({"outlines": ["abc"]}, r"outlines\[0\]: "),
            ({"outlines": [[(-3.9, 0), (3.9, 0), (1, 1)]], "side": 1024}, r"outlines\[0\]: "),
            ({"tracks": [np.zeros((3, 7))]}, r"tracks\[0\]: "),
            ({"tracks": [np.zeros((1, 8))]}, r"tracks\[0\]: "),
            ({"tracks": [np.full((3, 8), np.inf)]}, r"tracks\[0\]: "),
            ({"tracks": [np.full((3, 8), 1e6)]}, r"tracks\[0\]: "),
            ({"tracks": ["abc"]}, r"tracks\[0\]: "),
            ({"box": 0.0}, "box: "),
            ({"box": np.nan}, "box: "),
            ({"side": 31}, "side: "),
            ({"supersample": 3}, "supersample: "),
        ],
    )
    def test_errors_name_the_argument(self, change: dict[str, Any], name: str) -> None:
        good: dict[str, Any] = {"outlines": [[(0, 0), (1, 0), (1, 1)]], "tracks": [np.zeros((3, 8))]}
        GoalBank.build(**good)
        arguments = {**good, **change}
        with pytest.raises(HierbrushError, match=f"^{name}"):
            GoalBank.build(arguments.pop("outlines"), arguments.pop("tracks"), **arguments)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([[(0, 0), (1, 1)]], 32), r"polygons\[0\]: "),
        (([[(0, 0), (1, 1), (0, np.inf)]], 32), r"polygons\[0\]: "),
        (([np.zeros((3, 2)), np.zeros((3, 3))], 32), r"polygons\[1\]: "),
        ((["abc"], 32), r"polygons\[0\]: "),
        (([], 0), "side: "),
        (([], 31), "side: "),
        (([], 1025), "side: "),
        (([], 64.0), "side: "),
        (([], True), "side: "),
        (([], None), "side: "),
    ],
)
def test_rasterise_names_the_argument(arguments: tuple[Any, ...], name: str) -> None:
    with pytest.raises(HierbrushError, match=f"^{name}"):
        rasterise(*arguments)


@pytest.mark.parametrize("supersample", [0, 3, 8, 1.0, True, None, "1", [1, 2]])
def test_rasterise_names_supersample(supersample: Any) -> None:
    with pytest.raises(HierbrushError, match=r"^supersample: "):
        rasterise([], 32, supersample=supersample)


@pytest.mark.parametrize("mask", [np.zeros((0, 4)), np.zeros(4), np.zeros((4, 4, 4)), np.zeros((1, 4097)), 3])
def test_distance_transform_names_the_mask(mask: Any) -> None:
    with pytest.raises(HierbrushError, match=r"^mask: shape"):
        distance_transform(mask)


class TestKernelsDirectly:
    """The functions of the core, with what Python would have refused."""

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e300, 3e9, -3e9])
    def test_wild_coordinates(self, core: ModuleType, value: float) -> None:
        for row in range(4):
            for column in range(2):
                points = np.array([[1.0, 1.0], [20.0, 3.0], [18.0, 17.0], [2.0, 19.0]])
                points[row, column] = value
                points[(row + 1) % 4, column] = 2 * value
                bits, out = np.zeros(20, dtype=np.uint64), np.zeros(400, dtype=np.int8)
                core.fill_polygon(points, 20, 20, bits)
                core.polygon_distance(points, 20, 20, bits, out)

    @pytest.mark.parametrize("size", [0, -1, 4097, 2**31 - 1])
    def test_wild_sizes(self, core: ModuleType, size: int) -> None:
        points, bits = np.zeros((3, 2)), np.zeros(64, dtype=np.uint64)
        for columns, rows in ((size, 4), (4, size)):
            with pytest.raises(ValueError, match="columns, rows: "):
                core.fill_polygon(points, columns, rows, bits)
            with pytest.raises(ValueError, match="columns, rows: "):
                core.polygon_distance(points, columns, rows, bits, np.zeros(64, dtype=np.int8))
            with pytest.raises(ValueError, match="columns, rows: "):
                core.distance_transform(np.zeros(64, dtype=np.uint8), columns, rows, np.zeros(64, dtype=np.float32))

    def test_wrong_arrays(self, core: ModuleType) -> None:
        points, bits, out = np.zeros((3, 2)), np.zeros(8, dtype=np.uint64), np.zeros(64, dtype=np.int8)
        frozen = np.zeros(8, dtype=np.uint64)
        frozen.flags.writeable = False
        for bad, name in ((np.zeros((3, 2), "f4"), "points"), (np.zeros((4, 4))[:3, :2], "points"), ("x", "points")):
            with pytest.raises(ValueError, match=f"^{name}: "):
                core.fill_polygon(bad, 8, 8, bits)
        for bad in (np.zeros(7, "u8"), np.zeros(8, "i8"), np.zeros(16, "u8")[::2], frozen, None):
            with pytest.raises(ValueError, match=r"^bits: "):
                core.fill_polygon(points, 8, 8, bad)
        for bad in (np.zeros(63, "i1"), np.zeros(64, "u1"), b"x" * 64):
            with pytest.raises(ValueError, match=r"^(inside, )?out: "):
                core.polygon_distance(points, 8, 8, bits, bad)
        with pytest.raises(ValueError, match=r"^(inside|inside, out): "):
            core.polygon_distance(points, 8, 8, bits[:7], out)
        with pytest.raises(ValueError, match=r"^mask(, out)?: "):
            core.distance_transform(np.zeros(63, "u1"), 8, 8, np.zeros(64, "f4"))
        with pytest.raises(ValueError, match=r"^(mask, )?out: "):
            core.distance_transform(np.zeros(64, "u1"), 8, 8, np.zeros(64, "f8"))

    def test_wrong_outlines(self, core: ModuleType) -> None:
        points, outlines, out = np.zeros((2, 3, 2)), np.zeros((2, 5, 2)), np.zeros((2, 3))
        for count in (0, -1, 4, 2**31 - 1):
            with pytest.raises(ValueError, match=r"^points, outlines: "):
                core.outline_distance(points, outlines, count, out)
        with pytest.raises(ValueError, match=r"^points, outlines: "):
            core.outline_distance(points, outlines[:0], 2, out)
        with pytest.raises(ValueError, match=r"^out: "):
            core.outline_distance(points, outlines, 2, out[:1])
        for place, name in enumerate(("points", "outlines", "out")):
            arrays = [points, outlines, out]
            arrays[place] = arrays[place].astype(np.float32)
            with pytest.raises(ValueError, match=f"^{name}: "):
                core.outline_distance(*arrays[:2], 2, arrays[2])

    def test_wrong_lines(self, core: ModuleType) -> None:
        points, lines, out = np.zeros((2, 3, 2)), np.zeros((2, 5, 2)), np.zeros((2, 3, 2))
        with pytest.raises(ValueError, match=r"^points, lines: "):
            core.nearest_points(points, np.zeros((2, 1, 2)), 2, out)
        with pytest.raises(ValueError, match=r"^out: "):
            core.nearest_points(points, lines, 2, out[:1])
        widths, pairs, found = np.zeros((2, 5)), np.array([[0], [1]]), np.zeros((1, 7))
        core.contacts(lines, widths, pairs, 6, found)
        for at, wrong, name in (
            (0, lines[:, :1], "lines, widths: "),
            (0, lines[0], "lines, widths: "),
            (1, widths[:1], "lines, widths: "),
            (2, pairs + 1, "pairs: "),
            (2, pairs - 1, "pairs: "),
            (3, found[:, :6].copy(), "pairs, out: "),
            (1, widths.astype(np.float32), "widths: "),
        ):
            arrays = [lines, widths, pairs, found]
            arrays[at] = np.ascontiguousarray(wrong)
            with pytest.raises(ValueError, match=f"^{name}"):
                core.contacts(*arrays[:3], 6, arrays[3])

    def test_empty_polygon(self, core: ModuleType) -> None:
        bits = np.zeros(8, dtype=np.uint64)
        core.fill_polygon(np.zeros((0, 2)), 8, 8, bits)
        assert not bits.any()


@pytest.mark.parametrize(
    ("points", "outline"), [((3,), (5, 2)), ((3, 2), (0, 2)), ((3, 2), (5, 3)), ((2, 3, 2), (5, 2)), ((3, 3), (5, 2))]
)
def test_distances_to_an_outline_of_another_shape_name_both(points: tuple[int, ...], outline: tuple[int, ...]) -> None:
    with pytest.raises(HierbrushError, match=r"^points, outline: shapes "):
        distance_to_outline(np.zeros(points), np.zeros(outline))
