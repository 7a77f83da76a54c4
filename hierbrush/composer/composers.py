"""Composers by name: the learned one, the imitation that it began as, one from a weights file, or a control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from hierbrush.arguments import check_path
from hierbrush.errors import HierbrushError, closest, shown

if TYPE_CHECKING:
    from hierbrush.composer.brief import Brief
    from hierbrush.composer.compose import Composition
    from hierbrush.composer.policy import ComposerPolicy

    Composer = Callable[[Sequence[Brief]], list[Composition]]

WEIGHTS = Path(__file__).resolve().parent / "weights" / "composer.safetensors"
IMITATION_WEIGHTS = WEIGHTS.with_name("imitation.safetensors")
CONTROLS = ("component means", "nearest character", "fixed splits")
IMITATION = "imitation"
"""The composer before reinforcement learning: what `learned` began as."""

GOAL_CONDITIONED = "goal-conditioned"
"""The composer that sees a picture of the whole character and copies it."""

GOAL_WEIGHTS = WEIGHTS.with_name("goal.safetensors")

COMPOSER = "composer"
"""What the high-level policy is called among the agents that learn together."""

COMPOSERS = ("learned", IMITATION, *CONTROLS)


def composer(name: str | PathLike[str]) -> Composer:
    """Return the composer called ``name``: ``"learned"``, ``"imitation"``, a control, or a ``.safetensors`` file.

    Raises:
        HierbrushError: there is no such composer, or its weights cannot be used.
    """
    name = str(check_path("composer", name)) if isinstance(name, PathLike) else name
    if not isinstance(name, str):
        raise HierbrushError(f"composer: {shown(name)} is not one of {', '.join(COMPOSERS)}, nor a path")
    if name in CONTROLS:
        from hierbrush.composer import controls

        return controls.CONTROLS[name]
    if name in ("learned", IMITATION):
        weights = WEIGHTS if name == "learned" else IMITATION_WEIGHTS
        if not weights.is_file():
            raise HierbrushError(
                f"composer: {name!r} needs {weights}, which this installation lacks; reinstall hierbrush, or use one "
                f"of {', '.join(CONTROLS)}"
            )
        return _learned(weights)
    if name == GOAL_CONDITIONED:
        raise HierbrushError(f"composer: {name!r} copies pictures; give it a font or a picture as goal")
    if name.endswith(".safetensors"):
        return _learned(Path(name))
    raise HierbrushError(
        f"composer: {shown(name)} is not one of {', '.join(COMPOSERS)}{closest(name, list(COMPOSERS))}"
    )


def seeing_composer(name: str | PathLike[str]) -> ComposerPolicy:
    """Return the composer that copies pictures: ``"goal-conditioned"``, or a ``.safetensors`` file.

    Raises:
        HierbrushError: there is no such composer, its weights cannot be used, or it sees no pictures.
    """
    from hierbrush.composer.pictured import check_sees

    name = str(check_path("composer", name)) if isinstance(name, PathLike) else name
    if not isinstance(name, str) or (name != GOAL_CONDITIONED and not name.endswith(".safetensors")):
        raise HierbrushError(
            f"composer: {shown(name)} sees no pictures; to copy one, leave it out or use {GOAL_CONDITIONED!r} or a "
            f"file (.safetensors){closest(name, [GOAL_CONDITIONED])}"
        )
    policy = _policy(GOAL_WEIGHTS if name == GOAL_CONDITIONED else Path(name))
    check_sees(policy, "composer")
    return policy


@lru_cache(maxsize=4)
def _policy(weights: Path) -> ComposerPolicy:
    from hierbrush.composer.policy import ComposerPolicy

    return ComposerPolicy.load(weights)


@lru_cache(maxsize=4)
def _learned(weights: Path) -> Composer:
    from hierbrush.composer.components import load_components
    from hierbrush.composer.compose import compose
    from hierbrush.composer.joints import load_joints
    from hierbrush.composer.standing import load_standing

    policy = _policy(weights)
    if policy.sees:
        raise HierbrushError(
            "composer: this one copies pictures; give it a font or a picture as goal, or compose with 'learned'"
        )
    joints, standing, components = load_joints(), load_standing(), load_components()

    def composed(briefs: Sequence[Brief]) -> list[Composition]:
        return [one.standing(standing, components).spaced(joints) for one in compose(briefs, policy)]

    return composed
