"""A curriculum whose characters are soon written."""

from __future__ import annotations

from typing import Any


def short_curriculum(strokes: tuple[int, int], count: int) -> dict[str, Any]:
    """Return one stage of ``count`` training characters with so many strokes."""
    stage = {
        "name": "all",
        "characters": {"strokes": list(strokes), "count": count},
        "promotion": {"threshold": 0.9, "maximum_steps": 1000},
    }
    return {"format": 1, "name": "short", "strokes": "all", "stages": [stage]}
