"""What ink and paper are: constant parameters, validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hierbrush.arguments import check_choice, check_number, check_whole
from hierbrush.errors import HierbrushError, shown
from hierbrush.options import from_mapping

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PLAIN = "plain"
"""Ink as the simulator leaves it: there or not. What is written without asking."""

DIPS = ("stroke", "character", "auto")
"""When the brush is dipped: before each stroke, before each character, or when its ink would not last."""

MOST_SEED = 2**63 - 1


class Paper(NamedTuple):
    """A paper: its grain in millimetres, the share of the finer octave, and how it drinks.

    ``rough`` is how far its hills stand out (1: as the grain's noise has it). ``spread`` is how far wet ink creeps, in
    mm; 0 for sized paper, which does not drink.
    """

    fine: float
    coarse: float
    share: float
    rough: float
    spread: float


PAPERS = {
    "xuan": Paper(0.24, 0.83, 0.59, 0.763, 0.8),
    "sized": Paper(0.24, 0.83, 0.59, 0.68, 0.0),
    "rough": Paper(0.45, 2.2, 0.5, 1.25, 0.25),
}
"""Papers by name: raw xuan paper, sized xuan paper, and a rough one.

The grain of the first two is that of the dry strokes measured in docs/ink.md; nobody has published measurements of
xuan paper, so how they drink is set by eye."""


@dataclass(frozen=True)
class Ink:
    """How a brush is loaded and what it writes on.

    Attributes:
        load: ink in the tuft after a dip, 0.05 to 1; 1 is all that the hairs hold.
        dryness: how much the hairs hold back, 0 (they give freely) to 1 (they hardly mark): thick ink, a wiped tuft.
        paper: ``"xuan"`` (drinks), ``"sized"`` or ``"rough"``.
        seed: of hairs and grain; the same seed gives the same bits.
        forks: how readily a tuft that runs dry parts into locks, 0 to 1.
        speed: how much a fast hand lifts the hairs off the paper, 0 to 1.

    Raises:
        HierbrushError: a value is out of range, or there is no such paper.
    """

    load: float = 0.7
    dryness: float = 0.25
    paper: str = "xuan"
    seed: int = 0
    forks: float = 0.5
    speed: float = 0.5

    def __post_init__(self) -> None:
        for name, low in (("load", 0.05), ("dryness", 0.0), ("forks", 0.0), ("speed", 0.0)):
            value = check_number(f"ink: {name}", getattr(self, name), low, 1.0, "a share")
            object.__setattr__(self, name, value)
        check_choice("ink: paper", self.paper, PAPERS)
        object.__setattr__(self, "seed", check_whole("ink: seed", self.seed, 0, MOST_SEED))

    def numbers(self, cell_mm: float, scale: float) -> NDArray[np.float32]:
        """Return what the core reads, float32 [17], as named in ``core/ink.h``.

        Args:
            cell_mm: side of a cell of the grid on the paper, mm.
            scale: mm on the paper for a metre of the character's own box.
        """
        import numpy as np

        paper = PAPERS[self.paper]
        # A hair's contact with the paper: marks begin where it is 1 less the height of the paper. The form and the
        # weights of ink, pressure and speed were fitted to dry strokes (docs/ink.md).
        base = 0.14 + 0.45 * (1.0 - paper.rough)
        # Wet hairs lie beside each other, dry ones stand apart.
        apart = 0.4 + 1.25 * self.dryness
        return np.array(
            [
                base + 0.9 * (0.4 - self.dryness),
                2.45,  # contact by ink: a stroke begins full and opens as its hairs run dry
                0.63,  # contact by pressure
                0.008,  # depth of full pressure, m
                0.815 * apart,  # how far hairs differ in height
                2.54 * self.speed,  # contact lost at 1 m/s
                0.11,  # contact lost at the bundle's edges
                1.0 / 0.14,
                0.0067,  # share of the difference to the reservoir that a hair draws, a mm
                # Ink that a hair gives to a cell: 6 mm² of paper empty a hair that draws nothing.
                0.0023 * cell_mm * cell_mm / 0.0137,
                0.011,  # ink that neighbours share, a stamp
                HAIR_SHARE / 96.0,
                0.007,  # splitting, a mm
                5.5 * self.forks,
                1.0 / 7.25,  # rows of hair heights, a mm
                scale,
                2.6 + 0.4 * (1.0 - self.dryness),
            ],
            np.float32,
        )


HAIR_SHARE = 0.12
"""What all hairs' tips hold of the ink of a full tuft."""

PRESETS = {
    "wet": Ink(load=1.0, dryness=0.0, forks=0.2),
    "dry": Ink(load=0.5, dryness=0.48),
    "fading": Ink(load=0.3, dryness=0.3, forks=0.7),
    "sized": Ink(load=0.9, dryness=0.1, paper="sized"),
}
"""Inks by name; ``"plain"`` beside them is the simulator's own."""


def ink_of(ink: object) -> Ink | None:
    """Return an ink given as one, by a preset's name, or as a mapping of its fields; None for plain ink.

    Raises:
        HierbrushError: it is none of these, or has a value that an ink refuses.
    """
    if ink is None or (isinstance(ink, str) and ink == PLAIN):
        return None
    if isinstance(ink, Ink):
        return ink
    if isinstance(ink, str):
        return PRESETS[check_choice("ink", ink, [PLAIN, *PRESETS])]
    if isinstance(ink, Mapping):
        return from_mapping("ink", Ink, ink)
    raise HierbrushError(f"ink: {shown(ink)}, expected one of {', '.join([PLAIN, *PRESETS])}, an Ink or its fields")
