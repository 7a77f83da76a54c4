"""Dry strokes in numbers: coverage, widths of white gaps across and along, autocorrelation; ours, and those of scans.

    python benchmarks/bench_ink.py                # ours beside the published figures of real ones, and what ink costs
    python benchmarks/bench_ink.py SCANS --dpi 400   # the same of a folder of scans, half of their strokes kept aside

A scan is a picture of dark strokes on light paper, apart from each other; they are found, turned level and cut free.
Every second stroke is printed as "tune", the others as "test": an ink tuned on the first must fit the second.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush import write_character
from hierbrush.ink import PRESETS, Ink, Sketch, ink_picture, record
from hierbrush.sim import BrushModel, trace

SHARES = (5, 25, 50, 75, 95)
LAGS = (0.13, 0.5, 2.0)
# 40 strokes of a flat brush, about 400 dpi: the public scans of Ardibid/ArtisticStyleRoboticPainting (MIT).
PUBLISHED = {
    "coverage": (0.55, 0.74, 0.83, 0.85, 0.86),
    "gap across, mm": (np.nan, 0.13, 0.25, 0.51, 1.27),
    "gap along, mm": (np.nan, 0.13, 0.32, 0.76, 2.6),
    "autocorrelation across": (0.73, 0.37, 0.19),
}

Picture = NDArray[np.float32]


def gaps(ink: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lengths of the white runs between ink in each row of ``ink``, in pixels."""
    found = []
    for row in ink:
        change = np.flatnonzero(np.diff(row.astype(np.int8)))
        if row.any() and len(change):
            runs = np.diff(change)
            starts_white = row[change[:-1] + 1] == 0
            found.append(runs[starts_white])
    return np.concatenate(found) if found else np.empty(0, np.int64)


def statistics(strokes: list[Picture], mm: float) -> dict[str, tuple[float, ...]]:
    """Return the figures of level strokes [across, along], 1 = ink, with pixels of ``mm`` millimetres."""
    inked = [stroke > 0.5 for stroke in strokes]
    coverage = [ink.mean() for ink in inked]
    across = np.concatenate([gaps(ink.T) for ink in inked]) * mm
    along = np.concatenate([gaps(ink) for ink in inked]) * mm
    alike = []
    for stroke in inked:
        part = stroke.astype(float) - stroke.mean()
        power = (part * part).mean()
        lags = [max(round(lag / mm), 1) for lag in LAGS]
        if power > 0 and min(part.shape) > max(lags):
            alike.append([(part[:-lag] * part[lag:]).mean() / power for lag in lags])
    return {
        "coverage": tuple(np.percentile(coverage, SHARES)),
        "gap across, mm": tuple(np.percentile(across, SHARES)) if len(across) else (np.nan,) * 5,
        "gap along, mm": tuple(np.percentile(along, SHARES)) if len(along) else (np.nan,) * 5,
        "autocorrelation across": tuple(np.mean(alike, axis=0)) if alike else (np.nan,) * 3,
    }


def level_strokes(brush: BrushModel, ink: Ink, count: int, seed: int = 1) -> tuple[list[Picture], float]:
    """Return straight strokes of different pressure and speed drawn with an ink, cut free, and mm a pixel."""
    from dataclasses import replace

    rng = np.random.default_rng(seed)
    strokes = []
    for at in range(count):
        depth, speed = rng.uniform(0.006, 0.011), rng.uniform(0.05, 0.25)
        rows = max(int(0.09 / (speed * 0.025)), 4)
        x = np.linspace(0.015, 0.105, rows)
        z = np.full(rows, depth)
        z[0] = -0.001
        sketch = Sketch(brush, replace(ink, seed=100 * seed + at))
        path = np.stack([x, np.full(rows, 0.06), z], axis=1)
        sketch.stroke(path)
        tone = sketch.tone(trace(brush, [path], side=1024, supersample=2), spread=False)
        half = int(brush.width(depth) / 2 / 0.12 * 1024 * 0.94)
        strokes.append(tone[512 - half : 512 + half, 220:860])
    return strokes, 0.12e3 / 1024


def scanned_strokes(folder: Path, dpi: float) -> list[Picture]:
    """Return the strokes in the pictures of a folder, turned level and cut free, in order of file and place."""
    from PIL import Image
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    strokes = []
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in (".png", ".jpg", ".jpeg", ".tif", ".tiff"):
            continue
        grey = 1.0 - np.asarray(Image.open(file).convert("L"), np.float32) / 255.0
        ink = grey > threshold_otsu(grey)
        close = max(round(dpi / 25.4), 1)
        labels, _ = ndimage.label(ndimage.binary_closing(ink, iterations=close))
        for number, place in enumerate(ndimage.find_objects(labels), 1):
            y, x = np.nonzero(labels[place] == number)
            if len(x) < 100 * (dpi / 25.4) ** 2:
                continue
            middle = np.array([x.mean(), y.mean()])
            axis = np.linalg.eigh(np.cov(np.stack([x, y])))[1][:, 1]
            level = np.degrees(np.arctan2(axis[1], axis[0]))
            part = np.where(labels[place] == number, ink[place], False).astype(np.float32)
            turned = ndimage.rotate(part, level, order=1)
            rows, columns = turned.sum(axis=1), turned.sum(axis=0)
            inside = np.s_[
                slice(*_middle(rows > 0.3 * rows.max(), 0.97)), slice(*_middle(columns > 0.3 * columns.max(), 0.9))
            ]
            if len(middle) and turned[inside].size:
                strokes.append(turned[inside])
    return strokes


def _middle(kept: NDArray[np.bool_], share: float) -> tuple[int, int]:
    where = np.flatnonzero(kept)
    first, last = int(where[0]), int(where[-1]) + 1
    cut = round((last - first) * (1 - share) / 2)
    return first + cut, last - cut


def show(title: str, figures: dict[str, tuple[float, ...]]) -> None:
    print(title)
    for name, values in figures.items():
        print(f"  {name:24s}", "  ".join("   -" if np.isnan(value) else f"{value:4.2f}" for value in values))


def cost() -> None:
    brush = BrushModel()
    writing = write_character("永", policy="scripted")
    stamps = sum(len(record(brush, path)) for path in writing.stroke_paths)
    sketch = Sketch(brush, PRESETS["dry"])

    def measured(repeats: int, act: object) -> float:
        best = np.inf
        for _ in range(repeats):
            start = time.thread_time()
            act()  # type: ignore[operator]
            best = min(best, time.thread_time() - start)
        return best

    def strokes() -> None:
        for path in writing.stroke_paths:
            sketch.stroke(path)

    print(f"a stamp: {measured(5, strokes) / stamps * 1e6:.2f} µs CPU ({stamps} stamps)")
    for spread in (False, True):
        seconds = measured(
            3, lambda spread=spread: ink_picture(brush, writing.stroke_paths, PRESETS["dry"], size=512, spread=spread)
        )
        print(f"永 at 512 pixels, {'spreading' if spread else 'dry'}: {seconds * 1e3:.0f} ms CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="?", type=Path, help="folder of scans of dry strokes")
    parser.add_argument("--dpi", type=float, default=400.0, help="of the scans")
    parser.add_argument("--ink", default="dry", help="preset to compare")
    parser.add_argument("--strokes", type=int, default=40, help="how many of ours")
    arguments = parser.parse_args()
    print("columns: 5, 25, 50, 75, 95 %; autocorrelation at .13, .5 and 2 mm")
    for seed, part in ((1, "tuned to"), (2, "kept aside")):
        drawn, mm = level_strokes(BrushModel(), PRESETS[arguments.ink], arguments.strokes, seed)
        show(f"ours, ink {arguments.ink}, {part}", statistics(drawn, mm))
    if arguments.scans is None:
        show("published, 40 real strokes", PUBLISHED)
    else:
        found = scanned_strokes(arguments.scans, arguments.dpi)
        if not found:
            raise SystemExit(f"scans: no strokes were found in {arguments.scans}")
        for title, part in (("scans, tune", found[::2]), ("scans, test", found[1::2])):
            if part:
                show(f"{title}: {len(part)} strokes", statistics(part, 25.4 / arguments.dpi))
    cost()


if __name__ == "__main__":
    main()
