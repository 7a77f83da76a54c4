"""Identification in numbers: known brushes recovered, a brush of another kind written with, tufts not straightened.

python benchmarks/bench_brushes.py recover       # known brushes, from clean pictures and under scatter, three seeds
python benchmarks/bench_brushes.py hairs         # stroke IoU on a brush of elastic hairs, before and after the fit
python benchmarks/bench_brushes.py neural        # a network learned from the hairs' footprints
python benchmarks/bench_brushes.py straighten    # stroke IoU when the tuft stays bent from stroke to stroke
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hierbrush import write_characters
from hierbrush.brushes import CalibrationSheet, fit_brush
from hierbrush.brushes.brush_file import brush_of
from hierbrush.brushes.fit import NAMES, model_of
from hierbrush.brushes.identified import BrushFile, brush_text
from hierbrush.brushes.neural import WAYS, Footprints, fit_network, movements, reach_of
from hierbrush.brushes.scan import find_sheet
from hierbrush.brushes.sheet import CELL_WIDTH
from hierbrush.characters import load_library, split
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.sim import BOX, BrushBatch, BrushModel, rasterise, trace
from hierbrush.sources import Request, plans_of
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import write_strokes

if TYPE_CHECKING:
    from brushes.hairs import HairBrush

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def random_brush(seed: int) -> BrushModel:
    """Return a brush up to a quarter off the measured one in each of its numbers."""
    rng = np.random.default_rng([seed, 30])
    own = BrushModel()
    changed = {name: getattr(own, name) * rng.uniform(0.75, 1.25) for name in NAMES}
    changed["max_depth"] = rng.uniform(0.011, 0.0145)
    return own.replace(**changed)


def recover(
    seeds: list[int], scatters: list[float], sheets: list[int], starts: int = 3, photo: bool = False
) -> dict[str, Any]:
    """Print and return how far from known brushes a fit ends: by scatter, sheets and seed."""
    print("error of each number, its standard error as the fit tells it, and the sheets that would determine it:")
    print(" ".join(name.replace("_", " ") for name in NAMES))
    return {
        f"{scatter:.0%}, sheets {pages}, seed {seed}": recovered(seed, scatter, pages, starts, photo)
        for scatter in scatters
        for pages in (sheets if scatter else [1])
        for seed in seeds
    }


def photographed(page: NDArray[np.uint8], seed: int) -> NDArray[np.float32]:
    """Return a page as photographed: from one side, in uneven light with a shadow across, noisy, kept as JPEG."""
    from PIL import Image

    height, width = page.shape
    tall, wide = height + 200, width + 200
    rows, values = [], []
    for (x, y), (u, v) in zip(
        [(120, 60), (width + 40, 90), (width + 100, height + 130), (50, height + 60)],
        [(0, 0), (width, 0), (width, height), (0, height)],
        strict=True,
    ):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    turned = Image.fromarray(page).transform(
        (wide, tall),
        Image.Transform.PERSPECTIVE,
        tuple(np.linalg.solve(np.array(rows, float), np.array(values, float))),
        Image.Resampling.BICUBIC,
        fillcolor=255,
    )
    y, x = np.mgrid[:tall, :wide]
    light = 0.92 - 0.25 * x / wide * y / tall - 0.12 / (1 + np.exp(-(x + 0.4 * y - 1.1 * wide) / 40))
    grey = np.asarray(turned) * light + np.random.default_rng(seed).normal(0, 4, (tall, wide))
    file = BytesIO()
    Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=88)
    return np.asarray(Image.open(file), np.float32) / 255.0


def recovered(seed: int, scatter: float, pages: int, starts: int, photo: bool) -> dict[str, Any]:
    sheet, true, rng = CalibrationSheet(pages), random_brush(seed), np.random.default_rng(seed)
    count = len(sheet.cells)
    rows = true.randomised(count, scatter, rng) if scatter else np.tile(true.parameters(), (count, 1))
    ink = sheet.render(rows)
    if photo:
        each = len(ink) // pages
        shown = [sheet.picture(ink[at * each : (at + 1) * each], 200.0) for at in range(pages)]
        ink = np.concatenate([find_sheet(photographed(page, seed)).ink for page in shown])
    start = time.process_time()
    fit = fit_brush(ink, scatter=0.2 if scatter else 0.0, starts=starts)
    seconds = time.process_time() - start
    # What the strokes have in common is the brush as it was on the sheet.
    mean = rows.mean(axis=0)
    found, known = fit.model.parameters(), model_of(mean)
    off = dict(zip(NAMES, (100 * np.abs(found / mean - 1)).tolist(), strict=True))
    told = dict(zip(NAMES, (100 * fit.error / np.abs(found)).tolist(), strict=True))
    marks = {
        what: [100 * (getattr(fit.model, what)(z) / getattr(known, what)(z) - 1) for z in (0.004, 0.008, 0.012)]
        for what in ("width", "length", "offset")
    }
    print(f"±{scatter:.0%}, sheets {pages}, seed {seed} ({seconds:.0f} s): not determined: "
          f"{', '.join(fit.undetermined) or '-'}")  # fmt: skip
    for what, values in (("error, %", off.values()), ("told, %", told.values()), ("sheets", fit.sheets)):
        print(f"  {what:9s}" + " ".join(f"{value:7.1f}" for value in values), flush=True)
    for what, at in marks.items():
        print(f"  {what} of the mark at 4, 8, 12 mm, %: " + " ".join(f"{value:5.2f}" for value in at), flush=True)
    return {
        "error": off,
        "worst": max(off.values()),
        "told": told,
        "undetermined": ", ".join(name.replace("_", " ") for name in fit.undetermined) or "–",
        "marks": marks,
        "seconds": round(seconds),
    }


def hairs(characters: int, brush: Path | None, network: Path | None, policies: list[str], starts: int) -> None:
    """Print how strokes come out on elastic hairs, planned and written for brushes of hierbrush."""
    from brushes.hairs import HairBrush

    stand_in = HairBrush()
    models = {"measured": BrushModel(), "fitted": brush_of(str(brush)) if brush else fitted_to_hairs(stand_in, starts)}
    if network is not None:
        models["neural"] = brush_of(str(network))
    goals, kinds = validation_goals(characters)
    wanted = [rasterise([goal.outline], SIDE) for goal in goals]
    for name, model in models.items():
        for policy in ("scripted", "learned", *policies):
            if name == "measured" and policy in policies:
                continue
            paths = write_strokes(goals, model, policy=policy)
            pairs = list(zip(paths, wanted, kinds, strict=True))
            got = np.array([stroke_iou(stand_in.trace([path], side=SIDE, box=BOX), mask) for path, mask, _ in pairs])
            own = [stroke_iou(trace(model, [path]), mask) for path, mask, _ in pairs]
            common = [kind for kind, _ in Counter(kinds).most_common(5)]
            each = "  ".join(f"{kind} {got[[k == kind for k in kinds]].mean():.3f}" for kind in common)
            print(f"{name:9s} {policy:20s} on hairs {got.mean():.4f} (5 %: {np.percentile(got, 5):.3f}), on its own "
                  f"model {np.mean(own):.4f}; on hairs {each}", flush=True)  # fmt: skip


def validation_goals(characters: int) -> tuple[list[StrokeGoal], list[str]]:
    chars = [char for char in load_library() if split(char) == "validation"][::40][:characters]
    goals = [goal for plan in plans_of(chars, Request()) for goal in plan.goals]
    return goals, [goal.stroke_type for goal in goals]


def fitted_to_hairs(stand_in: HairBrush, starts: int) -> BrushModel:
    sheet = CalibrationSheet()
    wide = [stand_in.trace([cell.path], side=256, box=CELL_WIDTH, height=188) for cell in sheet.cells]
    ink = np.stack([picture.reshape(94, 2, 128, 2).mean(axis=(1, 3)) for picture in wide]).astype(np.float32)
    fit = fit_brush(ink, starts=starts)
    print("fitted, not determined:", ", ".join(fit.undetermined) or "none", flush=True)
    return fit.model


def neural(brush: Path | None, output: Path | None, rounds: int, starts: int) -> None:
    """Learn a network from movements of elastic hairs; print how footprints of held-out movements agree."""
    from brushes.hairs import HairBrush, discs

    pixel, side, ticks = 4e-4, 96, 50
    stand_in = HairBrush()

    def looked_at(
        paths: NDArray[np.float64], every: int
    ) -> tuple[Footprints, dict[tuple[int, int], NDArray[np.bool_]]]:
        reach, pictures = np.full((len(paths), ticks, WAYS), np.nan), {}
        for at, path in enumerate(paths):
            for tick, stamps in enumerate(stand_in.stamps(path, step=5e-4), 1):
                if tick % every == 0:
                    places = (stamps.points[-1].reshape(-1, 2) - path[tick, :2]) / pixel + side / 2
                    picture = discs(places, stamps.radii[-1].ravel() / pixel, (side, side))
                    pictures[at, tick], reach[at, tick - 1] = picture, reach_of(picture, pixel)
        return Footprints(paths, reach), pictures

    model = brush_of(str(brush)) if brush else fitted_to_hairs(stand_in, starts)
    start = time.process_time()
    seen, _ = looked_at(movements(60, ticks, 1), 5)
    found = fit_network(model, seen, rounds=rounds)
    print(f"learned from 60 movements of {ticks} ticks, {np.isfinite(seen.reach[..., 0]).sum()} footprints, in "
          f"{time.process_time() - start:.0f} s of one core")  # fmt: skip
    if output is not None:
        output.write_text(brush_text(BrushFile(found)), encoding="utf-8")
    held = movements(40, ticks, 2)
    _, pictures = looked_at(held, 10)
    for name, one in (("measured", BrushModel()), ("fitted", model), ("neural", found)):
        batch, ious = BrushBatch(one, len(held), side=64), {}
        batch.dip()
        batch.place(held[:, 0])
        for tick in range(1, ticks + 1):
            batch.step(held[:, tick])
            for at in range(len(held)) if tick % 10 == 0 else ():
                own = batch.footprint(at) - held[at, tick, :2] + side * pixel / 2
                ours = rasterise([own / (side * pixel)], side) >= 0.5
                theirs = pictures[at, tick]
                ious.setdefault(tick, []).append((ours & theirs).sum() / max((ours | theirs).sum(), 1))
        print(f"{name:9s} footprint IoU after", "  ".join(f"{tick} ticks {np.mean(v):.3f}" for tick, v in ious.items()))
    for name, one in (("fitted", model), ("neural", found)):
        batch = BrushBatch(one, 256, side=256, supersample=2)
        rows = np.random.default_rng(0).uniform([0.02, 0.02, 0.003], [0.1, 0.1, 0.01], (200, 256, 3))
        start = time.process_time()
        for row in rows:
            batch.step(batch.position + np.clip(row - batch.position, -0.0025, 0.0025))
        print(f"{name:9s} {200 * 256 / (time.process_time() - start):,.0f} ticks a second of one core")


def straighten(characters: int, policies: list[str]) -> None:
    chars = [char for char in load_library() if split(char) == "validation"][::8][:characters]
    for policy in ("learned", "scripted", *policies):
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
    parser.add_argument("what", choices=("recover", "hairs", "neural", "straighten"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="brushes to recover")
    parser.add_argument("--scatter", type=float, nargs="+", default=[0.0, 0.15, 0.25], help="how much strokes differ")
    parser.add_argument("--sheets", type=int, nargs="+", default=[1], help="how many are filled, where strokes differ")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--brush", type=Path, help="what was fitted to the hairs before, instead of a new fit")
    parser.add_argument("--starts", type=int, default=3, help="from how many places a fit begins")
    parser.add_argument("--photo", action="store_true", help="recover from photographs, not from clean pictures")
    parser.add_argument("--network", type=Path, help="a neural brush to write hairs for as well")
    parser.add_argument(
        "--policy", nargs="*", default=[], help="folders of trainings: with the fitted brush, or bent tufts"
    )
    parser.add_argument("-o", "--output", type=Path, help="where the neural brush goes")
    parser.add_argument("--rounds", type=int, default=12, help="of learning a neural brush")
    parser.add_argument("--characters", type=int, default=12, help="validation characters to write")
    arguments = parser.parse_args()
    if arguments.what == "recover":
        figures = recover(arguments.seeds, arguments.scatter, arguments.sheets, arguments.starts, arguments.photo)
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(figures), encoding="utf-8")
    elif arguments.what == "hairs":
        hairs(arguments.characters, arguments.brush, arguments.network, arguments.policy, arguments.starts)
    elif arguments.what == "neural":
        neural(arguments.brush, arguments.output, arguments.rounds, arguments.starts)
    else:
        straighten(arguments.characters, arguments.policy)


if __name__ == "__main__":
    main()
