"""How the two outermost parts of a character share its box: Gaussian process regression on what the parts are.

The component library averages over occurrences of one component. Here both parts speak together: how wide 氵 is written
depends on what stands beside it. The covariance of two characters of one operator is a product over their two parts of

    w0 + w1 exp(-|sizes - sizes'|^2 / 2) + w2 exp(-|types - types'|^2) + w3 [name] + w4 [first leaf] + w5 [last leaf]

with the parts' sizes (strokes, columns, rows and such) and the types of their strokes, both scaled; [x] is 1 where both
are the same. Where what they were drawn for differs (`hierbrush.characters.repertoire`) it is a few hundredths less.
Means and leave-one-out predictions are those of Rasmussen and Williams, Gaussian Processes for Machine Learning,
equations 2.25 and 5.12, the latter with all drawings of a character left out at once: a training character is laid out
as if it had never been seen.

The files ``data/layouts.safetensors`` and ``.json`` are built by ``python -m hierbrush_build.components``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.characters.repertoire import Repertoire
from hierbrush.composer import stored
from hierbrush.composer.drawings import Drawing
from hierbrush.composer.memory import Memory
from hierbrush.composer.place import sides
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER

F32 = NDArray[np.float32]

FILE = Path(__file__).resolve().parent / "data" / "layouts.safetensors"

LEAST = 10
"""Operators with fewer training characters are laid out by the component library alone."""

_PARTS = 2
_NAMES = 3
_SIZES = slice(_NAMES, _NAMES + 5)
_TYPES = slice(_SIZES.stop, _SIZES.stop + len(ABBREVIATIONS))
_PART = _TYPES.stop

# Found by gradient descent on the leave-one-out error of training characters of ⿰ and ⿱; they serve all operators.
_WEIGHTS = ((2.85, 0.965, 0.13, 0.13, 0.039, 0.014), (3.47, 0.882, 0.33, 0.106, 0.047, 0.066))
_SIZE_SCALES = ((2.36, 2.54, 4.06, 16.4, 6.47), (2.85, 1.86, 3.9, 5.92, 10.2))
_TYPE_SCALES = (1.37, 0.47)
_NOISE = 0.466

# What the covariance falls to with another typeface, another level of GB 2312 and another of Big5.
_OTHER_REPERTOIRE = (0.95, 0.97, 0.97)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The drawings of training characters of one operator.

    Attributes:
        chars: code points.
        repertoires: f32 [n, 3], what they were drawn for.
        parts: f32 [2, n, _PART], what their two parts are, see `_parts`.
        answers: f32 [n, 8], inverse covariance times targets: left, top, right, bottom of both parts, standardised.
        left_out: f32 [n, 8], targets as expected from all other characters' drawings.
        mean: f32 [8], of the targets.
        deviation: f32 [8], of the targets.
    """

    chars: F32
    repertoires: F32
    parts: F32
    answers: F32
    left_out: F32
    mean: F32
    deviation: F32


class Sharings:
    """Expected boxes of the two parts of a character.

    Args:
        tensors: by ``<operator>.<attribute>``, the attributes of `_Pairs`.
        names: of the components, by the numbers in ``parts``.
    """

    def __init__(self, tensors: Mapping[str, NDArray[np.floating]], names: Sequence[str]) -> None:
        self._names = {name: number for number, name in enumerate(names)}
        self._pairs: dict[str, _Pairs] = {}
        for operator in {name.partition(".")[0] for name in tensors}:
            columns = {
                column.name: np.asarray(tensors[f"{operator}.{column.name}"], np.float32) for column in fields(_Pairs)
            }
            self._pairs[operator] = _Pairs(**columns)
        self._alike: Memory[NDArray[np.floating]] = Memory()
        self._described = {operator: _Described(pairs.parts) for operator, pairs in self._pairs.items()}

    def boxes(
        self,
        tree: Component,
        stroke_types: Sequence[str],
        exclude: str | None = None,
        repertoire: Repertoire = Repertoire(),  # noqa: B008 (immutable)
    ) -> F32 | None:
        """Return the expected boxes f32 [2, 4] (centre x, centre y, width, height) of a tree's two parts.

        Args:
            tree: a decomposition.
            stroke_types: types of its strokes.
            exclude: training character that must not count.
            repertoire: what the character is drawn for.

        None where the tree does not have two parts, or hardly any training character has its operator.
        """
        pairs = self._pairs.get(tree.operator)
        if pairs is None or len(tree.children) != _PARTS:
            return None
        own = pairs.chars == (ord(exclude) if exclude is not None else -1)
        own &= pairs.repertoires[:, 0] == repertoire.typeface
        if own.any():
            edges = pairs.left_out[own.argmax()]
        else:
            mine = _Described(_parts(tree, stroke_types, self._names)[:, None])
            alike = self._alike.of(self._alike_to, tree.operator, repertoire)
            edges = (alike * _covariance(mine, self._described[tree.operator]))[0] @ pairs.answers
        low, high = (edges * pairs.deviation + pairs.mean).reshape(_PARTS, 2, 2).transpose(1, 0, 2)
        return np.concatenate([(low + high) / 2, np.maximum(high - low, 0.01)], axis=1).astype(np.float32)

    def _alike_to(self, operator: str, repertoire: Repertoire) -> NDArray[np.floating]:
        return _alike(np.array([repertoire]), self._pairs[operator].repertoires)

    @classmethod
    def load(cls, path: Path = FILE) -> Sharings:
        """Return the layouts in a file.

        Raises:
            HierbrushError: the file or the JSON file beside it is missing or broken.
        """
        with stored.read(path, "layouts") as (tensors, strings):
            return cls(tensors, strings["names"])


@lru_cache(maxsize=1)
def load_sharings() -> Sharings:
    """Return the layouts that ship with hierbrush, read once a process."""
    return Sharings.load()


def build(drawings: Sequence[Drawing]) -> tuple[dict[str, NDArray[np.floating]], list[str]]:
    """Return tensors and names as `Sharings` takes them; inverts matrices of up to 13,000 rows.

    Args:
        drawings: of training characters; of one character there may be two, in different typefaces.
    """
    of_operator: dict[str, list[Drawing]] = defaultdict(list)
    for drawing in drawings:
        if len(drawing.tree.children) == _PARTS:
            of_operator[drawing.tree.operator].append(drawing)
    found = {operator: members for operator, members in of_operator.items() if len(members) >= LEAST}
    trees = [drawing.tree for members in found.values() for drawing in members]
    names = sorted({name for tree in trees for child in tree.children for name in _named(child)})
    number = {name: at for at, name in enumerate(names)}
    tensors: dict[str, NDArray[np.floating]] = {}
    for operator, members in found.items():
        # Rounded as they will be read, so that what is left out and what is not come from the same numbers.
        parts = np.stack([_parts(drawing.tree, drawing.stroke_types, number) for drawing in members], axis=1)
        parts = parts.astype(np.float64)
        targets = np.array([_parts_sides(drawing.tree, drawing.places) for drawing in members], np.float64)
        mean, deviation = targets.mean(axis=0), targets.std(axis=0)
        wanted = (targets - mean) / deviation
        described = _Described(parts)
        repertoires = np.array([drawing.repertoire for drawing in members])
        covariance = _alike(repertoires, repertoires) * _covariance(described, described)
        covariance[np.diag_indices(len(members))] += _NOISE
        inverse = np.linalg.inv(covariance)
        answers = inverse @ wanted
        chars = np.array([ord(drawing.char) for drawing in members])
        columns = {
            "chars": chars,
            "repertoires": repertoires,
            "parts": parts,
            "answers": answers,
            "left_out": wanted - _without_own(inverse, answers, chars),
            "mean": mean,
            "deviation": deviation,
        }
        tensors |= {f"{operator}.{name}": array.astype(np.float32) for name, array in columns.items()}
    return tensors, names


def _without_own(
    inverse: NDArray[np.floating], answers: NDArray[np.floating], chars: NDArray[np.int64]
) -> NDArray[np.floating]:
    """Return by how much targets [n, k] differ from what all other characters expect.

    Args:
        inverse: [n, n], inverse covariance.
        answers: [n, k], it times the targets.
        chars: [n], code points; drawings with the same one are left out together.
    """
    missed = answers / np.diag(inverse)[:, None]
    codes, counts = np.unique(chars, return_counts=True)
    for code in codes[counts > 1]:
        rows = np.flatnonzero(chars == code)
        missed[rows] = np.linalg.solve(inverse[np.ix_(rows, rows)], answers[rows])
    return missed


def _alike(mine: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the factor [n, m] for what n characters [n, 3] and m others [m, 3] were drawn for."""
    product = np.ones((len(mine), len(others)), np.float32)
    for at, factor in enumerate(_OTHER_REPERTOIRE):
        product *= np.where(mine[:, at][:, None] == others[:, at], np.float32(1), np.float32(factor))
    return product


class _Described:
    """Characters' parts [2, n, _PART] as `_covariance` compares them with others, prepared once."""

    def __init__(self, parts: NDArray[np.floating]) -> None:
        self.dtype, self.count = parts.dtype, parts.shape[1]
        self.names = np.ascontiguousarray(parts[:, :, :_NAMES].transpose(0, 2, 1))
        self.kernels = [[_with_square(part[:, columns]) for columns in (_SIZES, _TYPES)] for part in parts]

    @cached_property
    def _sorted(self) -> list[list[tuple[NDArray[np.int64], NDArray[np.floating]]]]:
        orders = self.names.argsort(axis=2)
        return [
            [(order, names[order]) for names, order in zip(*part, strict=True)]
            for part in zip(self.names, orders, strict=True)
        ]

    def named(self, part: int, which: int, number: float) -> NDArray[np.int64]:
        """Return the characters with a name: few of them, so that comparing with all would cost most of the time."""
        order, names = self._sorted[part][which]
        # Whole numbers, or NaN: in the names' own type, or all of them would be converted.
        return order[slice(*np.searchsorted(names, np.array([number - 0.5, number + 0.5], names.dtype)))]


def _with_square(points: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return points [n, k] as two matrices: the first times the second of others is the squared distance."""
    square, one = (points * points).sum(axis=1)[:, None], np.ones((len(points), 1), points.dtype)
    other = np.concatenate([points, square, one], axis=1).T
    return np.concatenate([-2 * points, one, square], axis=1), np.ascontiguousarray(other)


def _covariance(mine: _Described, others: _Described) -> NDArray[np.floating]:
    """Return the covariance [n, m] of n characters with m others."""
    product = np.ones((mine.count, others.count), mine.dtype)
    for part, (weights, a, b) in enumerate(zip(_WEIGHTS, mine.kernels, others.kernels, strict=True)):
        term = np.full_like(product, weights[0])
        for weight, (points, _), (_, other_points) in zip(weights[1:3], a, b, strict=True):
            term += weight * np.exp(-np.maximum(points @ other_points, 0.0))
        for which, weight in enumerate(weights[3:]):
            for at, number in enumerate(mine.names[part, which].tolist()):
                same = others.named(part, which, number)
                term[at, same] = term[at, same].astype(np.float64) + weight
        product *= term
    return product


def _parts_sides(tree: Component, places: F32) -> F32:
    """Return left, top, right and bottom of one part after the other: f32 [4 parts]."""
    return np.concatenate([sides(places[list(child.strokes)]) for child in tree.children])


def _named(part: Component) -> tuple[str, str, str]:
    """Return the names of a part, of its first and of its last leaf."""
    leaves = list(part.leaves())
    return part.name, leaves[0].name, leaves[-1].name


def _parts(tree: Component, stroke_types: Sequence[str], numbers: Mapping[str, int]) -> F32:
    """Return what both parts of a tree are, f32 [2, _PART]: numbers of their names, sizes and types, scaled."""
    rows = []
    for part, size_scales, type_scale in zip(tree.children, _SIZE_SCALES, _TYPE_SCALES, strict=True):
        types = [stroke_types[stroke] for stroke in part.strokes]
        columns, rows_of = _extent(part, stroke_types)
        sizes = [
            np.log(len(types)),
            np.log(columns),
            np.log(rows_of),
            np.log1p(sum(map(_is_horizontal, types))),
            np.log1p(sum(map(_is_vertical, types))),
        ]
        shares = np.bincount([NUMBER[kind] for kind in types], minlength=len(ABBREVIATIONS)) / len(types)
        # Names that no training character has are like no other.
        names = [numbers.get(name, np.nan) for name in _named(part)]
        scaled = np.array(sizes) / np.array(size_scales) * np.sqrt(0.5)
        rows.append(np.concatenate([names, scaled, np.sqrt(shares * type_scale)]))
    return np.array(rows, np.float32)


def _extent(part: Component, stroke_types: Sequence[str]) -> tuple[float, float]:
    """Return about how much room a part needs across and down: what lies side by side adds up, so do strokes."""
    if part.is_leaf:
        types = [stroke_types[stroke] for stroke in part.strokes]
        return 1 + 0.25 * sum(map(_is_vertical, types)), 1 + 0.5 * sum(map(_is_horizontal, types))
    columns, rows = zip(*(_extent(child, stroke_types) for child in part.children), strict=True)
    if part.operator in "⿰⿲":
        return sum(columns), max(rows)
    if part.operator in "⿱⿳":
        return max(columns), sum(rows)
    return max(columns) + 0.5, max(rows) + 0.5


def _is_horizontal(stroke_type: str) -> bool:
    return "H" in stroke_type


def _is_vertical(stroke_type: str) -> bool:
    return "S" in stroke_type or stroke_type in ("HZ", "HZG")
