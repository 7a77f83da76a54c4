"""What an arm cannot reach: why, in which direction, and where the paper would have to lie instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hierbrush.arms.kinematics import Target

if TYPE_CHECKING:
    from hierbrush.arms.arm import Arm
    from hierbrush.arms.scene import Scene

_WHY = {
    "reach": "out of reach along {axis}",
    "limit": "joint {detail} would come to the end of its range",
    "singularity": "the arm would be stretched out or folded, where it loses a direction",
    "collision": "{detail} would touch",
    "smoothness": "no smooth movement of the joints follows it",
}
_TRIES = np.arange(0.02, 0.62, 0.02)
_SHARES = np.linspace(0.1, 1.0, 19)
_LEAST_SHIFT = 5e-4  # metres
_MOST_POINTS = 40
_WEAK = 0.006  # metres a radian, half as much again as a movement keeps
_TO_POINT = 5  # joints by which an arm points the brush as it likes


class Unreachable(Exception):  # noqa: N818  # a finding, told to the user as a HierbrushError
    """A place [3] on the paper that an arm cannot use, and why: a key of the reasons here, with a detail.

    ``stroke`` is the stroke there, or with ``between`` the one before or after which the place lies in the air.
    """

    def __init__(
        self, place: NDArray[np.float64], reason: str, detail: str = "", stroke: int = 0, between: bool = False
    ) -> None:
        super().__init__(reason)
        self.place, self.reason, self.detail, self.stroke, self.between = place, reason, detail, stroke, between

    def _for(self, stroke: int, between: bool) -> Unreachable:
        return Unreachable(self.place, self.reason, self.detail, stroke, between)


def advice(found: Unreachable, scene: Scene, points: NDArray[np.float64]) -> str:
    """Return in words what is wrong, the base frame's axis along which it is, and where the paper would have to lie.

    Args:
        found: what went wrong.
        scene: the arm in its place.
        points: places [n, 3] on the paper that must all be reached.
    """
    place = scene.calibration.world(found.place[None])[0]
    moved = _shift(scene, points)
    axis = int(np.abs(place if moved is None else moved).argmax())
    why = _WHY[found.reason].format(detail=found.detail, axis="xyz"[axis])
    if found.reason == "reach" and scene.solver.joints < _TO_POINT:
        why += f", or its {scene.solver.joints} joints cannot point the brush into the paper there"
    at = ", ".join(f"{name} {value * 1e3:.0f}" for name, value in zip("xyz", place, strict=True))
    if moved is None:
        rest = "no place for the paper was found; turn it, or write smaller"
    else:
        corner = ", ".join(f"{value * 1e3:.0f}" for value in scene.calibration.corner + moved)
        ways = " and ".join(
            f"{abs(far) * 1e3:.0f} mm along {'-+'[int(far > 0)]}{name}"
            for name, far in zip("xyz", moved, strict=True)
            if abs(far) > _LEAST_SHIFT
        )
        rest = f"move paper and ink {ways}, so that its top left corner lies at {corner} mm"
    return f"the tip at {at} mm of the base: {why}; {rest}"


def unreached(
    arm: Arm, width: float, height: float, places: Sequence[Sequence[Sequence[float]]]
) -> tuple[int, str] | None:
    """Return the first of a sheet's boxes that an arm does not reach all of, with advice; None if there is none.

    Args:
        arm: which arm.
        width: of the sheet in metres.
        height: of the sheet in metres.
        places: for each box places [n, 3] on the paper in metres.

    Raises:
        HierbrushError: the arm's file cannot be used, or the sheet is larger than its paper.
    """
    from hierbrush.arms.scene import build

    scene = build(arm, arm.calibration(width, height))
    for number, box in enumerate(places):
        for place in np.array(box, np.float64):
            why = hindrance(scene, scene.calibration.world(place[None])[0])
            if why is not None:
                everything = np.concatenate([np.array(each, np.float64) for each in places])
                return number, advice(Unreachable(place, *why), scene, everything)
    return None


def _shift(scene: Scene, points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the shortest shift [3] among those tried after which all points can be reached, or None."""
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    chosen = np.concatenate([corners, points[:: max(len(points) // _MOST_POINTS, 1)]])
    world = scene.calibration.world(chosen)
    for shift in _shifts(scene, world.mean(axis=0)):
        if all(usable(scene, place + shift) for place in world) and _clear(scene, world, shift):
            return shift
    return None


def _shifts(scene: Scene, middle: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Yield shifts [3] in whole millimetres: along each axis, then towards the tip's place at home, at some heights."""
    for far in _TRIES:
        for direction in np.eye(3):
            yield -far * direction
            yield far * direction
    home = scene.solver.pose(scene.solver.home)[0].copy()
    for height in (0.0, home[2] - middle[2], -middle[2]):
        way = np.array([home[0] - middle[0], home[1] - middle[1], height])
        for share in _SHARES:
            yield np.round(share * way, 3)


def _clear(scene: Scene, world: NDArray[np.float64], shift: NDArray[np.float64]) -> bool:
    """Whether nothing touches at places [n, 3] that an arm reaches, with paper, table and stone shifted too."""
    from hierbrush.arms.scene import build

    there = build(scene.arm, scene.calibration.moved(shift))
    solutions = (there.solver.solve(Target(place + shift, scene.axis), there.solver.home) for place in world)
    return all(angles is not None and there.touching(angles) is None for angles in solutions)


def usable(scene: Scene, place: NDArray[np.float64]) -> bool:
    """Whether an arm reaches a place [3] of the base frame, away from its limits and from singularities."""
    return hindrance(scene, place) is None


def hindrance(scene: Scene, place: NDArray[np.float64]) -> tuple[str, str] | None:
    """Return why an arm cannot use a place [3] of the base frame, as of `Unreachable`: reason and detail; else None."""
    solver, margin = scene.solver, scene.margin
    target = Target(place, scene.axis)
    angles = solver.solve(target, solver.home)
    if angles is None:
        return "reach", ""
    outside = (angles < solver.low + margin) | (angles > solver.high - margin)
    if outside.any():
        return "limit", scene.joints[int(outside.argmax())]
    return ("singularity", "") if solver.weakness(angles, target) < _WEAK else None
