"""What a search in the simulator brings, beside what it begins with: python benchmarks/bench_planner.py [PART ...]

Parts: ``rollouts`` (stroke IoU against rollouts), ``characters`` (whole characters), ``copies`` (characters of fonts,
given by ``--font``, which may be repeated, by their strokes and by the skeleton alone), ``robust`` (brushes and hands
that are off), ``dataset`` (time and bytes of a million ticks). Rows are told on standard error as they are measured;
the figures of a part, or of several by their names, are printed as JSON. Times are processor seconds of one core;
``error`` is one standard error of the mean.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import GlyphStroke, load_library, split
from hierbrush.datasets import DatasetSettings, make_dataset, read_card
from hierbrush.metrics import SIDE, disc_oracle, score, stroke_iou, stroke_width
from hierbrush.planner import Rollouts, Scenarios, plan_character, plan_strokes, planned_paths
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import stroke_policy, write_strokes
from hierbrush.styles.chosen import is_common
from hierbrush.styles.fonts import open_font
from hierbrush.styles.registration import register
from hierbrush.styles.skeleton_route import strokes_of_ink

MODEL = BrushModel.preset("measured")
PARTS = ("rollouts", "characters", "copies", "robust", "dataset")

Paths = Sequence[NDArray[np.float64]]
Figures = dict[str, Any]


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


def error(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the standard error of a mean."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def summary(values: Sequence[float] | NDArray[np.float64]) -> dict[str, float]:
    """Return mean, standard error and 5th percentile."""
    return {"mean": float(np.mean(values)), "error": error(values), "p5": float(np.percentile(values, 5))}


def told(name: str, figures: Figures) -> None:
    """Print a row's figures as it is measured."""
    cells = [
        f"{key} " + (" ".join(f"{part:.4f}" for part in value.values()) if isinstance(value, dict) else f"{value:.4g}")
        for key, value in figures.items()
    ]
    print(f"{name:28} {'  '.join(cells)}", file=sys.stderr, flush=True)


def rollouts(part: str, count: int, seed: int, budgets: Sequence[int]) -> Figures:
    """Return stroke IoU against rollouts, begun at the policy and at the follower, beside the controls."""
    strokes = strokes_of(part, count, seed)
    goals, outlines = [stroke.goal() for stroke in strokes], [stroke.outline for stroke in strokes]
    rows: Figures = {}

    def add(name: str, paths: Paths, seconds: float) -> None:
        coarse, fine = stroke_scores(paths, strokes), stroke_scores(paths, strokes, 1024)
        rows[name] = {"iou": summary(coarse), "fine": summary(fine), "seconds": seconds}
        told(name, rows[name])

    for name in ("random", "scripted", "learned"):
        add(name, write_strokes(goals, MODEL, policy=name), 0.0)
    discs = [stroke_iou(disc_oracle([(each.outline, each.median)], SIDE), rasterise([each.outline], SIDE))
             for each in strokes]  # fmt: skip
    rows["disc oracle"] = {"iou": summary(discs)}
    for begun, policy in (("learned", stroke_policy("learned")), ("follower", None)):
        for budget in budgets:
            began = time.process_time()
            plans = plan_strokes(goals, MODEL, policy=policy, outlines=outlines, budget=budget, seed=seed)
            seconds = (time.process_time() - began) / len(goals)
            add(f"{budget} from {begun}", planned_paths(goals, [plan.actions for plan in plans], MODEL), seconds)
    return {"part": part, "strokes": len(strokes), "rows": rows}


def whole_characters(part: str, count: int, seed: int, budget: int) -> Figures:
    """Return character and stroke IoU of the learned policy and of plans."""
    library, policy = load_library(), stroke_policy("learned")
    rows: dict[str, list[tuple[float, float, float]]] = {"scripted": [], "learned": [], "planned": []}
    strokes: dict[str, list[float]] = {name: [] for name in rows}
    seconds, chars = 0.0, characters_of(part, count, seed)
    for char in chars:
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
    figures: Figures = {
        "part": part,
        "characters": len(chars),
        "strokes": len(strokes["planned"]),
        "budget": budget,
        "seconds": seconds / len(chars),
        "rows": {},
    }
    for name, found in rows.items():
        iou, chamfer, width = np.array(found).T
        figures["rows"][name] = {
            "iou": summary(iou),
            "stroke_iou": summary(strokes[name]),
            "chamfer": float(chamfer.mean()),
            "width": float(width.mean()),
        }
        told(name, figures["rows"][name])
    return figures


def copies(part: str, count: int, seed: int, budget: int, fonts: Sequence[Path]) -> Figures:
    """Return the IoU of fonts' characters with their glyphs, by their strokes and by the skeleton alone."""
    policy, figures = stroke_policy("learned"), {}
    for file in fonts:
        font, known = open_font(file), set(characters_of(part, 10**6, seed))
        shared = [char for char in font.characters if char in known and is_common(char)]
        order = np.random.default_rng(seed).permutation(len(shared))
        chars = [shared[at] for at in order]
        for route in ("strokes", "skeleton"):
            rows: dict[str, list[float]] = {"scripted": [], "learned": [], "planned": []}
            widths: list[float] = []
            asked, began = 0, time.process_time()
            while chars[asked:] and len(rows["planned"]) < count:
                char, asked = chars[asked], asked + 1
                ink = font.ink(char, SIDE)
                goals = strokes_of_ink(ink) if route == "skeleton" else _registered(ink, char)
                if goals is None:
                    continue
                found = plan_character(goals, MODEL, policy=policy, picture=ink, budget=budget, seed=seed)
                written = {name: write_strokes(goals, MODEL, policy=name) for name in ("scripted", "learned")}
                inks = {name: trace(MODEL, paths) for name, paths in {**written, "planned": found.paths}.items()}
                for name, one in inks.items():
                    rows[name].append(score(one, ink).iou)
                widths.append(stroke_width(inks["planned"]) / stroke_width(ink))
            name = f"{file.stem} by {route}"
            figures[name] = {key: summary(ious) for key, ious in rows.items()} | {
                "width": float(np.mean(widths)),
                "seconds": (time.process_time() - began) / max(len(widths), 1),
                "written": len(widths),
                "asked": asked,
            }
            told(name, figures[name])
    return {"part": part, "budget": budget, "rows": figures}


def _registered(ink: NDArray[np.float32], char: str) -> list[StrokeGoal] | None:
    """Return the strokes of a character where they are surely found in a font's ink."""
    found = register(ink, load_library()[char])
    return list(found.goals) if found.accepted else None


def robust(part: str, count: int, seed: int) -> Figures:
    """Return what exact and robust plans come to where brush and hand are off in ways that no search has seen."""
    strokes = strokes_of(part, count, seed)
    goals, outlines = [stroke.goal() for stroke in strokes], [stroke.outline for stroke in strokes]
    policy, rng = stroke_policy("learned"), np.random.default_rng(seed + 1)
    off = MODEL.randomised(32, 0.1, rng)
    hands = rng.normal(0.0, 0.0005, (32, 3))
    right, still = np.repeat(MODEL.parameters()[None], 32, axis=0), np.zeros((32, 3))
    searched = Scenarios.disturbed(MODEL)
    tests = {
        "exact": Scenarios.exact(MODEL),
        "searched": searched,
        "brush": Scenarios(off, still),
        "hand": Scenarios(right, hands),
        "both": Scenarios(off, hands),
    }
    equal = 600 * len(searched)
    plans = {
        "replayed": (1, None),
        "600 rollouts": (600, None),
        f"{equal} rollouts": (equal, None),
        f"{equal} robust": (equal, searched),
    }
    seeing = [float(np.mean([_seen_iou(goals, outlines, brush) for brush in some])) for some in (right[:1], off[:8])]
    rows: Figures = {"seeing": dict(zip(("exact", "brush"), seeing, strict=True))}
    told("seeing", rows["seeing"])
    for name, (budget, scenarios) in plans.items():
        began = time.process_time()
        found = plan_strokes(
            goals, MODEL, policy=policy, outlines=outlines, budget=budget, seed=seed, scenarios=scenarios
        )
        rows[name] = {"seconds": (time.process_time() - began) / len(goals)}
        for key, test in tests.items():
            ious = []
            for goal, outline, plan in zip(goals, outlines, found, strict=True):
                written = Rollouts(goal, MODEL, rasterise([outline], SIDE), 1, scenarios=test)
                ious.append(written.iou(written.write(plan.actions[None]))[0])
            rows[name][key] = float(np.mean(ious))
        told(name, rows[name])
    return {"part": part, "strokes": len(strokes), "cases": len(searched), "rows": rows}


def _seen_iou(
    goals: Sequence[StrokeGoal], outlines: Sequence[NDArray[np.float32]], brush: NDArray[np.float64]
) -> float:
    """Return the mean IoU of the policy as it acts by what it sees, with a brush that it was not told of."""
    paths = write_strokes(goals, MODEL, policy="learned", brushes=np.repeat(brush[None], len(goals), axis=0))
    inks = (trace(brush[None], [path], side=SIDE) for path in paths)
    return float(np.mean([stroke_iou(ink, rasterise([each], SIDE)) for ink, each in zip(inks, outlines, strict=True)]))


def dataset(ticks: int, seed: int) -> Figures:
    """Return what a data set of each kind costs, as Parquet and for LeRobot with and without pictures."""
    rows: Figures = {}
    for kind in ("planned", "policy", "noisy", "random"):
        rows[kind] = _cost(DatasetSettings(ticks=ticks, kinds={kind: 1}, seed=seed))
        told(kind, rows[kind])
    for name, pictures in (("lerobot", 0), ("lerobot, pictures", 128)):
        settings = DatasetSettings(ticks=ticks, kinds={"policy": 1}, seed=seed, pictures=pictures)
        rows[name] = _cost(settings, "lerobot")
        told(name, rows[name])
    return {"rows": rows}


def _cost(settings: DatasetSettings, kind: str = "rllib") -> Figures:
    """Return bytes a tick, and processor minutes of a million ticks."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        place = make_dataset(Path(folder, "set"), settings, format=kind)
        seconds = time.process_time() - began
        card = read_card(place)
    assert card is not None
    return {"bytes": card["bytes"] / card["ticks"], "minutes": seconds / card["ticks"] * 1e6 / 60}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--part", default="test", type=click.Choice(("validation", "test")), show_default=True)
@click.option("--count", default=64, show_default=True, help="Strokes, or characters.")
@click.option("--budget", default=2400, show_default=True, help="Rollouts a stroke of whole characters.")
@click.option("--ticks", default=10_000, show_default=True, help="Of each data set.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--rollouts", "budgets", multiple=True, type=int, default=(300, 1200, 2400, 9600), help="Of the first part."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here instead.")
@click.option("--font", "fonts", multiple=True, type=click.Path(path_type=Path, exists=True), help="Of the copies.")
def main(
    parts: tuple[str, ...],
    part: str,
    count: int,
    budget: int,
    ticks: int,
    seed: int,
    budgets: tuple[int, ...],
    fonts: tuple[Path, ...],
    json_file: Path | None,
) -> None:
    """Measure the tables of docs/planning.md, and print them as JSON."""
    work: dict[str, Callable[[], Figures]] = {
        "rollouts": lambda: rollouts(part, count, seed, budgets),
        "characters": lambda: whole_characters(part, count, seed, budget),
        "copies": lambda: copies(part, count, seed, budget, fonts),
        "robust": lambda: robust(part, count, seed),
        "dataset": lambda: dataset(ticks, seed),
    }
    figures = {name: work[name]() for name in parts or PARTS}
    text = json.dumps(figures[parts[0]] if len(parts) == 1 else figures, ensure_ascii=False, indent=1)
    if json_file is None:
        print(text)
    else:
        json_file.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
