"""Joined characters: strokes that a running hand does not part are written as one movement of the brush."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hierbrush.arguments import check_path
from hierbrush.characters import Component
from hierbrush.sources.glyph import GlyphSource
from hierbrush.sources.plan import Plan, RejectedError
from hierbrush.sources.source import Request, Source, register
from hierbrush.sources.styled import StyleSource
from hierbrush.strokes.goal import with_widths

if TYPE_CHECKING:
    from hierbrush.styles.join_inventory import JoinInventory

SUFFIX = ".joins"


@register
class JoinedSource(Source):
    """The strokes of the library's glyph, or of a style, joined as a running hand joins them."""

    name = "joined"
    wanted = "an inventory of joined strokes (.joins)"

    @classmethod
    def accepts(cls, request: Request) -> bool:
        """Return whether the goal is an inventory of joins."""
        return request.file(SUFFIX) is not None

    def check(self, text: str) -> None:
        """Raise HierbrushError unless the glyph or style has this character."""
        self._base().check(text)

    def plans(self, texts: Sequence[str]) -> list[Plan | RejectedError]:
        """Return the movements of the brush for each character.

        Raises:
            HierbrushError: the inventory or the style cannot be read.
        """
        inventory = inventory_at(self.request.goal)
        return [_joined(plan, inventory, self.request.weight) for plan in self._base().plans(texts)]

    def _base(self) -> Source:
        plain = Request(style=self.request.style, direction=self.request.direction)
        return GlyphSource(plain) if self.request.style is None else StyleSource(plain)


def _joined(plan: Plan | RejectedError, inventory: JoinInventory, weight: float) -> Plan | RejectedError:
    from hierbrush.styles.joins import merged

    if isinstance(plan, RejectedError):
        return plan
    goals, _ = merged(plan.goals, inventory.joins_of(plan.goals))
    outlines = tuple(goal.outline for goal in goals)
    order = tuple(range(len(goals)))
    return replace(
        plan,
        goals=tuple(with_widths(goals, np.full(len(goals), weight))),
        references=outlines,
        glyph=outlines,
        order=order,
        decomposition=Component(plan.char, "", order),
        source=JoinedSource.name,
        weight=weight,
    )


def inventory_at(path: Any) -> JoinInventory:
    """Return the inventory in a file; the latest four are kept until their files change.

    Raises:
        HierbrushError: it cannot be read.
    """
    place = check_path("goal", path)
    try:
        modified = Path(place).stat().st_mtime_ns
    except (OSError, ValueError):
        modified = 0
    return _inventory(str(place), modified)


@lru_cache(maxsize=4)
def _inventory(path: str, modified: int) -> JoinInventory:
    from hierbrush.styles.join_inventory import JoinInventory

    return JoinInventory.load(path)
