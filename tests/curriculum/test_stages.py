from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hierbrush.curriculum import METRICS, Curriculum, StageEvent, StageMachine, StageState
from hierbrush.errors import HierbrushError

NAN = math.nan


def curriculum(*promotions: dict[str, Any]) -> Curriculum:
    return Curriculum.model_validate(
        {
            "format": 1,
            "name": "test",
            "strokes": "all",
            "stages": [
                {"name": f"s{number}", "goals": {"glyphs": {}}, "promotion": {"window": 1, **promotion}}
                for number, promotion in enumerate(promotions)
            ],
        }
    )


def run(
    machine: StageMachine, values: list[float], steps: int = 10, state: StageState | None = None
) -> tuple[StageState, list[StageEvent | None]]:
    state = state or machine.start()
    events = []
    for value in values:
        state, event = machine.advance(state, {"iou": value, "iou_p05": NAN}, steps)
        events.append(event)
    return state, events


def kinds(events: list[StageEvent | None]) -> list[str | None]:
    return [event and event.kind for event in events]


RULE = {"threshold": 0.5, "maximum_steps": 1000}


def test_promotes_through_all_stages_and_finishes() -> None:
    machine = StageMachine(curriculum(RULE, {**RULE, "threshold": 0.7}))
    state, events = run(machine, [0.4, 0.6, 0.6, 0.7, 0.9])
    assert kinds(events) == [None, "promoted", None, "finished", None]
    assert events[1] == StageEvent("promoted", "s0", "s1", 20, 0.6, passed=True)
    assert str(events[1]) == "stage s0: passed after 20 steps (0.600), next: s1"
    assert str(events[3]) == "stage s1: passed after 20 steps (0.700), curriculum finished"
    assert state.status == "finished"
    assert state.total_steps == 40, "a finished training counts no more steps"


def test_window_is_averaged_and_starts_anew_in_each_stage() -> None:
    machine = StageMachine(curriculum({**RULE, "window": 3}, {**RULE, "window": 2, "threshold": 0.1}))
    _, events = run(machine, [0.9, 0.3, 0.2, 0.3, 1.0, 0.9, 0.9])
    # means: -, -, .467, .267, .5 | -, .9
    assert kinds(events) == [None, None, None, None, "promoted", None, "finished"]


def test_minimum_steps_hold_a_good_policy_back() -> None:
    machine = StageMachine(curriculum({**RULE, "minimum_steps": 25}))
    _, events = run(machine, [1.0, 1.0, 1.0])
    assert kinds(events) == [None, None, "finished"]


@pytest.mark.parametrize(
    ("at_maximum", "expected", "status"),
    [
        ("promote", [None, "timed_out", None, "finished"], "finished"),
        ("stay", [None, "timed_out", None, None], "running"),
        ("stop", [None, "stopped", None, None], "stopped"),
    ],
)
def test_stage_that_does_not_pass(at_maximum: str, expected: list[str | None], status: str) -> None:
    rule = {"threshold": 0.5, "maximum_steps": 20, "at_maximum": at_maximum}
    state, events = run(StageMachine(curriculum(rule, rule)), [0.1] * 4)
    assert kinds(events) == expected
    assert state.status == status
    event = events[1]
    assert event is not None
    assert event.next_stage == ("s1" if at_maximum == "promote" else None)
    assert not event.passed


def test_stage_that_stays_can_still_pass() -> None:
    machine = StageMachine(curriculum({**RULE, "maximum_steps": 10, "at_maximum": "stay"}, RULE))
    state, events = run(machine, [0.1, 0.1, 0.6])
    assert kinds(events) == ["timed_out", None, "promoted"]
    assert not state.timed_out
    assert str(events[0]) == "stage s0: not passed by its maximum after 10 steps (0.100), stays"


def test_passing_at_the_maximum_counts_as_passing() -> None:
    machine = StageMachine(curriculum({**RULE, "maximum_steps": 10, "at_maximum": "stop"}))
    _, events = run(machine, [0.5])
    assert kinds(events) == ["finished"]


@pytest.mark.parametrize("unmeasured", [NAN, math.inf, -math.inf])
def test_unmeasured_iterations_count_steps_only(unmeasured: float) -> None:
    machine = StageMachine(curriculum({**RULE, "window": 2, "minimum_steps": 30}))
    state, events = run(machine, [0.9, 0.9, unmeasured])
    assert kinds(events) == [None, None, None], "no promotion on an old window"
    assert state.window == (0.9, 0.9)
    assert state.steps == 30
    _, events = run(machine, [0.9], state=state)
    assert kinds(events) == ["finished"]


def test_unmeasured_forever_still_times_out() -> None:
    machine = StageMachine(curriculum({**RULE, "maximum_steps": 20, "at_maximum": "stop"}))
    _, events = run(machine, [NAN, NAN])
    assert kinds(events) == [None, "stopped"]
    event = events[1]
    assert event is not None
    assert event.value is None


def test_metric_named_by_the_rule_is_the_one_that_counts() -> None:
    machine = StageMachine(curriculum({**RULE, "metric": "iou_p05"}))
    state, event = machine.advance(machine.start(), {"iou": 1.0, "iou_p05": 0.4}, 10)
    assert event is None
    _, event = machine.advance(state, {"iou": 0.0, "iou_p05": np.float32(0.75)}, np.int64(10))  # type: ignore[dict-item,arg-type]
    assert event is not None


@pytest.mark.parametrize("steps", [NAN, math.inf, -1, 1.5, True])
def test_broken_step_counts_are_refused(steps: Any) -> None:
    machine = StageMachine(curriculum(RULE))
    with pytest.raises(HierbrushError, match=r"^steps: .*expected a whole number >= 0"):
        machine.advance(machine.start(), {"iou": 0.5, "iou_p05": 0.5}, steps)


def test_missing_metric_is_refused() -> None:
    machine = StageMachine(curriculum(RULE))
    with pytest.raises(HierbrushError, match=r"^metrics: no 'iou'"):
        machine.advance(machine.start(), {"iou_p05": 0.5, "mean_iou": 0.5}, 10)


def test_state_of_another_curriculum_is_refused() -> None:
    state, _ = run(StageMachine(curriculum(RULE, RULE)), [1.0])
    with pytest.raises(HierbrushError, match="resume with the curriculum that the training was started with"):
        StageMachine(curriculum(RULE)).advance(state, {"iou": 0.5, "iou_p05": 0.5}, 10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage": -1}, "stage state: stage should be greater than or equal to 0, got -1"),
        ({"steps": 1.5}, "stage state: steps should be a valid integer"),
        ({"window": [NAN]}, r"stage state: window\[0\] should be a finite number"),
        ({"status": "done"}, "stage state: status should be 'running', 'finished' or 'stopped', got 'done'"),
        ({"step": 1}, "stage state: unknown key 'step'; did you mean 'steps'"),
    ],
)
def test_broken_saved_states_are_refused(change: dict[str, Any], message: str) -> None:
    data = StageMachine(curriculum(RULE)).start().to_dict()
    with pytest.raises(HierbrushError, match=message):
        StageState.from_dict({**data, **change})
    del data["name"]
    with pytest.raises(HierbrushError, match="stage state: missing key 'name'"):
        StageState.from_dict(data)


promotions = st.builds(
    lambda threshold, window, minimum, beyond, at_maximum, metric: {
        "threshold": threshold,
        "window": window,
        "minimum_steps": minimum,
        "maximum_steps": minimum + beyond,
        "at_maximum": at_maximum,
        "metric": metric,
    },
    st.floats(0, 1),
    st.integers(1, 4),
    st.integers(0, 60),
    st.integers(1, 60),
    st.sampled_from(["promote", "stay", "stop"]),
    st.sampled_from(METRICS[:2]),  # the others are of stages with characters
)
values = st.floats(0, 1) | st.sampled_from([NAN, math.inf])
iterations = st.lists(st.tuples(values, values, st.integers(0, 30)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(rules=st.lists(promotions, min_size=1, max_size=4), history=iterations, saves=st.sets(st.integers(0, 40)))
def test_invariants_over_random_trainings(
    rules: list[dict[str, Any]], history: list[tuple[float, float, int]], saves: set[int]
) -> None:
    machine = StageMachine(curriculum(*rules))
    state = resumed = machine.start()
    for number, (iou, iou_p05, steps) in enumerate(history):
        metrics = {"iou": iou, "iou_p05": iou_p05}
        before, rule = state, machine.stage(state).promotion
        state, event = machine.advance(state, metrics, steps)

        if number in saves:  # a training that is killed and resumed here goes on as this one
            resumed = StageState.from_dict(json.loads(json.dumps(resumed.to_dict())))
        resumed, resumed_event = StageMachine(curriculum(*rules)).advance(resumed, metrics, steps)
        assert resumed == state
        assert resumed_event == event

        assert state.stage in (before.stage, before.stage + 1)
        assert len(state.window) <= machine.stage(state).promotion.window
        if before.status != "running":
            assert (state, event) == (before, None)
            continue
        assert state.total_steps == before.total_steps + steps
        moved_on = state.stage > before.stage or state.status == "finished"
        assert moved_on == (event is not None and (event.next_stage is not None or event.kind == "finished"))
        if moved_on:
            assert event is not None
            assert event.steps >= rule.minimum_steps
            assert event.passed or event.steps >= rule.maximum_steps
        if event is not None and event.passed:
            assert event.value is not None
            assert event.value >= rule.threshold
            assert math.isfinite(metrics[rule.metric])
