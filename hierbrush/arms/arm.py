"""An arm with a brush: which one, where its paper lies and how fast it may be. What calls and files give."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_kind
from hierbrush.arms.calibration import CORNERS, Calibration
from hierbrush.arms.presets import PRESETS, Preset, Servo
from hierbrush.arms.timing import Limits
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.options import check_fields, described_field, from_mapping, number_field

_SUFFIXES = (".xml", ".mjcf", ".urdf")
_FAR = 10.0


def _checked_text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise HierbrushError(f"{name}: {shown(value)}, expected text")
    return value


def _checked_row(name: str, value: Any, *, shape: tuple[int | None, ...], unit: str) -> tuple[Any, ...]:
    if value is None or (isinstance(value, Sequence) and not value):
        return ()
    expected = "x".join("n" if size is None else str(size) for size in shape)
    array = check_array(name, value, shape, f"{expected} numbers [{unit}]")
    if np.abs(array).max() > _FAR:
        raise HierbrushError(f"{name}: {shown(value)}, expected {unit}, none above {_FAR:g}")
    return tuple(map(tuple, array.tolist())) if array.ndim == 2 else tuple(array.tolist())


def _text(default: str, text: str) -> Any:
    return described_field(default, text, _checked_text, {"type": "string", "minLength": 1})


def _row(unit: str, text: str, shape: tuple[int | None, ...]) -> Any:
    row: dict[str, Any] = {"type": "number"}
    for size in reversed(shape):
        sizes = {} if size is None else {"minItems": size, "maxItems": size}
        row = {"type": "array", "items": row, **sizes}
    schema = {"anyOf": [row, {"type": "array", "maxItems": 0}]}
    return described_field((), text, partial(_checked_row, shape=shape, unit=unit), schema, unit)


@dataclass(frozen=True)
class Arm:
    """A robot arm that holds the brush, in metres, seconds and radians, in its own base frame (z up).

    The defaults of the arms that hierbrush brings suit them; another arm is named by its file, and needs ``points``.
    Each field's meaning is in its metadata, from which ``hierbrush arm example`` and ``hierbrush arm schema`` are made.

    Raises:
        HierbrushError: an unknown arm, a number out of range, or points that are no paper.
    """

    model: str = _text("ur5e", "The arm: ur5e, so101, or the path of an MJCF or URDF file.")
    tip: str = _text("tip", "Site (or body, in URDF link) at the brush's tip; its z axis leaves the tip.")
    points: tuple[tuple[float, float, float], ...] = _row(
        "m", f"The paper's corners as touched by the tip: {CORNERS}. Left out: in front of an arm of hierbrush's own.",
        (4, 3),
    )  # fmt: skip
    stone: tuple[float, ...] = _row("m", "Where the tip rests in the ink. Left out: 30 mm right of the paper.", (3,))
    home: tuple[float, ...] = _row(
        "rad", "Joint angles near which the arm works; they choose the elbow's side.", (None,)
    )
    travel: float = number_field(0.02, "m", "How far above first touch the brush travels.", 0.005, 0.5)
    approach_speed: float = number_field(0.02, "m/s", "Speed of the first way down to ink and paper.", 1e-3, 1.0)
    max_depth: float = number_field(0.015, "m", "How far below first touch the tip may go.", 1e-4, 0.03)
    limit_margin: float = number_field(
        0.05, "rad", "Angle that joints keep from the ends of their range; of slides a tenth as many metres.", 0.0, 1.0
    )
    joint_speed: float | None = number_field(
        None, "rad/s", "Most speed of each joint (slides: m/s, and so on); unless given, what a URDF says.", 1e-3, 100.0
    )
    joint_acceleration: float | None = number_field(None, "rad/s²", "Most acceleration of each joint.", 1e-2, 1e4)
    joint_jerk: float | None = number_field(None, "rad/s³", "Most jerk of each joint.", 1e-1, 1e6)

    def __post_init__(self) -> None:
        check_fields("arm", self)
        if self.preset is None:
            if not self.model.lower().endswith(_SUFFIXES):
                raise HierbrushError(
                    f"arm: {shown(self.model)} is none of {', '.join(PRESETS)} and no file that ends in "
                    f"{', '.join(_SUFFIXES)}{closest(self.model, list(PRESETS))}"
                )
            if not self.points:
                raise HierbrushError(f"arm: points: are needed for an arm from a file: the paper's corners, {CORNERS}")
        if self.points:
            Calibration.touched(self.points, self.stone)

    @classmethod
    def of(cls, arm: object) -> Arm:
        """Return an arm given as one, by its name or file, or as a mapping of its fields.

        Raises:
            HierbrushError: it is none of these, or has a value that an arm refuses.
        """
        if isinstance(arm, str):
            return cls(model=arm)
        if isinstance(arm, Mapping):
            return from_mapping("arm", cls, arm)
        check_kind("arm", arm, Arm, f"an Arm, its fields, a file, or one of {', '.join(PRESETS)}")
        assert isinstance(arm, Arm)
        return arm

    @property
    def preset(self) -> Preset | None:
        """What hierbrush knows of the arm, if it brings it."""
        return PRESETS.get(self.model)

    @property
    def name(self) -> str:
        """What the arm is called in files and messages."""
        return self.model if self.preset else self.model.rsplit("/", 1)[-1]

    def limits(self, joints: int) -> Limits:
        """Return the limits of ``joints`` joints, [n] each."""
        known = self.preset
        defaults = (known.speed, known.acceleration, known.jerk) if known else (math.pi / 2, 8.0, 200.0)
        given = (self.joint_speed, self.joint_acceleration, self.joint_jerk)
        return Limits(
            *(
                np.full(joints, default if value is None else value)
                for value, default in zip(given, defaults, strict=True)
            )
        )

    @cached_property
    def servo(self) -> Servo | None:
        """The drives of an arm that hierbrush brings."""
        return self.preset.servo if self.preset else None

    def calibration(self, width: float, height: float) -> Calibration:
        """Return where a sheet of these metres lies: its top left corner at the first touched point.

        Raises:
            HierbrushError: it is larger than the paper that was touched.
        """
        if not self.points:
            assert self.preset is not None
            placed = self.preset.paper(width, height)
            return Calibration.of(placed.corner, placed.axes, width, height, self.stone)
        paper = Calibration.touched(self.points, self.stone)
        for name, needed, there in (("width", width, paper.width), ("height", height, paper.height)):
            if needed > there + 1e-6:
                raise HierbrushError(
                    f"arm: points: the sheet's {name} is {needed * 1e3:.0f} mm, but the paper that was touched has "
                    f"{there * 1e3:.0f} mm; write smaller, or touch the corners of a larger paper"
                )
        return paper

    def start(self, joints: int) -> NDArray[np.float64]:
        """Return the joint angles that the search begins with.

        Raises:
            HierbrushError: ``home`` has another number of them.
        """
        known = self.home or (self.preset.home if self.preset else (0.0,) * joints)
        if len(known) != joints:
            raise HierbrushError(f"arm: home: {len(known)} angles, but the arm has {joints} joints up to its tip")
        return np.array(known, np.float64)
