"""A page of a copybook cut into characters, its text being given.

The text says how many characters there are, and its line breaks where lines end. The page is turned upright by the
angle at which lines of ink stand out most from the gaps between them. Then every division into columns and rows that
the text allows is tried: the right one cuts through the least ink, has nearly square cells, and leaves none empty
but those that the text leaves empty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_choice, check_kind
from hierbrush.errors import HierbrushError
from hierbrush.styles.grids import without_edges
from hierbrush.styles.picture_file import Source
from hierbrush.styles.pictures import fitted_box, read_ink

Floats = NDArray[np.float64]

DIRECTIONS = ("vertical", "horizontal")
MOST_CHARACTERS = 4000
_MOST_TILT = 8.0


class Cell(NamedTuple):
    """A character cut from a page: float32 [256, 256], its ink in its box."""

    char: str
    ink: NDArray[np.float32]


class _Division(NamedTuple):
    worth: float
    columns: list[int]
    rows: list[int]
    lines: list[str]
    vertical: bool


def read_page(picture: Source, text: str, *, direction: str | None = None) -> list[Cell]:
    """Cut a page into characters.

    Args:
        picture: as for `hierbrush.styles.pictures.read_ink`.
        text: what stands there, in reading order; a line break where a column or row ends early. Spaces are empty
            cells, other white space is left out.
        direction: ``"vertical"`` (columns from right to left) or ``"horizontal"``; found out unless given.

    Raises:
        HierbrushError: the text is empty, there is no such picture, no ink in it, or no such number of characters.
    """
    check_kind("text", text, str, "the text of the page")
    if direction is not None:
        check_choice("direction", direction, DIRECTIONS)
    lines = [line for line in text.replace("\u3000", " ").replace("\t", "").split("\n") if line.strip()]
    count = sum(len(line.replace(" ", "")) for line in lines)
    if not count or count > MOST_CHARACTERS:
        raise HierbrushError(f"text: has {count} characters, expected those of the page, 1 to {MOST_CHARACTERS}")
    ink = _upright(read_ink(picture), count)
    row, column = np.nonzero(ink >= 0.5)
    ink = ink[row.min() : row.max() + 1, column.min() : column.max() + 1]
    best: _Division | None = None
    for found in _divisions(ink, lines, direction):
        if best is None or found.worth > best.worth:
            best = found
    if best is None:
        raise HierbrushError(f"text: has {count} characters, which the ink of the page does not divide into")
    return _cells(ink, best)


def _divisions(ink: Floats, lines: list[str], direction: str | None) -> list[_Division]:
    """Return all ways in which the text may fill the page."""
    ways: list[list[str]] = []
    if len(lines) > 1:
        ways.append(lines)
    whole = "".join(lines)
    per_line = range(1, len(whole) + 1) if len(lines) == 1 else ()
    seen = set()
    for length in per_line:
        number = -(-len(whole) // length)
        if number not in seen:  # the shortest lines that make so many
            seen.add(number)
            ways.append([whole[at : at + length] for at in range(0, len(whole), length)])
    height, width = ink.shape
    found = []
    for way in ways:
        longest = max(map(len, way))
        for vertical in (True, False):
            if direction is not None and vertical != (direction == "vertical"):
                continue
            columns, rows = (len(way), longest) if vertical else (longest, len(way))
            shape = (width / columns) / (height / rows)
            # Cells that are far from square are none; a single line's extent across is a character's own.
            if not 0.45 < shape < 2.2 or min(width / columns, height / rows) < 6:
                continue
            found.append(_division(ink, way, columns, rows, vertical, shape))
    return found


def _division(ink: Floats, lines: list[str], columns: int, rows: int, vertical: bool, shape: float) -> _Division:
    at_x, cut_x = _cuts(ink.sum(axis=0), columns)
    at_y, cut_y = _cuts(ink.sum(axis=1), rows)
    total = max(float(ink.sum()), 1.0)
    filled = np.add.reduceat(np.add.reduceat(ink, at_y[:-1], axis=0), at_x[:-1], axis=1) / total
    wanted = np.zeros((rows, columns), bool)
    for number, line in enumerate(lines):
        for place, char in enumerate(line):
            if char != " ":
                wanted[_place(number, place, columns, vertical)] = True
    least = 0.15 / max(1, int(wanted.sum()))
    wrong = float((wanted != (filled > least)).mean())
    # Ink on the lines of cutting, as a share of what stands on as many lines anywhere.
    crossed = (cut_x / (total / ink.shape[1]) + cut_y / (total / ink.shape[0])) / 2
    worth = -crossed - 3.0 * wrong - 0.8 * abs(np.log(shape))
    # Where cells are equally good, more of them are less likely to be a matter of chance.
    worth += 0.05 * np.log(columns * rows)
    return _Division(float(worth), at_x, at_y, lines, vertical)


def _cuts(profile: Floats, count: int) -> tuple[list[int], float]:
    """Return where a profile is cut into ``count`` parts of about one size, and the mean ink on the inner cuts."""
    from scipy.ndimage import gaussian_filter1d

    length = len(profile)
    smooth = gaussian_filter1d(profile, max(0.5, length / count / 60))
    step = length / count
    places, ink = [0], []
    for number in range(1, count):
        expected = places[-1] + (length - places[-1]) / (count - number + 1)
        reach = max(1, round(0.22 * step))
        low = max(places[-1] + 1, round(expected) - reach)
        high = max(low + 1, min(length - (count - number), round(expected) + reach + 1))
        window = smooth[low:high]
        # In a wide gap, its middle.
        least = window.min() + 1e-9 + 0.02 * smooth.mean()
        good = np.flatnonzero(window <= least)
        at = low + int(good[np.abs(good + low - expected).argmin()]) if len(good) < 3 else low + int(np.median(good))
        places.append(at)
        ink.append(float(profile[at]))
    return [*places, length], float(np.mean(ink)) if ink else 0.0


def _place(line: int, place: int, columns: int, vertical: bool) -> tuple[int, int]:
    return (place, columns - 1 - line) if vertical else (line, place)


def _cells(ink: Floats, division: _Division) -> list[Cell]:
    x, y = division.columns, division.rows
    columns = len(x) - 1
    cells: list[Cell] = []
    for number, line in enumerate(division.lines):
        for at, char in enumerate(line):
            if char == " ":
                continue
            row, column = _place(number, at, columns, division.vertical)
            part = without_edges(ink[y[row] : y[row + 1], x[column] : x[column + 1]])
            if not (part >= 0.5).any():
                raise HierbrushError(f"text: character {len(cells) + 1} has no ink on the page where it should stand")
            cells.append(Cell(char, _boxed(part)))
    return cells


def _boxed(part: Floats) -> NDArray[np.float32]:
    """Return a cell's ink in a box: the cell made square, its ink in the middle as written."""
    height, width = part.shape
    side = max(height, width)
    square = np.zeros((side, side))
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = part
    return fitted_box(square)


def _upright(ink: Floats, count: int) -> Floats:
    """Return ink turned so that its ``count`` characters stand in upright lines, if it is tilted."""
    from scipy.ndimage import gaussian_filter, rotate, zoom

    small = zoom(ink, 300 / max(ink.shape), order=1) if max(ink.shape) > 300 else ink
    # Blurred to blots of a character each: single strokes lean by themselves.
    small = gaussian_filter(np.pad(small, 40), 0.14 * np.sqrt(small.size / count))

    def sharpness(angle: float) -> float:
        turned = rotate(small, angle, reshape=False, order=1)
        return float(sum(turned.sum(axis=axis).var() for axis in (0, 1)))

    flat = sharpness(0.0)
    angles = np.arange(-_MOST_TILT, _MOST_TILT + 0.1, 1.0)
    best = float(angles[int(np.argmax([sharpness(angle) for angle in angles]))])
    finer = best + np.arange(-0.8, 0.81, 0.2)
    best = float(finer[int(np.argmax([sharpness(angle) for angle in finer]))])
    if abs(best) < 0.5 or sharpness(best) < 1.01 * flat:
        return ink
    turned: Floats = np.clip(rotate(ink, best, reshape=True, order=1), 0.0, 1.0)
    return turned
