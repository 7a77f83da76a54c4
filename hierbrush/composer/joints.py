"""Which strokes of a character touch: what training characters show of every component, in its place.

Strokes that touch in nearly every occurrence of a component should join, those that touch in hardly any should keep
apart (`hierbrush.composer.spacing`). What training characters are divided about is left to the composer. Strokes of two
parts that no training character has together keep apart, unless both mostly touch something outside their part.

The file ``data/joints.safetensors`` is built by ``python -m hierbrush_build.components``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.composer import stored
from hierbrush.composer.brief import Brief, laid_out_as
from hierbrush.composer.components import ComponentLibrary, load_components
from hierbrush.composer.drawings import Drawing
from hierbrush.composer.memory import Memory
from hierbrush.composer.place import shaped_goals
from hierbrush.composer.tree import ComponentForm, Node, nodes_of
from hierbrush.sim import rasterise

Index = NDArray[np.int64]
Numbers = NDArray[np.float64]

FILE = Path(__file__).resolve().parent / "data" / "joints.safetensors"

JOIN, LEAVE, APART = 1, 0, -1

_SURE = 0.7
"""Share of the occurrences from which strokes join; they keep apart where as many do not touch."""

_REACHES_OUT = 0.5
"""Share of the occurrences from which a stroke counts as one that touches something outside its part."""

_MOST_ROWS = 64
"""More than a drawing has strokes; keys of pairs are the first stroke's row times this, plus the second's distance."""

_SIDE = 256

# As in `hierbrush.composer.components`: another slot, another place of the parent, other numbers of strokes.
_OTHER_STEP, _OTHER_PARENT, _COUNT_WIDTH = 4.0, 1.0, 0.95
_MOST_OCCURRENCES = 60


class Joints:
    """The pairs of strokes that touch in the drawings of a component library.

    Args:
        keys: int64 [n], rows of `ComponentLibrary.strokes`: the first stroke's times 64, plus the second's distance.
        components: the library.
    """

    def __init__(self, keys: Index, components: ComponentLibrary) -> None:
        self._components = components
        first, second = keys // _MOST_ROWS, keys // _MOST_ROWS + keys % _MOST_ROWS
        both = np.concatenate([first, second]), np.concatenate([second, first])
        by_row = np.argsort(both[0], kind="stable")
        self._row, self._other = both[0][by_row], both[1][by_row]
        self._start = np.searchsorted(self._row, np.arange(len(components.strokes) + 1))
        self._remembered: Memory[_Shown | None] = Memory()

    def wanted(self, brief: Brief) -> NDArray[np.int8]:
        """Return for each two rows of a brief whether they `JOIN`, keep `APART` or neither: int8 [S, S], symmetric."""
        count = len(brief)
        share = np.full((count, count), np.nan)
        reaching = np.zeros((count, count))
        nodes = nodes_of(brief.tree)
        # Parents come before their children: of what shows two strokes together the smallest component is the surest.
        for node in nodes:
            rows, around = _rows(node), _rows(nodes[max(node.parent, 0)])
            form = laid_out_as(self._components, node, brief.stroke_types, listed=True)
            shown = self._shown(form, node, count)
            if shown is None and node.component.is_leaf:
                share[rows, rows] = 0.5
            elif shown is not None:
                share[rows, rows] = shown.touching
                reaching[rows, around] = shown.reaching[:, None]
        apart = np.where(np.minimum(reaching, reaching.T) < _REACHES_OUT, 0.0, 0.5)
        share = np.where(np.isnan(share), apart, share)
        return np.select([share > _SURE, share < 1 - _SURE], [JOIN, APART], LEAVE).astype(np.int8)

    def _shown(self, form: ComponentForm, node: Node, total: int) -> _Shown | None:
        """Return what the occurrences of a node's component show; None if there are none."""
        return self._remembered.of(self._counted, form, node.count, node.step, node.parent_step, node.rest, total)

    def _counted(
        self, form: ComponentForm, count: int, step: int, parent_step: int, rest: int, total: int
    ) -> _Shown | None:
        components = self._components
        found, weight, here = self._alike(components.occurrences(form), step, parent_step, rest, total)
        if not len(found):
            return None
        span = components.span[found]
        start, stop = self._start[span[:, 0]], self._start[span[:, 0] + count]
        # All joints of all occurrences one after another, so that sums run over the occurrences in their order.
        of = np.repeat(np.arange(len(found)), stop - start)
        at = np.arange(len(of)) + (start - np.cumsum(stop - start) + (stop - start))[of]
        first = span[of, 0]
        row, other = self._row[at] - first, self._other[at] - first
        inside = (other >= 0) & (other < count)
        cells = row[inside] * count + other[inside]
        touching = np.bincount(cells, weight[of[inside]], count * count).reshape(count, count)
        in_parent = ~inside & (other >= span[of, 2] - first) & (other < span[of, 2] + span[of, 3] - first)
        occurrence, reached = np.divmod(np.unique(of[in_parent] * count + row[in_parent]), count)
        reaching = np.bincount(reached, (weight * here)[occurrence], count)
        return _Shown(touching / weight.sum(), reaching / max(float(weight[here].sum()), 1e-9))

    def _alike(
        self, found: Index, step: int, parent_step: int, rest: int, total: int
    ) -> tuple[Index, Numbers, NDArray[np.bool_]]:
        """Return the occurrences in the likest surroundings, their weights, and which stand in the same place."""
        around = self._components.surroundings[found]
        away = around[:, 3:] - np.log1p(np.array([rest, total], np.float32))
        here = around[:, 0] == step
        strangeness = (
            _OTHER_STEP * ~here
            + _OTHER_PARENT * (around[:, 1] != parent_step)
            + (away * away).sum(axis=1) / (2 * _COUNT_WIDTH**2)
        )
        likest = np.argsort(strangeness, kind="stable")[:_MOST_OCCURRENCES]
        return found[likest], np.exp(-strangeness[likest]).astype(np.float64) + 1e-4, here[likest]


class _Shown(NamedTuple):
    """Shares of a component's occurrences: where two strokes touch, and where one touches what is outside it."""

    touching: Numbers
    reaching: Numbers


def _rows(node: Node) -> slice:
    return slice(node.first, node.first + node.count)


@lru_cache(maxsize=1)
def load_joints() -> Joints:
    """Return the joints that ship with hierbrush, read once a process.

    Raises:
        HierbrushError: the file or the JSON file beside it is missing or broken.
    """
    components = load_components()
    with stored.read(FILE, "joints") as (tensors, strings):
        if strings["strokes"] != len(components.strokes):
            raise ValueError("they are those of another component library; run python -m hierbrush_build.components")
        return Joints(tensors["keys"].astype(np.int64), components)


def build(drawings: Sequence[Drawing], components: ComponentLibrary) -> dict[str, NDArray[np.floating]]:
    """Return the tensors of the joints, as they are read; takes minutes.

    Args:
        drawings: those that the library was built from, in the same order.
        components: the library.
    """
    keys, start = [], 0
    for drawing in drawings:
        written = components.strokes[start : start + len(drawing.places), -1].astype(np.int64)
        touch = _touching(drawing)[np.ix_(written, written)]
        first, second = np.nonzero(np.triu(touch, 1))
        keys.append((start + first) * _MOST_ROWS + second - first)
        start += len(drawing.places)
    return {"keys": np.concatenate(keys).astype(np.float32)}  # whole numbers below 2 ** 24 are exact


def _touching(drawing: Drawing) -> NDArray[np.bool_]:
    """Return which strokes of a drawing share a pixel, in the order of writing: bool [S, S]."""
    library = load_library()
    own = drawing.char in library and library.stroke_types(drawing.char) == drawing.stroke_types
    drawn = [stroke.outline for stroke in library[drawing.char].strokes] if own else []
    if not own or not _is_of(drawing, drawn):
        drawn = [goal.outline for goal in shaped_goals(drawing.stroke_types, drawing.places)]
    inks = np.array([rasterise([outline], _SIDE, supersample=1).ravel() >= 0.5 for outline in drawn], np.float32)
    touch: NDArray[np.bool_] = inks @ inks.T > 0
    return touch


def _is_of(drawing: Drawing, outlines: Sequence[NDArray[np.float32]]) -> bool:
    """Return whether outlines are the drawing's own, and not the same character's in another typeface."""
    middles = np.array([(outline.min(axis=0) + outline.max(axis=0)) / 2 for outline in outlines])
    return bool(np.abs(middles - drawing.places[:, :2]).max() < 1e-3)
