"""Practice for the composer beyond the training characters: places that several teachers agree about.

Knowledge distillation of an ensemble (Hinton et al., 2015, arXiv 1503.02531). Nobody has drawn invented characters, so
the mean of networks that learned before stands in for their truth; of training characters it may soften what was drawn,
which has the designer's whims in it. One network that practises both may come near the mean of several without their
cost, and one that teaches itself forgets what it has learned by heart (Furlanello et al., 2018, arXiv 1805.04770).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import CharacterLibrary, Component, load_library, split
from hierbrush.characters.repertoire import IN_PLACE, repertoire
from hierbrush.composer.brief import MAX_STROKES, Brief, Truth, make_brief
from hierbrush.composer.exemplars import Form, form_of, renumbered
from hierbrush.composer.observation import BriefBank, Drafts
from hierbrush.composer.place import PLACE_SIZE, decode_place, encode_place
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.errors import HierbrushError

F32 = NDArray[np.float32]

_BATCH = 256
"""Characters placed side by side: beyond this only memory grows."""

_MOST_MISSES = 2000
"""Draws in a row without a new character, after which none are expected to be left."""

_FEWER_OPERATORS = str.maketrans("⿲⿳", "⿰⿱")


class Teachers:
    """Several composers that decide as one: by the mean of their places.

    Args:
        policies: at least one; their networks may differ in size.
    """

    def __init__(self, policies: Sequence[ComposerPolicy]) -> None:
        self._policies = tuple(policies)

    @classmethod
    def load(cls, files: Sequence[Path]) -> Teachers:
        """Return the composers in safetensors files.

        Raises:
            HierbrushError: a file is no composer; the message names the setting ``practice.teachers``.
        """
        policies = []
        for number, file in enumerate(files):
            try:
                policies.append(ComposerPolicy.load(file))
            except HierbrushError as error:
                raise HierbrushError(f"practice.teachers[{number}]: {error}") from None
        return cls(policies)

    def places(self, briefs: Sequence[Brief], batch: int = _BATCH) -> list[F32]:
        """Return where they put the strokes of characters before any is written: f32 [S, PLACE_SIZE] about each prior.

        All at once is as near the truth as stroke by stroke, and a dozen times cheaper.

        Args:
            briefs: the characters.
            batch: characters placed side by side.
        """
        found: list[F32] = []
        for start in range(0, len(briefs), batch):
            part = briefs[start : start + batch]
            everything = np.arange(len(part))
            drafts = Drafts(BriefBank.of(part), len(part))
            drafts.begin(everything, everything)
            blank = drafts.observe()
            mean = np.mean([policy.heads(blank)[1][..., :PLACE_SIZE] for policy in self._policies], axis=0)
            found += [places[: len(brief)] for brief, places in zip(part, mean, strict=True)]
        return found


def invent(count: int, seed: int, library: CharacterLibrary | None = None) -> list[Brief]:
    """Return briefs of characters that do not exist, put together from components in places where they do occur.

    A training character of two components is drawn, so that operators occur as often as in training, and one of the
    two gives way to what stands in its place in another training character with the same operator. Left out are
    characters with more than `MAX_STROKES` strokes or with components that the component library does not know, those
    already invented, and every combination of operator and two components that any character of the library has, as a
    whole or within it, whatever its split: no test or validation character is ever practised. Combinations are told
    apart by operator and leaves alone, so ⿱⿰貝貝貝 is left out since ⿱貝⿰貝貝 is a character.

    Args:
        count: number of characters.
        seed: the same seed invents the same characters.
        library: the characters; those that ship with hierbrush unless given.

    Raises:
        HierbrushError: there are not so many; the message names the setting ``practice.characters``.
    """
    library = library or load_library()
    rng = np.random.default_rng(seed)
    forms = {char: form_of(char, library) for char in library}
    taken = {combination(node) for form in forms.values() for node in _structures(form.tree)}
    # A component cut out of a larger character belongs to no typeface that an invented one could be written in.
    drawn_from = [
        char
        for char, form in forms.items()
        if split(char) == "train" and len(form.tree.children) == 2 and repertoire(char).typeface != IN_PLACE
    ]
    by_operator = defaultdict(list)
    for char in drawn_from:
        by_operator[forms[char].tree.operator].append(char)
    invented: list[Brief] = []
    misses = 0
    while len(invented) < count:
        if misses == _MOST_MISSES or not drawn_from:
            raise HierbrushError(f"practice.characters: is {count}, but only {len(invented)} could be invented")
        misses += 1
        first = drawn_from[rng.integers(len(drawn_from))]
        alike = by_operator[forms[first].tree.operator]
        form = _exchanged(forms[first], forms[alike[rng.integers(len(alike))]], slot=int(rng.integers(2)))
        made = combination(form.tree)
        if len(form.stroke_types) > MAX_STROKES or made in taken:
            continue
        brief, _ = make_brief(form.tree, form.stroke_types, repertoire=repertoire(first))
        if brief.unknown:
            continue
        taken.add(made)
        invented.append(brief)
        misses = 0
    return invented


def combination(node: Component) -> tuple[str, ...]:
    """Return what must not be invented again: a component's operator and the names of its leaves.

    ⿲ counts as ⿰ and ⿳ as ⿱, for ⿲木木木 and ⿰木⿰木木 are one.
    """
    return node.operator.translate(_FEWER_OPERATORS), *(leaf.name for leaf in node.leaves())


def practised(briefs: Sequence[Brief], teachers: Teachers) -> list[Truth]:
    """Return how teachers write characters, in the library's order, as if that were the truth; for training only."""
    return [
        Truth(brief.library_order, decode_place(brief.prior, places))
        for brief, places in zip(briefs, teachers.places(briefs), strict=True)
    ]


def softened(briefs: Sequence[Brief], truths: Sequence[Truth], teachers: Teachers, weight: float) -> list[Truth]:
    """Return how characters are written, moved towards where teachers put their strokes (soft targets).

    Characters with unknown components stay as they are: teachers can only guess at them.

    Args:
        briefs: the characters.
        truths: how they are written.
        teachers: who softens.
        weight: of the teachers' places, 0 to 1.
    """
    known = [at for at, brief in enumerate(briefs) if not brief.unknown]
    soft = list(truths)
    for at, places in zip(known, teachers.places([briefs[at] for at in known]), strict=True):
        prior, truth = briefs[at].prior, truths[at]
        moved = (1 - weight) * encode_place(prior, truth.places) + weight * places
        soft[at] = Truth(truth.order, decode_place(prior, moved.astype(np.float32)))
    return soft


def _exchanged(form: Form, other: Form, slot: int) -> Form:
    """Return a character with one of its two components from another character with the same operator."""
    parts = [(form if at != slot else other) for at in range(2)]
    children: list[Component] = []
    types: list[str] = []
    for at, part in enumerate(parts):
        # Part by part is not the order of writing, but briefs depend on it within leaves only.
        child = part.tree.children[at]
        children.append(renumbered(child, {stroke: len(types) + row for row, stroke in enumerate(child.strokes)}))
        types += [part.stroke_types[stroke] for stroke in child.strokes]
    operator = form.tree.operator
    # Anonymous components of the library have a number for a name, so this is the name of none.
    name = "#" + operator + "".join(map(str, children))
    return Form(Component(name, operator, tuple(range(len(types))), tuple(children)), tuple(types))


def _structures(tree: Component) -> Iterator[Component]:
    """Yield a tree's nodes that are taken apart, the root first."""
    if not tree.is_leaf:
        yield tree
    for child in tree.children:
        yield from _structures(child)
