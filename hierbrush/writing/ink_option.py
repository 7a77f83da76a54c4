"""How files and the command line ask for ink: an option that all kinds of picture share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hierbrush.arguments import check_choice
from hierbrush.ink.model import PAPERS, PLAIN, PRESETS, Ink, ink_of
from hierbrush.writing.outputs import Flag, Option


def _of_flags(given: dict[str, Any]) -> Ink | None:
    name = given.get("ink", "dry")
    check_choice("--ink", name, [PLAIN, *PRESETS])
    own = {field: given[f"ink_{field}"] for field in ("load", "dryness", "paper", "seed") if f"ink_{field}" in given}
    chosen = ink_of(name)
    if chosen is None:
        return Ink(**own) if own else None
    return replace(chosen, **own)


INK = Option(
    "ink",
    ink_of,
    what="an ink",
    lacking="show no ink but plain",
    none="is a picture of ink",
    flags=(
        Flag("--ink", "Ink in png, gif, pdf and html.  [default: plain; dry with those below]", (PLAIN, *PRESETS)),
        Flag(
            "--ink-load", "Ink in the brush after a dip, 0.05 to 1.  [default: that of --ink]", float, metavar="SHARE"
        ),
        Flag(
            "--ink-dryness", "How much the hairs hold back, 0 to 1.  [default: that of --ink]", float, metavar="SHARE"
        ),
        Flag(
            "--ink-paper",
            "Raw xuan drinks, sized does not; or rough.  [default: that of --ink]",
            tuple(PAPERS),
        ),
        Flag("--ink-seed", "Seed of hairs and grain.  [default: 0]", int, metavar="INTEGER"),
    ),
    gather=_of_flags,
)
