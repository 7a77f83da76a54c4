from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.metrics import score, stroke_iou
from hierbrush.planner import Rollouts, Scenarios, lessons, plan_character, plan_strokes, planned_paths, search
from hierbrush.planner.character import _turns
from hierbrush.planner.search import directions, measure
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.rollout import stroke_policy, write_strokes

MODEL = BrushModel.preset("measured")


@pytest.fixture(scope="module")
def glyph():
    return load_library()["土"]


def ink(outline) -> np.ndarray:
    return rasterise([outline], 256)


def areas_iou(inked: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.minimum(inked, wanted).sum(dtype=float) / np.maximum(inked, wanted).sum(dtype=float))


def test_what_the_search_claims_is_what_the_metric_says_of_the_path(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    outlines = [stroke.outline for stroke in glyph.strokes]
    plans = plan_strokes(goals, MODEL, policy=stroke_policy("learned"), outlines=outlines, budget=300)
    paths = planned_paths(goals, [plan.actions for plan in plans], MODEL)
    for plan, path, outline in zip(plans, paths, outlines, strict=True):
        assert areas_iou(trace(MODEL, [path]), ink(outline)) == pytest.approx(plan.fitness, abs=1e-6)


def test_a_search_begins_with_what_the_policy_writes_and_ends_better(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    policy = stroke_policy("learned")
    plans = plan_strokes(goals, MODEL, policy=policy, budget=400)
    paths = write_strokes(goals, MODEL, policy=policy)
    first = [areas_iou(trace(MODEL, [path]), ink(goal.outline)) for goal, path in zip(goals, paths, strict=True)]
    assert [plan.history[0][1] for plan in plans] == pytest.approx(first, abs=1e-6)
    assert all(plan.fitness >= begun for plan, begun in zip(plans, first, strict=True))
    assert np.mean([plan.fitness for plan in plans]) > np.mean(first) + 0.005


def test_shapes_are_matched_and_not_the_raster_alone(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    plans = plan_strokes(goals, MODEL, policy=stroke_policy("learned"), budget=600)
    paths = planned_paths(goals, [plan.actions for plan in plans], MODEL)
    for goal, path in zip(goals, paths, strict=True):
        fine = stroke_iou(
            trace(MODEL, [path], side=1024, supersample=1), rasterise([goal.outline], 1024, supersample=1)
        )
        assert fine > 0.98


def test_without_a_policy_the_search_begins_at_the_follower_and_finds_as_much(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes[:2]]
    plans = plan_strokes(goals, MODEL, budget=600)
    assert all((plan.stages[0] == 0).all() for plan in plans)
    assert np.mean([plan.fitness for plan in plans]) > 0.98


def test_the_same_seed_gives_the_same_plan_and_another_one_another(glyph) -> None:
    goals = [glyph.strokes[0].goal()]
    one, same, other = (plan_strokes(goals, MODEL, budget=300, seed=seed)[0].actions for seed in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("budget", [1, 2, 60, 150, 300])
def test_no_more_is_written_than_the_budget_allows(glyph, budget: int) -> None:
    goal = glyph.strokes[1].goal()
    rollouts = Rollouts(goal, MODEL, ink(goal.outline), 200)
    found = search(rollouts, np.zeros((rollouts.ticks, 3), np.float32), budget, 0)
    assert rollouts.spent == found.history[-1][0] <= budget
    assert np.abs(found.actions).max(initial=0.0) <= 1.0
    if budget >= 60:
        assert found.fitness > found.history[0][1]


def test_history_and_stages_only_climb(glyph) -> None:
    goal = glyph.strokes[2].goal()
    (plan,) = plan_strokes([goal], MODEL, budget=600)
    spent, fitness = zip(*plan.history, strict=True)
    assert list(spent) == sorted(spent)
    assert list(fitness) == sorted(fitness)
    rollouts = Rollouts(goal, MODEL, ink(goal.outline), len(plan.stages))
    climbed = rollouts.fitness(rollouts.write(plan.stages))
    assert list(climbed) == sorted(climbed)


def test_directions_are_single_numbers_or_hats() -> None:
    assert np.array_equal(directions(4, 9).reshape(12, 12), np.eye(12))
    coarse = directions(20, 5)
    assert coarse.shape == (15, 20, 3)
    assert coarse.sum(axis=0) == pytest.approx(np.ones((20, 3)), abs=1e-6)


def test_the_others_ink_counts_as_written(glyph) -> None:
    goal = glyph.strokes[0].goal()
    under = np.zeros((1024, 1024), bool)
    under[100:300, 200:600] = True
    wanted = ink(goal.outline)
    rollouts = Rollouts(goal, MODEL, wanted, 1, under=under)
    actions = np.zeros((1, rollouts.ticks, 3), np.float32)
    path = planned_paths([goal], [actions[0]], MODEL)[0]
    own = rollouts.samples(actions[0])
    together = (own | under).reshape(256, 4, 256, 4).sum(axis=(1, 3)) / np.float32(16)
    counts = rollouts.write(actions)
    assert rollouts.iou(counts)[0] == pytest.approx(stroke_iou(together, wanted), abs=1e-12)
    assert rollouts.fitness(counts)[0] == pytest.approx(areas_iou(together, wanted), abs=1e-6)
    alone = own.reshape(256, 4, 256, 4).sum(axis=(1, 3)) / 16
    assert np.array_equal(alone.astype(np.float32), trace(MODEL, [path]))


def test_a_character_is_planned_for_its_whole_ink(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    outlines = [stroke.outline for stroke in glyph.strokes]
    policy = stroke_policy("learned")
    told: list[int] = []
    planned = plan_character(
        goals, MODEL, policy=policy, outlines=outlines, budget=600, told=lambda spent, iou: told.append(spent)
    )
    whole = rasterise(outlines, 256)
    before = score(trace(MODEL, write_strokes(goals, MODEL, policy=policy)), whole).iou
    assert score(trace(MODEL, list(planned.paths)), whole).iou > max(before + 0.005, 0.985)
    assert sum(told) == planned.rollouts <= 600 * len(goals)
    assert not planned.interrupted


def test_a_picture_may_take_the_place_of_the_outlines(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    picture = rasterise([stroke.outline for stroke in glyph.strokes], 256)
    planned = plan_character(goals, MODEL, picture=picture, budget=600)
    assert score(trace(MODEL, list(planned.paths)), picture).iou > 0.97


def test_robust_plans_are_searched_for_by_their_mean_over_scenarios(glyph) -> None:
    goal = glyph.strokes[0].goal()
    off = Scenarios.disturbed(MODEL)
    (plan,) = plan_strokes([goal], MODEL, policy=stroke_policy("learned"), budget=150 * len(off), scenarios=off)
    rollouts = Rollouts(goal, MODEL, ink(goal.outline), 1, scenarios=off)
    assert rollouts.fitness(rollouts.write(plan.actions[None]))[0] == pytest.approx(plan.fitness)
    assert plan.fitness > plan.history[0][1]
    assert plan.history[-1][0] <= 150 * len(off)


def test_a_single_stroke_is_made_robust_too() -> None:
    assert list(_turns(1, 100, robust=False)) == [(0, 100, True)]
    turns = list(_turns(1, 101, robust=True))
    assert [alone for *_, alone in turns] == [True, False, False]
    assert sum(budget for _, budget, _ in turns) == 101
    assert sum(budget for _, budget, _ in _turns(3, 100, robust=True)) == 300


def test_scenarios_are_off_by_nothing_on_average() -> None:
    off = Scenarios.disturbed(MODEL, brush=0.2, hand=0.001)
    assert len(off) == 17
    assert off.offsets.mean(axis=0) == pytest.approx(0.0)
    assert off.brushes.mean(axis=0) == pytest.approx(MODEL.parameters())
    assert np.linalg.norm(off.offsets, axis=1).max() == pytest.approx(0.001)
    assert (off.brushes / MODEL.parameters()).max() == pytest.approx(1.2)


@pytest.fixture
def ctrl_c_heard():
    """A shell starts what runs in the background with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_heard")
def test_ctrl_c_returns_the_best_so_far(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    steps = 0

    def interrupt(spent: int, iou: float) -> None:
        nonlocal steps
        steps += 1
        if steps == 2:
            os.kill(os.getpid(), signal.SIGINT)

    planned = plan_character(goals, MODEL, budget=100_000, told=interrupt)
    assert planned.interrupted
    assert len(planned.paths) == len(goals)
    assert planned.rollouts < 100_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 0}, "budget: 0"),
        ({"budget": "many"}, "budget: 'many'"),
        ({"outlines": []}, "outlines: 0 for 3 goals"),
        ({"picture": np.zeros((8, 8))}, "picture: shape"),
        ({"robust": "yes"}, "robust"),
        ({"seed": -1}, "seed: -1"),
        ({"box": 0.0}, "box: 0"),
    ],
)
def test_what_cannot_be_planned_is_told(glyph, options, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        plan_character([stroke.goal() for stroke in glyph.strokes], MODEL, **options)


def test_lessons_say_what_would_have_been_better_from_each_tick_on(glyph) -> None:
    goal = glyph.strokes[0].goal()
    rollouts = Rollouts(goal, MODEL, ink(goal.outline), 200)
    follower = np.zeros((rollouts.ticks, 3), np.float32)
    taught = lessons(rollouts, follower, np.random.default_rng(0))
    assert taught.actions.shape == follower.shape
    assert taught.weights.shape == (*follower.shape, 3)
    assert (np.linalg.eigvalsh(taught.weights) > 0).all()
    better = rollouts.fitness(rollouts.write(np.stack([follower, taught.actions])))
    assert better[0] == pytest.approx(taught.fitness)
    assert better[1] > better[0]


def test_a_lesson_is_the_first_action_of_the_best_change_of_all_that_follows(glyph) -> None:
    goal = glyph.strokes[2].goal()
    rollouts = Rollouts(goal, MODEL, ink(goal.outline), 200)
    done = np.zeros((rollouts.ticks, 3), np.float32)
    taught = lessons(rollouts, done, np.random.default_rng(1))
    found = measure(rollouts, done, directions(rollouts.ticks, rollouts.ticks), np.random.default_rng(1))
    for tick in (0, 5, rollouts.ticks - 1):
        rest = slice(3 * tick, None)
        damped = found.curvature[rest, rest] + 0.1 * found.unit * np.eye(len(found.slope) - 3 * tick)
        best = np.linalg.solve(damped, -found.slope[rest])[:3]
        expected = best * min(1.0, 0.3 / np.linalg.norm(best))
        assert taught.actions[tick] == pytest.approx(np.clip(expected, -1, 1), abs=1e-4)
