"""Dry strokes in numbers: coverage, widths of white gaps across and along, autocorrelation; ours, and those of scans.

    python benchmarks/bench_ink.py                # ours beside the published figures of real ones, and what ink costs
    python benchmarks/bench_ink.py SCANS --dpi 400   # the same of a folder of scans, half of their strokes kept aside

A scan is a picture of dark strokes on light paper, apart from each other; they are found, turned level and cut free.
Every second stroke is printed as "tune", the others as "test": an ink tuned on the first must fit the second.

Ours are scanned too: brought to 400 dots an inch. "within" says whether the published figure lies among those of nine
in ten sets of 40 strokes drawn, with replacement, from ours that were kept aside.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush import write_character
from hierbrush.ink import PRESETS, Ink, Sketch, ink_picture, record
from hierbrush.ink.draw import GRID
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

LOAD = 0.85  # of our strokes: nobody says how full the real brush was
DIPPED = (True, True, True, False, False)

Picture = NDArray[np.float32]
Figures = dict[str, tuple[float, ...]]


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


class Measured:
    """The figures of level strokes [across, along], 1 = ink, with pixels of ``mm`` millimetres; of a sample of them."""

    def __init__(self, strokes: list[Picture], mm: float) -> None:
        inked = [stroke > 0.5 for stroke in strokes]
        self._coverage = np.array([ink.mean() for ink in inked])
        self._across = [gaps(ink.T) * mm for ink in inked]
        self._along = [gaps(ink) * mm for ink in inked]
        self._alike = [alike(ink, mm) for ink in inked]

    def of(self, chosen: NDArray[np.int64] | None = None) -> Figures:
        """Return the figures of all strokes, or of the chosen ones."""
        at = np.arange(len(self._coverage)) if chosen is None else chosen
        across, along = (np.concatenate([lengths[i] for i in at]) for lengths in (self._across, self._along))
        return {
            "coverage": tuple(np.percentile(self._coverage[at], SHARES)),
            "gap across, mm": tuple(np.percentile(across, SHARES)) if len(across) else (np.nan,) * 5,
            "gap along, mm": tuple(np.percentile(along, SHARES)) if len(along) else (np.nan,) * 5,
            "autocorrelation across": tuple(np.nanmean([self._alike[i] for i in at], axis=0)),
        }

    def ranges(self, samples: int = 200) -> dict[str, list[tuple[float, float]]]:
        """Return between which values nine in ten sets of as many strokes, drawn from these, have each figure."""
        rng = np.random.default_rng(0)
        count = len(self._coverage)
        drawn = [self.of(rng.integers(0, count, count)) for _ in range(samples)]
        return {
            name: [tuple(ends) for ends in np.percentile([one[name] for one in drawn], (5, 95), axis=0).T]
            for name in drawn[0]
        }  # fmt: skip


def alike(ink: NDArray[np.bool_], mm: float) -> list[float]:
    """Return the autocorrelation across of one stroke at each of `LAGS`."""
    part = ink - ink.mean()
    power = (part * part).mean()
    lags = [max(round(lag / mm), 1) for lag in LAGS]
    if not power > 0 or min(part.shape) <= max(lags):
        return [np.nan] * len(LAGS)
    return [(part[:-lag] * part[lag:]).mean() / power for lag in lags]


def level_strokes(brush: BrushModel, ink: Ink, count: int, seed: int = 1, *, dpi: float = 400.0) -> list[Picture]:
    """Return straight strokes of different pressure and speed drawn with an ink, cut free and scanned.

    Five on a page: three after a dip each, and two more with what is left.
    """
    rng = np.random.default_rng(seed)
    strokes: list[Picture] = []
    for page in range(-(-count // len(DIPPED))):
        sketch = Sketch(brush, replace(ink, load=LOAD, seed=100 * seed + page))
        paths = []
        for at, dip in enumerate(DIPPED):
            depth, speed = rng.uniform(0.007, 0.010), rng.uniform(0.08, 0.16)
            rows = max(int(0.09 / (speed * 0.025)), 4)
            z = np.full(rows, depth)
            z[0] = -0.001
            paths.append(np.stack([np.linspace(0.015, 0.105, rows), np.full(rows, 0.018 + 0.021 * at), z], axis=1))
            sketch.stroke(paths[-1], dip=dip)
        tone = sketch.tone(trace(brush, paths, side=GRID, supersample=2), spread=False)
        for path in paths:
            half = int(brush.width(path[-1, 2]) / 2 / 0.12 * GRID * 0.94)
            middle = round(path[-1, 1] / 0.12 * GRID)
            strokes.append(scanned(tone[middle - half : middle + half, 220:860], 0.12e3 / GRID, dpi))
    return strokes[:count]


def scanned(tone: Picture, mm: float, dpi: float) -> Picture:
    """Return a picture with pixels of ``mm`` millimetres as a scanner of ``dpi`` sees it."""
    from scipy import ndimage

    zoom = [round(side * mm * dpi / 25.4) / side for side in tone.shape]
    return np.asarray(ndimage.zoom(tone, zoom, order=1, grid_mode=True, mode="nearest"))


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


def show(title: str, figures: Figures) -> None:
    print(title)
    for name, values in figures.items():
        print(f"  {name:24s}", "  ".join("   -" if np.isnan(value) else f"{value:4.2f}" for value in values))


def cost() -> dict[str, float]:
    brush = BrushModel()
    writing = write_character("永", policy="scripted")
    stamps = sum(len(record(brush, path)) for path in writing.stroke_paths)
    sketch = Sketch(brush, PRESETS["dry"])

    def measured(repeats: int, act: Any) -> float:
        best = np.inf
        for _ in range(repeats):
            start = time.thread_time()
            act()
            best = min(best, time.thread_time() - start)
        return best

    def strokes() -> None:
        for path in writing.stroke_paths:
            sketch.stroke(path)

    def picture(spread: bool) -> Any:
        return lambda: ink_picture(brush, writing.stroke_paths, PRESETS["dry"], size=512, spread=spread)

    found = {
        "stamp_us": measured(5, strokes) / stamps * 1e6,
        "dry_ms": measured(3, picture(False)) * 1e3,
        "spreading_ms": measured(3, picture(True)) * 1e3,
    }
    print(f"a stamp: {found['stamp_us']:.2f} µs CPU ({stamps} stamps)")
    print(f"永 at 512 pixels: dry {found['dry_ms']:.0f} ms CPU, spreading {found['spreading_ms']:.0f} ms CPU")
    return found


def compared(kept: Measured) -> dict[str, Any]:
    """Return for each published figure the range of ours, and whether it lies within."""
    found: dict[str, Any] = {}
    for name, ranges in kept.ranges().items():
        pairs = list(zip(PUBLISHED[name], ranges, strict=True))
        half = 0.5 * 25.4 / 400.0 if name.startswith("gap") else 0.005
        found[name] = {
            "low": [low for _, (low, _) in pairs],
            "high": [high for _, (_, high) in pairs],
            # What is less than half a pixel, or lost in rounding, makes no difference.
            "within": ["in" if low - half <= real <= high + half else "out" for real, (low, high) in pairs],
        }
    return found


def ours(ink: str, count: int) -> dict[str, Any]:
    """Print and return the figures of our strokes beside the published ones."""
    mm, found = 25.4 / 400.0, {}
    for seed, part in ((1, "tuned"), (2, "kept")):
        measured = Measured(level_strokes(BrushModel(), PRESETS[ink], count, seed), mm)
        found[part] = measured.of()
        show(f"ours, ink {ink}, {'tuned to' if part == 'tuned' else 'kept aside'}", found[part])
    ranges = compared(measured)
    for name, values in ranges.items():
        told = (f"{a:.2f}-{b:.2f} {ok}" for a, b, ok in zip(*values.values(), strict=True))
        print(f"  {name:24s}", "  ".join(told))
    return {**found, "ranges": ranges, "real": PUBLISHED}


def _finite(value: Any) -> Any:
    """Return figures for JSON, which has no number for what was not measured."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value if isinstance(value, str) or np.isfinite(value) else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="?", type=Path, help="folder of scans of dry strokes")
    parser.add_argument("--dpi", type=float, default=400.0, help="of the scans")
    parser.add_argument("--ink", default="dry", help="preset to compare")
    parser.add_argument("--strokes", type=int, default=40, help="how many of ours")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    print("columns: 5, 25, 50, 75, 95 %; autocorrelation at .13, .5 and 2 mm")
    figures = ours(arguments.ink, arguments.strokes)
    if arguments.scans is None:
        show("published, 40 real strokes", PUBLISHED)
    else:
        found = scanned_strokes(arguments.scans, arguments.dpi)
        if not found:
            raise SystemExit(f"scans: no strokes were found in {arguments.scans}")
        for title, part in (("scans, tune", found[::2]), ("scans, test", found[1::2])):
            if part:
                show(f"{title}: {len(part)} strokes", Measured(part, 25.4 / arguments.dpi).of())
    figures["cost"] = cost()
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(_finite(figures)), encoding="utf-8")


if __name__ == "__main__":
    main()
