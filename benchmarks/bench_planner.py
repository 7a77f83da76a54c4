"""What a search in the simulator brings, beside what it begins with: python benchmarks/bench_planner.py [PART ...]

Parts: ``rollouts`` (stroke IoU against rollouts), ``characters`` (whole characters), ``robust`` (brushes and hands that
are off), ``dataset`` (time and bytes of a million ticks). Times are processor seconds of one core.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import GlyphStroke, load_library, split
from hierbrush.datasets import DatasetSettings, make_dataset, read_card
from hierbrush.metrics import SIDE, disc_oracle, score, stroke_iou, stroke_width
from hierbrush.planner import Rollouts, Scenarios, plan_character, plan_strokes, planned_paths
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.rollout import stroke_policy, write_strokes

MODEL = BrushModel.preset("measured")
PARTS = ("rollouts", "characters", "robust", "dataset")

Paths = Sequence[NDArray[np.float64]]


def characters_of(part: str, count: int, seed: int) -> list[str]:
    """Return characters of a part, drawn once for all."""
    known = [char for char in load_library().characters if split(char) == part]
    return [known[at] for at in np.random.default_rng(seed).permutation(len(known))[:count]]


def strokes_of(part: str, count: int, seed: int) -> list[GlyphStroke]:
    """Return single strokes of a part's characters."""
    library = load_library()
    strokes = [stroke for char in characters_of(part, count, seed) for stroke in library[char].strokes]
    return [strokes[at] for at in np.random.default_rng(seed).permutation(len(strokes))[:count]]


def stroke_scores(paths: Paths, strokes: Sequence[GlyphStroke], side: int = SIDE) -> NDArray[np.float64]:
    """Return each stroke's IoU with its outline; at 1,024 pixels a side for whether a search fits shapes or pixels."""
    samples = 4 if side == SIDE else 1
    return np.array(
        [
            stroke_iou(
                trace(MODEL, [path], side=side, supersample=samples),
                rasterise([stroke.outline], side, supersample=samples),
            )
            for path, stroke in zip(paths, strokes, strict=True)
        ]
    )


def line(name: str, values: NDArray[np.float64], fine: NDArray[np.float64], seconds: float) -> str:
    """Return a row of the table of strokes."""
    low, finer = np.percentile(values, 5), fine.mean()
    return f"{name:24} {values.mean():.4f}  {low:.4f}  {finer:.4f}  {seconds:8.2f}"


def rollouts(part: str, count: int, seed: int) -> None:
    """Print stroke IoU against rollouts, begun at the policy and at the follower."""
    strokes = strokes_of(part, count, seed)
    goals, outlines = [stroke.goal() for stroke in strokes], [stroke.outline for stroke in strokes]
    print(f"{len(strokes)} {part} strokes     IoU     5 %     at 1,024  s a stroke")
    for name in ("random", "scripted", "learned"):
        paths = write_strokes(goals, MODEL, policy=name)
        print(line(name, stroke_scores(paths, strokes), stroke_scores(paths, strokes, 1024), 0.0))
    discs = np.array([stroke_iou(disc_oracle([(each.outline, each.median)], SIDE), rasterise([each.outline], SIDE))
                      for each in strokes])  # fmt: skip
    print(f"{'disc oracle':24} {discs.mean():.4f}  {np.percentile(discs, 5):.4f}")
    for begun, policy in (("learned", stroke_policy("learned")), ("follower", None)):
        for budget in (300, 1200, 2400, 9600):
            began = time.process_time()
            plans = plan_strokes(goals, MODEL, policy=policy, outlines=outlines, budget=budget, seed=seed)
            seconds = (time.process_time() - began) / len(goals)
            paths = planned_paths(goals, [plan.actions for plan in plans], MODEL)
            name = f"{budget:,} from {begun}"
            print(line(name, stroke_scores(paths, strokes), stroke_scores(paths, strokes, 1024), seconds), flush=True)


def whole_characters(part: str, count: int, seed: int, budget: int) -> None:
    """Print character and stroke IoU of the learned policy and of plans."""
    library, policy = load_library(), stroke_policy("learned")
    rows: dict[str, list[tuple[float, float, float]]] = {"scripted": [], "learned": [], "planned": []}
    strokes: dict[str, list[float]] = {name: [] for name in rows}
    seconds = 0.0
    for char in characters_of(part, count, seed):
        glyph = library[char].strokes
        goals, outlines = [stroke.goal() for stroke in glyph], [stroke.outline for stroke in glyph]
        began = time.process_time()
        planned = plan_character(goals, MODEL, policy=policy, outlines=outlines, budget=budget, seed=seed)
        seconds += time.process_time() - began
        written = {name: write_strokes(goals, MODEL, policy=name) for name in ("scripted", "learned")}
        whole = rasterise(outlines, SIDE)
        for name, paths in {**written, "planned": planned.paths}.items():
            ink = trace(MODEL, paths)
            scores = score(ink, whole)
            rows[name].append((scores.iou, scores.chamfer, stroke_width(ink) / stroke_width(whole)))
            strokes[name] += stroke_scores(paths, glyph).tolist()
    print(f"{count} {part} characters, {budget:,} rollouts a stroke, {seconds / count:.1f} s a character")
    print("            character IoU    5 %   Chamfer  width  stroke IoU    5 %")
    for name, found in rows.items():
        iou, chamfer, width = np.array(found).T
        of_strokes = np.array(strokes[name])
        print(
            f"{name:12}       {iou.mean():.4f} {np.percentile(iou, 5):.4f}   {chamfer.mean():.5f}  {width.mean():.3f}  "
            f"    {of_strokes.mean():.4f} {np.percentile(of_strokes, 5):.4f}"
        )


def robust(part: str, count: int, seed: int) -> None:
    """Print what exact and robust plans come to where brush and hand are off in ways that no search has seen."""
    strokes = strokes_of(part, count, seed)
    goals, outlines = [stroke.goal() for stroke in strokes], [stroke.outline for stroke in strokes]
    policy, rng = stroke_policy("learned"), np.random.default_rng(seed + 1)
    off = MODEL.randomised(32, 0.1, rng)
    hands = rng.normal(0.0, 0.0005, (32, 3))
    right, still = np.repeat(MODEL.parameters()[None], 32, axis=0), np.zeros((32, 3))
    tests = {
        "exact": Scenarios.exact(MODEL),
        "brush": Scenarios(off, still),
        "hand": Scenarios(right, hands),
        "both": Scenarios(off, hands),
    }
    searched = Scenarios.disturbed(MODEL)
    plans = {
        "the policy's actions": (1, None),
        "600": (600, None),
        "600 robust": (600 * len(searched), searched),
    }
    print(f"{len(strokes)} {part} strokes    " + "   ".join(f"{name:6}" for name in tests) + "  s a stroke")
    for name, (budget, scenarios) in plans.items():
        began = time.process_time()
        found = plan_strokes(
            goals, MODEL, policy=policy, outlines=outlines, budget=budget, seed=seed, scenarios=scenarios
        )
        seconds = (time.process_time() - began) / len(goals)
        figures = []
        for test in tests.values():
            ious = []
            for goal, outline, plan in zip(goals, outlines, found, strict=True):
                written = Rollouts(goal, MODEL, rasterise([outline], SIDE), 1, scenarios=test)
                ious.append(written.iou(written.write(plan.actions[None]))[0])
            figures.append(f"{np.mean(ious):.4f}")
        print(f"{name:22} " + "   ".join(figures) + f"  {seconds:.2f}", flush=True)


def dataset(ticks: int, seed: int) -> None:
    """Print what a data set of each kind costs."""
    for kind in ("planned", "policy", "noisy", "random"):
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            place = make_dataset(Path(folder, "set"), DatasetSettings(ticks=ticks, kinds={kind: 1}, seed=seed))
            seconds = time.process_time() - began
            card = read_card(place)
        assert card is not None
        size = card["bytes"] / card["ticks"]
        print(f"{kind:8} {size:6.0f} bytes a tick, a million ticks in {seconds / card['ticks'] * 1e6 / 60:.1f} minutes")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--part", default="test", type=click.Choice(("validation", "test")), show_default=True)
@click.option("--count", default=64, show_default=True, help="Strokes, or characters.")
@click.option("--budget", default=2400, show_default=True, help="Rollouts a stroke of whole characters.")
@click.option("--ticks", default=10_000, show_default=True, help="Of each data set.")
@click.option("--seed", default=0, show_default=True)
def main(parts: tuple[str, ...], part: str, count: int, budget: int, ticks: int, seed: int) -> None:
    """Print the tables of docs/planning.md."""
    work: dict[str, Callable[[], None]] = {
        "rollouts": lambda: rollouts(part, count, seed),
        "characters": lambda: whole_characters(part, count, seed, budget),
        "robust": lambda: robust(part, count, seed),
        "dataset": lambda: dataset(ticks, seed),
    }
    for name in parts or PARTS:
        work[name]()
        print(flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
