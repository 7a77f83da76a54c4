"""Where the strokes of characters come from: each source is a file of this package, found by its place.

A source is a class that `register` names: it says which requests are for it (`Source.accepts`) and answers with plans
(`Source.plans`). Whoever writes asks `plans_of` and knows no source by its name.
"""

from __future__ import annotations

from hierbrush.sources.plan import BOLDEST, LIGHTEST, Plan, RejectedError
from hierbrush.sources.source import Request, Source, asked, check, kind, names, plans_of, register, sure_bounds

__all__ = [
    "BOLDEST",
    "LIGHTEST",
    "Plan",
    "RejectedError",
    "Request",
    "Source",
    "asked",
    "check",
    "kind",
    "names",
    "plans_of",
    "register",
    "sure_bounds",
]
