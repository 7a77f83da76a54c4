"""Every public callable with natural and hostile arguments: it answers, or says in a line which argument is wrong.

Callables are found by looking, so that a new one is tried as soon as it is there; what its arguments look like stands
in ``NATURAL`` by their names. Natural values come first, and one or two of them are then exchanged for hostile ones.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import hostile, told

import hierbrush
from hierbrush.characters import load_library
from hierbrush.composer.exemplars import exemplars
from hierbrush.curriculum import StageMachine, load_curriculum
from hierbrush.envs.stroke import StrokeEnv, StrokeVectorEnv
from hierbrush.metrics.recognition import GlyphIndex
from hierbrush.resources import folder
from hierbrush.sim import BrushBatch, BrushModel, GoalBank, HandleLimits, StrokeBatch
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.learned import WEIGHTS, shipped_policy
from hierbrush.strokes.policy import MLPPolicy
from hierbrush.strokes.shape_basis import shape_basis

PACKAGES = {
    "top": ("hierbrush",),
    "sim": ("hierbrush.sim", "hierbrush.sim.goal_slots"),
    "strokes": (
        "hierbrush.strokes.goal", "hierbrush.strokes.types", "hierbrush.strokes.rollout", "hierbrush.strokes.policy",
        "hierbrush.strokes.learned", "hierbrush.strokes.shape_basis", "hierbrush.strokes.follower",
    ),
    "metrics": ("hierbrush.metrics", "hierbrush.metrics.recognition"),
    "characters": ("hierbrush.characters", "hierbrush.characters.repertoire"),
    "composer": ("hierbrush.composer.ids", "hierbrush.composer.composers", "hierbrush.composer.policy"),
    "curriculum": ("hierbrush.curriculum", "hierbrush.curriculum.goals", "hierbrush.curriculum.characters"),
    "writing": ("hierbrush.writing",),
    "envs": ("hierbrush.envs.stroke",),
}  # fmt: skip

# What is handed out and never asked for (a result, an error), machinery for our own files, and pydantic's models, whose
# constructors raise pydantic's error by its own convention.
LEFT_OUT = {
    "HierbrushError", "UnknownCharacterError", "ConfigError", "UnreadableError", "Snapshot", "Scores", "Cell", "Page",
    "Writing", "WrittenStroke", "LevelScores", "ComposerScores", "Sheet", "Glyph", "GlyphStroke", "Component",
    "CharacterLibrary", "Curriculum", "Goals", "Stage", "StageState", "StageMachine", "BrushPen", "StrokePolicy",
    "StrokeType", "core_info", "load_primitive", "checked", "check_weights", "read_yaml", "substitute", "validate",
    "apply_overrides", "load_model", "Repertoire", "PolicySet", "LearnedPolicy", "MLPPolicy", "ShapeBasis",
    "usual_sides", "features", "displacements", "to_shape", "goals", "lift_off", "parameter_shapes", "row_counts",
    "load_composer_card", "StageEvent", "Follower", "disc_coverage", "sureness", "ComposerPolicy", "TypeVar",
    "GoalBank", "GlyphIndex", "Any", "Split", "Touching", "scaled_outlines", "weights_file",
    "practised", "shipped_in", "tell", "Hand",
    "StrokeVectorEnv", "StrokeEnv",  # their goals are drawn anew for every seed, which takes seconds
}  # fmt: skip


@functools.cache
def writing() -> Any:
    return hierbrush.write_character("一", goal="glyph", policy="scripted")


@functools.cache
def goal() -> StrokeGoal:
    return load_library()["永"].strokes[1].goal()


@functools.cache
def bank() -> GoalBank:
    return GoalBank.build([goal().outline], [FOLLOWER.track(goal(), BrushModel())])


@functools.cache
def track() -> Any:
    return FOLLOWER.track(goal(), BrushModel())


@functools.cache
def blot() -> Any:
    raster = np.zeros((64, 64), np.float32)
    raster[20:40, 24:44] = 1
    return raster


@functools.cache
def curriculum() -> Any:
    return load_curriculum(folder("curricula") / "dots.yaml")


def copied(path: Path) -> Path:
    """Copy a file into the test's own folder, for what is called may write where it is told to."""
    target = Path(path.name)
    target.write_bytes(path.read_bytes())
    return target


@functools.cache
def glyph_index() -> GlyphIndex:
    return GlyphIndex([blot(), blot().T[::-1]])


SMALL = {"side": 64, "supersample": 1}
# Objects whose methods are tried, each made anew for every case where calls change it.
OBJECTS: dict[str, dict[str, Callable[[], Any]]] = {
    "top": {"writing": writing, "page": lambda: _page()},
    "sim": {
        "BrushModel()": BrushModel,
        "BrushBatch()": lambda: BrushBatch(BrushModel(), 2, **SMALL),
        "StrokeBatch()": lambda: StrokeBatch(bank(), BrushModel(), 2, observation="track"),
        "GoalBank": lambda: GoalBank,
    },
    "strokes": {
        "StrokeGoal": lambda: StrokeGoal,
        "goal": goal,
        "shipped_policy()": shipped_policy,
        "MLPPolicy": lambda: MLPPolicy,
        "basis": lambda: shape_basis("H"),
        "FOLLOWER": lambda: FOLLOWER,
    },
    "metrics": {"glyph_index": glyph_index, "metrics.recognition": lambda: _Only(GlyphIndex)},
    "characters": {
        "library[]": lambda: _Only(load_library().__getitem__),
        "library": load_library,
        "component": lambda: load_library().decomposition("林"),
    },
    "composer": {},
    "envs": {"strokes": lambda: _strokes(), "stroke": lambda: _stroke()},
    "curriculum": {
        "machine": lambda: StageMachine(curriculum()),
        "StageState": lambda: _Only(type(StageMachine(curriculum()).start()).from_dict),
        "curriculum": lambda: _Only(curriculum().stage_at),
    },
    "writing": {"writing": writing, "page": lambda: _page(), "Layout()": hierbrush.Layout},
}


class _Only:
    """Something of which one callable is tried."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call


@functools.cache
def _page() -> Any:
    return hierbrush.write_text("一二", goal="glyph", policy="scripted")


@functools.cache
def _strokes() -> Any:
    return StrokeVectorEnv(2, curriculum=curriculum())


@functools.cache
def _stroke() -> Any:
    return StrokeEnv(curriculum=curriculum())


def _raster() -> Any:
    return blot()


NATURAL: dict[str, tuple[Callable[[], Any], ...]] = {
    "action": (lambda: np.zeros(3), lambda: [0, 0, 1]),
    "actions": (lambda: np.zeros((2, 3)),),
    "among": (lambda: None, lambda: np.array([[0, 1]])),
    "answers": (lambda: [0],),
    "array": (lambda: np.zeros(3),),
    "back_ratio": (lambda: np.float32(1.0),),
    "bank": (bank,),
    "box": (lambda: 0.12, lambda: np.float64(0.1), lambda: (0.5, 0.5, 0.3, 0.2)),
    "boxes": (lambda: [(0.5, 0.5, 0.3, 0.2)],),
    "brush": (lambda: "round", BrushModel),
    "brushes": (lambda: None,),
    "cell": (lambda: 0.06, lambda: np.float32(0.06), lambda: 1),
    "char": (lambda: "永", lambda: np.str_("林")),
    "characters": (lambda: ["一"], lambda: (char for char in "一")),
    "coefficients": (lambda: (), lambda: [0.5, np.float32(1)]),
    "composer": (lambda: "component means",),
    "count": (lambda: 2, lambda: np.int64(3)),
    "curriculum": (curriculum,),
    "data": (lambda: StageMachine(curriculum()).start().to_dict(),),
    "depth": (lambda: 0.004, lambda: np.float32(0.002), lambda: 0),
    "direction": (lambda: "horizontal",),
    "fill": (lambda: "black",),
    "format": (lambda: "png", lambda: "svg", lambda: "json"),
    "gcode": (lambda: None, hierbrush.GcodeOptions),
    "glyphs": (lambda: [blot()], lambda: iter([blot()])),
    "groups": (lambda: ["track"],),
    "hidden": (tuple,),
    "goal": (lambda: None, lambda: "glyph", goal),
    "goals": (lambda: [goal()], lambda: np.array([0, 0]), lambda: curriculum().stages[0].goals),
    "half_width": (lambda: goal().half_width,),
    "hi": (lambda: None, lambda: np.int32(2)),
    "ink": (_raster,),
    "inks": (lambda: [blot()], lambda: np.stack([blot()])),
    "known": (lambda: None, exemplars),
    "layout": (lambda: "vertical", hierbrush.Layout),
    "lengths": (lambda: [2, 1],),
    "limits": (lambda: None, HandleLimits),
    "lo": (lambda: 0, lambda: np.int64(1)),
    "mapping": (lambda: {"cell": 0.06},),
    "mask": (lambda: blot() > 0,),
    "max_strokes": (lambda: 40,),
    "median": (lambda: goal().skeleton, lambda: [(0.1, 0.1), (0.2, 0.2)]),
    "metrics": (lambda: {"iou": 0.5},),
    "model": (BrushModel,),
    "motion": (lambda: None, hierbrush.MotionLimits),
    "n": (lambda: 2, lambda: np.int64(2)),
    "name": (lambda: "measured", lambda: "HZG", lambda: "scripted", lambda: "component means", lambda: "㇆"),
    "noise": (lambda: 0.0, lambda: 1e-4),
    "number": (lambda: 0,),
    "obs": (lambda: np.zeros((1, 219), np.float32),),
    "observation": (lambda: "track", lambda: np.zeros((1, 40, 120), np.float32)),
    "outline": (lambda: goal().outline, lambda: [(0.1, 0.1), (0.5, 0.1), (0.3, 0.4)]),
    "outlines": (lambda: [goal().outline],),
    "path": (
        lambda: "x.json",
        lambda: Path("x.png"),
        lambda: copied(WEIGHTS),
        lambda: copied(folder("curricula") / "dots.yaml"),
    ),
    "paths": (lambda: [np.array([(0.03, 0.03, 0.0), (0.05, 0.05, 0.003)])],),
    "pen": (hierbrush.writing.RecordingPen,),
    "points": (lambda: goal().skeleton,),
    "policy": (lambda: "scripted", lambda: "random"),
    "polygons": (lambda: [goal().outline],),
    "position": (lambda: (0.05, 0.05, 0.001), lambda: np.zeros((2, 3))),
    "progress": (lambda: lambda done: None,),
    "recursive": (lambda: False,),
    "reference": (_raster,),
    "relative": (lambda: 0.1,),
    "rng": (lambda: np.random.default_rng(0),),
    "rows": (lambda: BrushModel().parameters()[None],),
    "scale": (lambda: 1.0, lambda: (0.5, 1)),
    "seed": (lambda: 3, lambda: np.int64(3)),
    "shift": (lambda: (0.1, 0.2), lambda: 2),
    "side": (lambda: 64, lambda: np.int32(64)),
    "sides": (lambda: (0.3, 0.2),),
    "sigma": (lambda: 1e-4,),
    "size": (lambda: 64, lambda: np.int64(64)),
    "skeleton": (lambda: goal().skeleton,),
    "slot": (lambda: 0, lambda: np.int64(1)),
    "slots": (lambda: [0], lambda: 2, lambda: np.array([1])),
    "snapshot": (lambda: BrushBatch(BrushModel(), 2, **SMALL).snapshot(),),
    "source": (lambda: "tensors",),
    "spacing": (lambda: None, lambda: 1e-3),
    "state": (lambda: StageMachine(curriculum()).start(),),
    "stage": (lambda: 0, lambda: np.int64(1)),
    "steps": (lambda: 100, lambda: np.int64(100)),
    "stroke_lists": (lambda: False,),
    "stroke_type": (lambda: "H",),
    "stroke_types": (lambda: ["H"], lambda: ("D", "H"), lambda: iter(["H"])),
    "strokes": (lambda: [(goal().outline, goal().skeleton)],),
    "supersample": (lambda: 1, lambda: np.int64(2)),
    "target": (lambda: (0.05, 0.05, 0.001),),
    "tensors": (lambda: {"0.weight": np.zeros((3, 64), np.float32), "0.bias": np.zeros(3, np.float32)},),
    "text": (lambda: "永", lambda: "⿰木月", lambda: "一\n二"),
    "threads": (lambda: 1,),
    "track": (track,),
    "tracks": (lambda: [track()],),
    "typeface": (lambda: None, lambda: 1),
    "wanted": (lambda: load_curriculum(folder("curricula") / "composer.yaml").stages[0].characters,),
    "width": (lambda: 0.004,),
    "workers": (lambda: 1,),
    "z": (lambda: 0.001,),
    "x": (lambda: 0.01,),
    "y": (lambda: 0.01,),
}

# The same name means something else here: several objects would be refused before their other arguments are looked at.
_METHODS = ("__call__", "__contains__", "__eq__", "__format__")
_GYMNASIUM = {"get_wrapper_attr", "set_wrapper_attr", "has_wrapper_attr"}  # raise what Gymnasium says they do
# Minutes, or the whole machine: tried by name with the values above only.
_DEAR = {"workers", "threads", "most_ticks"}


def public(names: tuple[str, ...], package: str) -> Iterator[tuple[str, Callable[[], Callable[..., Any]]]]:
    """Give each callable's label and what makes it: functions and classes of modules, methods of objects."""
    for name in names:
        module = importlib.import_module(name)
        listed = getattr(module, "__all__", None) or [
            each for each, value in vars(module).items() if getattr(value, "__module__", "") == name
        ]
        for each in listed:
            value = getattr(module, each)
            if each[0] != "_" and each not in LEFT_OUT and callable(value) and hasattr(value, "__module__"):
                yield f"{name}.{each}", lambda value=value: value
    for label, make in OBJECTS[package].items():
        target = make()
        if isinstance(target, _Only):
            yield f"{label}.{target.call.__name__}", lambda make=make: make().call
            continue
        for each in dir(target):
            value = inspect.getattr_static(target, each)
            bound = isinstance(value, (classmethod, staticmethod)) or (
                inspect.isfunction(value) and not inspect.isclass(target)
            )
            if bound and each not in _GYMNASIUM and (each[0] != "_" or each in _METHODS):
                yield f"{label}.{each}", lambda make=make, each=each: getattr(make(), each)


def signature(call: Callable[..., Any]) -> list[inspect.Parameter]:
    return [each for each in inspect.signature(call).parameters.values() if each.name != "self"]


def arguments(parameters: list[inspect.Parameter], rng: random.Random) -> tuple[list[Any], dict[str, Any], list[str]]:
    """Return positional and keyword arguments, and what they look like."""
    usual = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    spoiled = {each.name for each in rng.sample(usual, min(len(usual), rng.choice((0, 1, 1, 1, 2))))}
    positional: list[Any] = []
    named: dict[str, Any] = {}
    looks: list[str] = []
    for each in usual:
        if each.name in spoiled and each.name not in _DEAR:
            value = hostile(rng)
        elif each.default is each.empty:
            value = rng.choice(NATURAL.get(each.name, (lambda: hostile(random.Random(0)),)))()
        elif each.name in NATURAL and rng.random() < 0.3:
            value = rng.choice(NATURAL[each.name])()
        else:
            continue
        looks.append(f"{each.name}={told(value)}")
        if each.kind == each.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[each.name] = value
    if any(each.kind == each.VAR_KEYWORD for each in parameters) and rng.random() < 0.7:
        name = rng.choice(("back_ratio", "root_ratio", "colour", "size", "x y", "tip"))
        if name not in named:
            named[name] = hostile(rng)
            looks.append(f"{name}={told(named[name])}")
    return positional, named, looks


@pytest.mark.parametrize("package", PACKAGES)
def test_calls(fuzz, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = list(public(PACKAGES[package], package))
    calls = {label: (make, signature(make())) for label, make in found}
    for rng in fuzz.cases(least=60):
        label = rng.choice(list(calls))
        make, parameters = calls[label]
        positional, named, looks = arguments(parameters, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what overflows on the way to being refused
            what = lambda: f"{label}({', '.join(looks)})"  # noqa: B023, E731
            # A text tells all that cannot be written, a line for each.
            lines = 21 if label.endswith(("write_text", "write_pages")) else 1
            fuzz.call(what, functools.partial(make(), *positional, **named), lines=lines)


def test_natural_arguments_are_taken() -> None:
    model = BrushModel(root_ratio=np.float32(0.25), back_ratio=np.int64(1))
    assert model.replace(width_slope=np.float64(1.0)).width(np.float32(0.004)) > 0
    assert hierbrush.sim.rasterise([goal().outline], np.int64(64), supersample=np.int32(2)).shape == (64, 64)
    # 8 bits do not hold the samples of that raster.
    small, usual = (hierbrush.sim.rasterise([goal().outline], side) for side in (np.uint8(200), 200))
    np.testing.assert_array_equal(small, usual)
    assert shipped_policy().bind(np.array(["H"])) is not None
    assert GlyphIndex(iter([blot()])).ranks([blot()], np.array([0])).tolist() == [1]
