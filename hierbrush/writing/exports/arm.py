"""Files for robot arms from ``hierbrush write``: URScript, and ROS's JointTrajectory as YAML and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hierbrush.errors import HierbrushError, extra_needed, shown
from hierbrush.writing.outputs import Export, Flag, Option, register

if TYPE_CHECKING:
    from hierbrush.writing.paper import Paper
    from hierbrush.writing.result import Sheet


class OnArm(NamedTuple):
    """An arm, as `Sheet.on` takes it, and by how many metres its movement is raised: a dry run."""

    arm: Any = "ur5e"
    lift: float = 0.0


def _checked(given: Any) -> OnArm:
    from hierbrush.arms import Arm

    wanted = OnArm() if given is None else given if isinstance(given, OnArm) else OnArm(given)
    return OnArm(Arm.of(wanted.arm), wanted.lift)


def _gathered(given: dict[str, Any]) -> OnArm:
    from hierbrush.arms.option_file import arm_of

    return OnArm(arm_of(str(given.get("arm", "ur5e"))), given.get("arm_lift", 0.0) / 1e3)


ARM = Option(
    "arm",
    _checked,
    what="an arm",
    lacking="are for no arm",
    none="is for an arm",
    flags=(
        Flag("--arm", "Robot arm of script and joints files: ur5e, so101, or a YAML file, see hierbrush arm example.  "
             "[default: ur5e]",
             Path, metavar="ARM"),
        Flag("--arm-lift", "Dry run: raise all of the arm's movement by so much, in mm.", float, metavar="MM"),
    ),
    gather=_gathered,
)  # fmt: skip


def _render(kind: str, sheet: Sheet, arm: OnArm) -> bytes:
    moved = sheet.on(arm.arm, lift=arm.lift)
    from hierbrush.arms.files import render

    return render(moved.motion, kind, sheet.text)


def check(paper: Paper, bounds: Sequence[Sequence[float]], arm: OnArm) -> None:
    """Refuse, before anything is written, a paper of which an arm does not reach all."""
    with extra_needed("arm:", "arm"):
        from hierbrush.arms.reach import unreached
    places = [
        [(x + across * paper.cell, y + down * paper.cell, 0.0) for across in (left, right) for down in (top, bottom)]
        for (x, y), (left, top, right, bottom) in zip(paper.corners, bounds, strict=True)
    ]
    found = unreached(arm.arm, paper.width, paper.height, places)
    if found is not None:
        number, why = found
        raise HierbrushError(f"arm: {shown(arm.arm.name)[1:-1]} cannot write character {number + 1}: {why}")


for _kind, _suffix, _place in (("script", "script", 9), ("yaml", "joints.yaml", 10), ("json", "joints.json", 11)):
    register(
        Export(
            _suffix,
            lambda sheet, arm, kind=_kind: _render(kind, sheet, arm),
            options=(ARM,),
            check=lambda paper, bounds, arm: check(paper, bounds, arm),
            moves=True,
            place=_place,
        )
    )
