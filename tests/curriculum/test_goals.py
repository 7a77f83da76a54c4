from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hierbrush.characters import CharacterLibrary, Glyph, load_library, split
from hierbrush.curriculum import Goals, goals
from hierbrush.curriculum.goals import sample_goals
from hierbrush.errors import HierbrushError
from hierbrush.sim import distance_to_outline
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.types import ABBREVIATIONS

ALL = Goals.model_validate({"glyphs": {}})
DEFORMED = Goals.model_validate(
    {"glyphs": {}, "deformation": {"size": 0.5, "stretch": 0.5, "thickness": 0.3, "rotation": 0.5}}
)


class TrainingOnly:
    """The library, with a trap on everything that is not for training."""

    def __init__(self, library: CharacterLibrary) -> None:
        self._library = library
        self.characters = library.characters
        self.opened: set[str] = set()

    def __getitem__(self, char: str) -> Glyph:
        assert split(char) == "train", f"geometry of {char} was read"
        self.opened.add(char)
        return self._library[char]

    def stroke_types(self, char: str) -> tuple[str, ...]:
        assert split(char) == "train", f"stroke order of {char} was read"
        return self._library.stroke_types(char)

    def decomposition(self, char: str) -> None:
        raise AssertionError(f"decomposition of {char} was read")


@pytest.fixture
def training_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainingOnly]:
    library = TrainingOnly(load_library())
    goals._training_strokes.cache_clear()
    monkeypatch.setattr(goals, "load_library", lambda: library)
    yield library
    goals._training_strokes.cache_clear()


@pytest.mark.parametrize(
    "rule",
    [{"glyphs": {}}, {"glyphs": {"size": [0.4, 0.6]}}, {"glyphs": {}, "deformation": {"size": 0.2, "rotation": 0.1}}],
)
def test_no_validation_or_test_character_is_read(training_only: TrainingOnly, rule: dict[str, Any]) -> None:
    drawn = sample_goals(Goals.model_validate(rule), ["H", "D", "HZG", "HZZZ"], 300, seed=1)
    assert len(drawn) == 300
    assert len(training_only.opened) > 20


@pytest.fixture(scope="module")
def known() -> set[bytes]:
    """Outlines of all training strokes of type HZZP."""
    library = load_library()
    return {
        stroke.goal().outline.tobytes()
        for char in library.characters
        if split(char) == "train" and "HZZP" in library.stroke_types(char)
        for stroke in library[char].strokes
        if stroke.stroke_type == "HZZP"
    }


def test_undeformed_goals_are_the_strokes_of_training_characters(known: set[bytes]) -> None:
    drawn = sample_goals(ALL, ["HZZP"], 2 * len(known), seed=0)
    assert {goal.outline.tobytes() for goal in drawn} == known, "no stroke is left out, none comes from elsewhere"


def test_same_seed_same_goals() -> None:
    rule = Goals.model_validate({"glyphs": {"size": [0.2, 0.8]}, "deformation": {"size": 0.2, "rotation": 0.1}})
    first, again, other = (sample_goals(rule, ["H", "S", "PZ"], 30, seed) for seed in (5, 5, 6))
    for one, two in zip(first, again, strict=True):
        assert one.stroke_type == two.stroke_type
        np.testing.assert_array_equal(one.outline, two.outline)
        np.testing.assert_array_equal(one.skeleton, two.skeleton)
        np.testing.assert_array_equal(one.half_width, two.half_width)
    assert any(not np.array_equal(one.outline, two.outline) for one, two in zip(first, other, strict=True))


def test_count_limits_the_distinct_goals() -> None:
    drawn = sample_goals(Goals.model_validate({"glyphs": {}, "count": 7}), ["S", "P"], 20, seed=0)
    assert len(drawn) == 20
    assert len({id(goal) for goal in drawn}) == 7
    assert drawn[7] is drawn[0]


@pytest.mark.parametrize("bounds", [(0.0, 0.25), (0.75, 1.0)])
def test_size_and_aspect_filters_select_quantiles(bounds: tuple[float, float]) -> None:
    everything = sample_goals(ALL, ["P"], 200, seed=1)
    for name, measure in (("size", _length), ("aspect", _height_to_width)):
        limits = np.quantile([measure(goal) for goal in everything], bounds)
        slack = 0.1 * np.ptp(np.quantile([measure(goal) for goal in everything], [0.05, 0.95]))
        drawn = sample_goals(Goals.model_validate({"glyphs": {name: bounds}}), ["P"], 100, seed=2)
        inside = [limits[0] - slack <= measure(goal) <= limits[1] + slack for goal in drawn]
        # The quantiles are those of a sample of 128 strokes here and of another there.
        assert np.mean(inside) > 0.9, name


def _length(goal: StrokeGoal) -> float:
    return goal.length


def _height_to_width(goal: StrokeGoal) -> float:
    left, top, right, bottom = goal.box
    return (bottom - top) / (right - left)


def test_basis_goals_are_changed_training_strokes(training_only: TrainingOnly) -> None:
    real, smooth, changed = (
        sample_goals(Goals.model_validate(rule), ["HZ"], 40, seed=4)
        for rule in ({"glyphs": {}}, {"basis": {"spread": 0}}, {"basis": {"spread": 0.5}})
    )
    assert training_only.opened
    distances = [
        np.mean([min(np.abs(goal.outline - other.outline).max() for other in smooth) for goal in drawn])
        for drawn in (smooth, changed)
    ]
    assert distances[0] == 0
    assert distances[1] > 0.005
    widths = [np.median([goal.half_width.mean() for goal in drawn]) for drawn in (real, changed)]
    assert widths[1] == pytest.approx(widths[0], rel=0.25)


@pytest.mark.parametrize("rule", [{"glyphs": {}}, {"basis": {}}, {"glyphs": {}, "deformation": {"rotation": 0.3}}])
def test_every_stroke_type_can_be_practised_alone(rule: dict[str, Any]) -> None:
    for name in ABBREVIATIONS:
        drawn = sample_goals(Goals.model_validate(rule), [name], 2, seed=0)
        assert [goal.stroke_type for goal in drawn] == [name, name]
        assert all(min(goal.box) >= -0.01 and max(goal.box) <= 1.01 for goal in drawn)


def test_weights_mix_the_sources(known: set[bytes]) -> None:
    rule = Goals.model_validate({"glyphs": {"weight": 3}, "basis": {"weight": 1}, "count": 200})
    real = [goal.outline.tobytes() in known for goal in sample_goals(rule, ["HZZP"], 200, seed=0)]
    assert 0.65 < np.mean(real) < 0.85


def test_narrow_filter_on_a_rare_type_gives_the_nearest_stroke() -> None:
    drawn = sample_goals(Goals.model_validate({"glyphs": {"size": [0.999, 1.0]}}), ["HZZZ"], 3, seed=0)
    assert [goal.stroke_type for goal in drawn] == ["HZZZ"] * 3


@pytest.mark.parametrize(("balance", "low", "high"), [(0.0, 0.4, 0.6), (0.5, 0.85, 0.95), (1.0, 0.98, 1.0)])
def test_type_balance(balance: float, low: float, high: float) -> None:
    rule = Goals.model_validate({"glyphs": {}, "type_balance": balance, "count": 400})
    drawn = sample_goals(rule, ["H", "HZZP"], 400, seed=0)  # 25,000 against 200 strokes
    assert low <= np.mean([goal.stroke_type == "H" for goal in drawn]) <= high


def test_deformed_goals_stay_whole_and_on_the_page() -> None:
    for goal in sample_goals(DEFORMED, ["D", "H", "SWG", "HZZZG", "N"], 100, seed=3):
        left, top, right, bottom = goal.box
        assert left >= -1e-5
        assert top >= -1e-5
        assert right <= 1 + 1e-5
        assert bottom <= 1 + 1e-5
        assert goal.length > 0.01
        measured = distance_to_outline(goal.skeleton.astype(np.float64), goal.outline.astype(np.float64))
        assert np.median(np.abs(measured - goal.half_width)) < 2e-3


@pytest.mark.parametrize(
    ("deformation", "measure", "least", "most"),
    [
        ({"size": 0.2}, lambda goal: goal.length, 1 / 1.2, 1.2),
        ({"thickness": 0.2}, lambda goal: float(np.median(goal.half_width)), 1 / 1.2, 1.2),
        ({"stretch": 0.2}, _height_to_width, 1 / 1.2, 1.2),
        ({"rotation": 0.2}, lambda goal: goal.length, 1.0, 1.0),
    ],
)
def test_each_deformation_changes_what_it_names(
    deformation: dict[str, float], measure: Any, least: float, most: float
) -> None:
    plain = [stroke.goal() for char in "永國" for stroke in load_library()[char].strokes]
    rng = np.random.default_rng(0)
    rule = Goals.model_validate({"glyphs": {}, "deformation": deformation}).deformation
    ratios = []
    for goal in plain * 4:
        outline, median = goals._deformed(goal, rule, rng)
        changed = StrokeGoal.from_outline(goal.stroke_type, outline, median)
        assert not np.allclose(changed.outline, goal.outline)
        ratios.append(measure(changed) / measure(goal))
    assert min(ratios) == pytest.approx(least, rel=0.06)
    assert max(ratios) == pytest.approx(most, rel=0.06)


@pytest.mark.parametrize(
    ("types", "n", "seed", "message"),
    [
        (["HZX"], 1, 0, "^stroke_types: 'HZX' is none of the 38 stroke types; did you mean 'HZ'"),
        ([], 1, 0, "^stroke_types: is empty"),
        (["H"], 0, 0, "^n: 0, expected a whole number from 1"),
        (["H"], 1, -1, "^seed: -1, expected"),
    ],
)
def test_bad_arguments(types: list[str], n: int, seed: int, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        sample_goals(ALL, types, n, seed)
