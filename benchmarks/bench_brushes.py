"""Identification in numbers: known brushes recovered, a brush of another kind written with, tufts not straightened.

python benchmarks/bench_brushes.py recover       # known brushes, from clean pictures and under scatter, three seeds
python benchmarks/bench_brushes.py hairs         # stroke IoU on a brush of elastic hairs, before and after the fit
python benchmarks/bench_brushes.py straighten    # stroke IoU when the tuft stays bent from stroke to stroke
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from hierbrush import write_characters
from hierbrush.brushes import CalibrationSheet, fit_brush
from hierbrush.brushes.fit import NAMES, model_of
from hierbrush.brushes.sheet import CELL_WIDTH
from hierbrush.characters import load_library, split
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.sim import BOX, BrushModel, rasterise
from hierbrush.sources import Request, plans_of
from hierbrush.strokes.rollout import write_strokes

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def random_brush(seed: int) -> BrushModel:
    """Return a brush up to a quarter off the measured one in each of its numbers."""
    rng = np.random.default_rng([seed, 30])
    own = BrushModel()
    changed = {name: getattr(own, name) * rng.uniform(0.75, 1.25) for name in NAMES}
    changed["max_depth"] = rng.uniform(0.011, 0.0145)
    return own.replace(**changed)


def recover(seeds: int, scatters: list[float]) -> None:
    sheet = CalibrationSheet()
    print("error of each number, %:", " ".join(name.replace("_", " ") for name in NAMES))
    for scatter in scatters:
        for seed in range(seeds):
            true = random_brush(seed)
            rng = np.random.default_rng(seed)
            rows = true.randomised(45, scatter, rng) if scatter else np.tile(true.parameters(), (45, 1))
            fit = fit_brush(sheet.render(rows), scatter=0.2 if scatter else 0.0)
            # What the strokes have in common is the brush as it was on the sheet.
            mean = rows.mean(axis=0)
            error = 100 * (fit.model.parameters() / mean - 1)
            unsure = f"  not determined: {', '.join(fit.undetermined)}" if fit.undetermined else ""
            known = model_of(mean)
            for what in ("width", "length", "offset"):
                marks = [getattr(fit.model, what)(z) / getattr(known, what)(z) - 1 for z in (0.004, 0.008, 0.012)]
                print(f"  {what} of the mark at 4, 8, 12 mm, %: " + " ".join(f"{100 * off:5.2f}" for off in marks))
            print(f"±{scatter:.0%}, seed {seed}: " + " ".join(f"{value:6.2f}" for value in error) + unsure, flush=True)


def hairs(characters: int) -> None:
    from brushes.hairs import HairBrush

    brush, sheet = HairBrush(), CalibrationSheet()
    wide = [brush.trace([cell.path], side=256, box=CELL_WIDTH, height=188) for cell in sheet.cells]
    ink = np.stack([picture.reshape(94, 2, 128, 2).mean(axis=(1, 3)) for picture in wide]).astype(np.float32)
    fit = fit_brush(ink)
    print("fitted, not determined:", ", ".join(fit.undetermined) or "none", flush=True)
    chars = [char for char in load_library() if split(char) == "validation"][::40][:characters]
    goals = [goal for plan in plans_of(chars, Request()) for goal in plan.goals]
    wanted = [rasterise([goal.outline], SIDE) for goal in goals]
    for name, model in (("measured", BrushModel()), ("fitted", fit.model)):
        for policy in ("scripted", "learned"):
            paths = write_strokes(goals, model, policy=policy)
            got = [
                stroke_iou(brush.trace([path], side=SIDE, box=BOX), mask)
                for path, mask in zip(paths, wanted, strict=True)
            ]
            from hierbrush.sim import trace

            own = [stroke_iou(trace(model, [path]), mask) for path, mask in zip(paths, wanted, strict=True)]
            print(f"{name:9s} {policy:9s} stroke IoU on hairs {np.mean(got):.3f}, on its own model {np.mean(own):.3f} "
                  f"({len(goals)} strokes)", flush=True)  # fmt: skip


def straighten(characters: int) -> None:
    chars = [char for char in load_library() if split(char) == "validation"][::8][:characters]
    for policy in ("learned", "scripted"):
        for name, how in (
            ("a dip before each stroke", {}),
            ("on a stone, shaped", {"stone": {}}),
            ("on a stone, not shaped", {"stone": {"strokes": 0}}),
            ("one dip a character", {"dip": "character"}),
            ("dips as the ink lasts", {"dip": "auto"}),
        ):
            writings = write_characters(chars, policy=policy, **how)
            ious = [stroke.iou for writing in writings for stroke in writing.strokes]
            whole = [writing.scores.iou for writing in writings]
            low = np.percentile(ious, 5)
            print(f"{policy:9s} {name:25s} stroke IoU {np.mean(ious):.4f} (5 %: {low:.3f}), whole {np.mean(whole):.4f}",
                  flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("recover", "hairs", "straighten"))
    parser.add_argument("--seeds", type=int, default=3, help="brushes to recover")
    parser.add_argument("--scatter", type=float, nargs="+", default=[0.0, 0.15, 0.25], help="how much strokes differ")
    parser.add_argument("--characters", type=int, default=12, help="validation characters to write")
    arguments = parser.parse_args()
    if arguments.what == "recover":
        recover(arguments.seeds, arguments.scatter)
    else:
        {"hairs": hairs, "straighten": straighten}[arguments.what](arguments.characters)


if __name__ == "__main__":
    main()
