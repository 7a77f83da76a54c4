"""What stands in for a component that no training character has: the one whose strokes are most like its own.

Where its strokes lie nobody knows, but 本 is more like 术 than like five strokes one below the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from hierbrush.composer.components import ComponentLibrary
from hierbrush.composer.tree import ComponentForm


@lru_cache(maxsize=1024)
def stand_in(
    components: ComponentLibrary, stroke_types: tuple[str, ...], *, listed: bool, exclude: str | None = None
) -> ComponentForm | None:
    """Return the form of a leaf with as many strokes that has most types in common; None if there is none.

    Of several that are as like, the one that training characters have most often.

    Args:
        components: the component library.
        stroke_types: of the component that is not known.
        listed: whether they stand in the order of writing, which then counts as well.
        exclude: character whose own occurrences do not count.
    """
    best: tuple[float, int] = (0.0, 0)
    found = None
    for form in _leaves(components).get(len(stroke_types), ()):
        likeness = _likeness(form.stroke_types, stroke_types, listed=listed)
        if likeness < best[0]:
            continue
        occurrences = len(components.occurrences(form, exclude))
        if occurrences and (likeness, occurrences) > best:
            best, found = (likeness, occurrences), form
    return found


@lru_cache(maxsize=2)
def _leaves(components: ComponentLibrary) -> dict[int, list[ComponentForm]]:
    """Return the forms of leaves by their numbers of strokes."""
    leaves: defaultdict[int, list[ComponentForm]] = defaultdict(list)
    for form in components.forms:
        if form.is_leaf:
            leaves[len(form.stroke_types)].append(form)
    return leaves


def _likeness(one: Sequence[str], other: Sequence[str], *, listed: bool) -> float:
    if listed:
        return SequenceMatcher(None, one, other, autojunk=False).ratio()
    return float((Counter(one) & Counter(other)).total())
