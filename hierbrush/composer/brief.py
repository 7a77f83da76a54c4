"""What the composer is told about a character: its strokes as a set, with type, place in the tree and expectations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import CharacterLibrary, Component, load_library
from hierbrush.characters.repertoire import IN_PLACE, LEVELS, TYPEFACES, Repertoire
from hierbrush.characters.repertoire import repertoire as repertoire_of
from hierbrush.composer.components import ComponentLibrary, load_components
from hierbrush.composer.drawings import MAX_STROKES as MAX_STROKES
from hierbrush.composer.drawings import drawing_of
from hierbrush.composer.exemplars import Form, renumbered
from hierbrush.composer.expectation import NodeExpectation
from hierbrush.composer.ids import MOST_STROKES, parse_ids
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.standins import stand_in
from hierbrush.composer.tree import OPERATORS, SLOTS, ComponentForm, Node, form_of, in_order_of, nodes_of
from hierbrush.errors import HierbrushError
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER

F32 = NDArray[np.float32]
Index = NDArray[np.int64]

_LEVELS = 4
_LEAVES = 8
_STEP = len(OPERATORS) + SLOTS
_NODE = 16

_TYPE = 0
_PATH = _TYPE + len(ABBREVIATIONS)
_LEAF = _PATH + _LEVELS * _STEP
_PRIOR = _LEAF + _LEAVES
_NODES = _PRIOR + PLACE_SIZE
RANK = _NODES + 2 * _NODE
"""Column of the tokens with a tenth of the stroke's rank in the library's order, from 0."""
_LAYOUT = RANK + 1
_ORDER = _LAYOUT + 8
_COUNTS = _ORDER + 4
_REPERTOIRE = _COUNTS + 5
TOKEN_SIZE = _REPERTOIRE + LEVELS * len(Repertoire._fields)
"""Numbers of a stroke's token: type (38, one-hot); operator and slot (15) of the first four levels of the tree; number
of its leaf in the tree (8, one-hot); prior (16); of the outermost component and of the leaf: box, box by context alone,
weight, spread, and the neighbour's box and weight (16 each); rank in the library's order (1); the outermost component's
and its neighbour's box by their layout (8); ranks and shares written before (4); stroke counts, whether the leaf is
unknown, and whether its strokes come as a list (5); typeface, level of GB 2312 and level of Big5 that it is drawn for
(9, one-hot; no typeface where none draws it)."""

# How the expectations of nested components are blended: power of the occurrences, and decay with every level further
# inside. Found as the constants of `hierbrush.composer.components`.
_TRUST_IN_NUMBERS, _TRUST_IN_WHOLES = 0.4, 2.0


@dataclass(frozen=True, eq=False)
class Brief:
    """All that the composer may know of a character: nothing of its own geometry or order.

    Attributes:
        tree: the decomposition; its strokes number the rows of this brief, not the order of writing.
        stroke_types: abbreviation of every row's stroke type.
        tokens: f32 [S, TOKEN_SIZE], what the network sees of every stroke before anything is written.
        prior: f32 [S, PLACE_SIZE], box (centre x, centre y, width, height) and shape coefficients that the component
            library expects; what a place of zeros means.
        unknown: names of leaf components that no training character has with so many strokes.
    """

    tree: Component
    stroke_types: tuple[str, ...]
    tokens: F32
    prior: F32
    unknown: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.stroke_types)

    @property
    def is_in_place(self) -> bool:
        """Whether it is to stand where it stands in larger characters: what no typeface draws by itself, 忄 say."""
        return not self.tokens[0, _REPERTOIRE : _REPERTOIRE + LEVELS].any()

    @property
    def library_order(self) -> Index:
        """int64 [S], rows in the order that the component library alone expects them to be written in."""
        return np.argsort(self.tokens[:, RANK], kind="stable")


@dataclass(frozen=True, eq=False)
class Truth:
    """How a known character is written; for training and evaluation only.

    Attributes:
        order: int64 [S], rows of the brief in writing order.
        places: f32 [S, PLACE_SIZE], box and shape coefficients of every row.
    """

    order: Index
    places: F32


def brief_of(
    char: str,
    library: CharacterLibrary | None = None,
    components: ComponentLibrary | None = None,
    *,
    listed: bool = False,
) -> Brief:
    """Return the brief of a known character, from its decomposition and the types of its strokes.

    The character's own occurrences are left out of the component library, so that a training character is composed
    as if it had never been seen.

    Args:
        char: a character of ``library``.
        library: the characters; those that ship with hierbrush unless given.
        components: the component library; the one that ships with hierbrush unless given.
        listed: tell the order of the strokes within components that no training character has, as a user does who
            wants to have such a component written.

    Raises:
        UnknownCharacterError: the library does not hold ``char``.
        HierbrushError: ``char`` has more than `MOST_STROKES` strokes.
    """
    library = library or load_library()
    tree, types = library.decomposition(char), library.stroke_types(char)
    return make_brief(tree, types, components, repertoire=repertoire_of(char), listed=listed, exclude=char)[0]


def brief_from_ids(ids: str, components: ComponentLibrary | None = None, *, char: str = "") -> Brief:
    """Return the brief of an ideographic description such as ``"⿰木月"``; see `parse_ids`.

    Args:
        ids: the description.
        components: the component library; the one that ships with hierbrush unless given.
        char: the character that is described, which tells what it would be drawn for; "" if it is none.

    Raises:
        HierbrushError: the description is malformed, names what nobody knows, or has too many strokes.
    """
    form = parse_ids(ids, max_strokes=MOST_STROKES)
    if char:
        return make_brief(form.tree, form.stroke_types, components, repertoire=_drawn_for(char), listed=True)[0]
    # Parts that GB 2312 lacks are traditional, and so is what they are put together to; in no list of characters, it is
    # drawn as the commonest are.
    parts = [node.component.name for node in nodes_of(form.tree)]
    big5 = TYPEFACES.index("KaitiM Big5")
    traditional = any(len(name) == 1 and repertoire_of(name).typeface == big5 for name in parts)
    drawn_for = Repertoire(big5, gb_level=0) if traditional else Repertoire()
    return make_brief(form.tree, form.stroke_types, components, repertoire=drawn_for, listed=True)[0]


def brief_of_part(form: Form, char: str) -> Brief:
    """Return the brief of a character that is written as a part of others is.

    Args:
        form: how the others write it, see `Exemplars.part`.
        char: the character, which tells what it would be drawn for. A radical's form with a glyph, 忄, stands where it
            stands in others.
    """
    drawn_for = repertoire_of(char) if char in load_library() else _drawn_for(char)
    return make_brief(form.tree, form.stroke_types, repertoire=drawn_for, listed=True)[0]


def _drawn_for(char: str) -> Repertoire:
    drawn_for = repertoire_of(char)
    # What stands in others as their part does so in none here: it is put together as what stands alone.
    return drawn_for if drawn_for.typeface != IN_PLACE else Repertoire()


def truth_of(
    char: str,
    library: CharacterLibrary | None = None,
    components: ComponentLibrary | None = None,
    *,
    listed: bool = False,
) -> Truth:
    """Return how a known character is written, in the rows of its `brief_of`; takes half a millisecond a stroke.

    Raises:
        UnknownCharacterError: the library does not hold ``char``.
    """
    own = drawing_of(char, library or load_library())
    order = canonical_order(own.tree, own.stroke_types, components or load_components(), listed=listed, exclude=char)
    return Truth(np.argsort(order), own.places[order])


def canonical_order(
    tree: Component,
    stroke_types: Sequence[str],
    components: ComponentLibrary,
    *,
    listed: bool = False,
    exclude: str | None = None,
) -> list[int]:
    """Return the strokes in the order of a brief's rows: leaf by leaf, as the component library orders each leaf.

    Of the order in which ``tree`` and ``stroke_types`` number the strokes only this is used: strokes of one leaf and
    type that cannot be told apart keep it; and with ``listed`` all strokes of leaves that the library does not know.
    """
    order: list[int] = []
    for leaf in tree.leaves():
        types = tuple(stroke_types[stroke] for stroke in leaf.strokes)
        form = components.leaf_form(leaf.name, types, exclude)
        if listed and form is None:
            order += leaf.strokes
            continue
        form = form or stand_in(components, tuple(sorted(types)), listed=False, exclude=exclude)
        order += in_order_of(form, leaf.strokes, stroke_types)
    return order


def laid_out_as(
    components: ComponentLibrary, node: Node, types: Sequence[str], *, listed: bool = False, exclude: str | None = None
) -> ComponentForm:
    """Return the form that says how a node's strokes lie: its own, or for a leaf the one that is nearest.

    Args:
        components: the component library.
        node: of a tree with canonical strokes.
        types: of all the tree's strokes.
        listed: whether the strokes of an unknown leaf are in the order of writing.
        exclude: training character whose own occurrences do not count.
    """
    form = form_of(node, types)
    if not node.component.is_leaf:
        return form
    known = components.leaf_form(form.name, form.stroke_types, exclude)
    return known or stand_in(components, form.stroke_types, listed=listed, exclude=exclude) or form


def make_brief(
    tree: Component,
    stroke_types: Sequence[str],
    components: ComponentLibrary | None = None,
    *,
    repertoire: Repertoire = Repertoire(),  # noqa: B008 (immutable)
    listed: bool = False,
    exclude: str | None = None,
) -> tuple[Brief, list[int]]:
    """Return a brief, and for each of its rows the number that the stroke has in ``tree``.

    Args:
        tree: a decomposition.
        stroke_types: types of its strokes.
        components: the component library; the one that ships with hierbrush unless given.
        repertoire: what it is drawn for; the first levels of GB 2312 and Big5, by GB 2312's typeface, unless given.
        listed: whether ``tree`` numbers the strokes of components that no training character has in writing order, and
            the composer may know it.
        exclude: training character that the component library shall not know.

    Raises:
        HierbrushError: there are more than `MOST_STROKES` strokes.
    """
    components = components or load_components()
    if len(stroke_types) > MOST_STROKES:
        raise HierbrushError(f"tree: has {len(stroke_types)} strokes, expected at most {MOST_STROKES}")
    order = canonical_order(tree, stroke_types, components, listed=listed, exclude=exclude)
    tree = renumbered(tree, {stroke: row for row, stroke in enumerate(order)})
    types = tuple(stroke_types[stroke] for stroke in order)
    nodes = nodes_of(tree)
    forms: dict[int, ComponentForm] = {}
    for at, node in enumerate(nodes):
        forms[at] = laid_out_as(components, node, types, listed=listed, exclude=exclude)
    expected = components.expect(tree, forms, exclude, repertoire)
    unknown = tuple(leaf.name for leaf in tree.leaves() if not _is_known(components, leaf, types, exclude))
    prior = _prior(expected, types)
    if repertoire.typeface == IN_PLACE:
        whole = components.within_wholes(forms[0], exclude)
        prior = prior if whole is None else whole.astype(np.float32)
    return Brief(tree, types, _tokens(expected, types, prior, repertoire, listed), prior, unknown), order


def _is_known(components: ComponentLibrary, leaf: Component, types: Sequence[str], exclude: str | None) -> bool:
    return components.leaf_form(leaf.name, [types[row] for row in leaf.strokes], exclude) is not None


def _prior(expected: Sequence[NodeExpectation], types: Sequence[str]) -> F32:
    """Return the mean of what the known components around a stroke expect; the outer ones count most, by far."""
    prior = np.zeros((len(types), PLACE_SIZE), np.float64)
    weight = np.zeros((len(types), 1))
    level = {-1: -1}
    for at, e in enumerate(expected):
        level[at] = level[e.node.parent] + 1
        rows = slice(e.node.first, e.node.first + e.node.count)
        if e.places is not None:
            trust = e.weight**_TRUST_IN_NUMBERS * np.exp(-_TRUST_IN_WHOLES * level[at])
            prior[rows] += trust * e.places
            weight[rows] += trust
        elif e.node.component.is_leaf:
            # Nothing is known but the component's box: strokes one below the other, half as large.
            share = (np.arange(e.node.count) + 0.5) / e.node.count - 0.5
            guess = np.zeros((e.node.count, PLACE_SIZE))
            guess[:, :2] = e.box[:2] + share[:, None] * np.array([0.0, 0.8]) * e.box[2:]
            guess[:, 2:4] = e.box[2:] / 2
            prior[rows] += 1e-6 * guess
            weight[rows] += 1e-6
    return (prior / weight).astype(np.float32)


def _library_positions(expected: Sequence[NodeExpectation]) -> NDArray[np.float64]:
    """Return each row's expected position in the whole character's writing order."""
    children: dict[int, list[int]] = {}
    for at, e in enumerate(expected):
        if e.node.parent >= 0:
            children.setdefault(e.node.parent, []).append(at)

    def ranks(at: int) -> NDArray[np.float64]:
        e = expected[at]
        if e.places is not None or at not in children:
            return e.rank.astype(np.float64)
        # At equal positions the stable sort keeps the operator's order.
        position = np.concatenate(
            [ranks(child) + expected[child].before * expected[child].node.rest for child in children[at]]
        )
        order: NDArray[np.float64] = position.argsort(kind="stable").argsort().astype(np.float64)
        return order

    return ranks(0)


def _neighbour(expected: Sequence[NodeExpectation], at: int) -> NodeExpectation | None:
    """Return the first other child of a node's parent."""
    parent = expected[at].node.parent
    if parent < 0:
        return None
    return next((e for other, e in enumerate(expected) if e.node.parent == parent and other != at), None)


def _tokens(
    expected: Sequence[NodeExpectation], types: Sequence[str], prior: F32, repertoire: Repertoire, listed: bool
) -> F32:
    count = len(types)
    tokens = np.zeros((count, TOKEN_SIZE), np.float32)
    tokens[np.arange(count), [_TYPE + NUMBER[kind] for kind in types]] = 1.0
    tokens[:, _PRIOR : _PRIOR + 4] = 2 * prior[:, :4] - 1
    tokens[:, _PRIOR + 4 : _NODES] = prior[:, 4:]
    positions = _library_positions(expected)
    library_rank = positions.argsort(kind="stable").argsort()
    tokens[:, RANK] = library_rank / 10
    tokens[:, _ORDER] = library_rank / count
    tokens[:, _COUNTS] = np.log(count) / 2
    for at, value in enumerate(repertoire):
        if value < LEVELS:  # what no typeface draws has none
            tokens[:, _REPERTOIRE + LEVELS * at + value] = 1.0
    depth = {-1: -1}
    leaf = 0
    for at, e in enumerate(expected):
        node = e.node
        depth[at] = level = depth[node.parent] + 1
        rows = slice(node.first, node.first + node.count)
        if node.step and level <= _LEVELS:
            operator, slot = divmod(node.step - 1, SLOTS)
            column = _PATH + (level - 1) * _STEP
            tokens[rows, column + operator] = tokens[rows, column + len(OPERATORS) + slot] = 1.0
        # A character that is not taken apart is its own outermost component.
        if level == 1 or node.component.is_leaf:
            for place, wanted in enumerate((level <= 1, node.component.is_leaf)):
                if not wanted:
                    continue
                column = _NODES + place * _NODE
                tokens[rows, column : column + 4] = 2 * e.box - 1
                tokens[rows, column + 4 : column + 8] = 2 * e.context - 1
                tokens[rows, column + 8] = np.log1p(e.weight) / 2
                tokens[rows, column + 9 : column + 11] = 4 * e.spread
                neighbour = _neighbour(expected, at)
                if neighbour is not None:
                    tokens[rows, column + 11 : column + 15] = 2 * neighbour.box - 1
                    tokens[rows, column + 15] = np.log1p(neighbour.weight) / 2
                if e.layout is not None:
                    tokens[rows, _LAYOUT : _LAYOUT + 4] = 2 * e.layout - 1
                    if neighbour is not None and neighbour.layout is not None:
                        tokens[rows, _LAYOUT + 4 : _LAYOUT + 8] = 2 * neighbour.layout - 1
                tokens[rows, _ORDER + 1 + place] = e.before
                tokens[rows, _COUNTS + 1 + place] = np.log(node.count) / 2
        if node.component.is_leaf:
            tokens[rows, _LEAF + min(leaf, _LEAVES - 1)] = 1.0
            tokens[rows, _ORDER + 3] = e.rank / node.count
            tokens[rows, _COUNTS + 3] = float(e.places is None)
            tokens[rows, _COUNTS + 4] = float(e.places is None and listed)
            leaf += 1
    return tokens
