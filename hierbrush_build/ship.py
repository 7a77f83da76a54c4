"""Chooses what is shipped of a training of all stroke types: ``python -m hierbrush_build.ship RUN TARGET``.

This is for whoever maintains hierbrush: a target of ``hierbrush/strokes/weights`` replaces what everybody gets. Others
give a training's folder as ``--policy``.

Specialists are not always better than the policy that they began as, of rare types above all. For each type the better
of the two is packed, by stroke IoU on validation characters, which no training sees and no table reports.

Of a training that began as what is shipped (``configs/guided.yaml``) those types are taken that write better than
before: by the mean of the stroke IoU with the exact brush and with brushes that are off by up to 10 %, without losing
more than .0005 with the exact one, with no more than 1 % other ink, and better than zero actions. Of the others what is
shipped stays.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np

from hierbrush.characters import load_library, split
from hierbrush.curriculum import load_curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.learning.recipes import any_recipe
from hierbrush.learning.recipes.guided import GuidedRecipe
from hierbrush.learning.recipes.ppo import PPORecipe
from hierbrush.learning.runs.storage import CONFIG_COPY
from hierbrush.learning.runs.weights import CARD, PACKED_WEIGHTS, WEIGHTS, fill_up, pack
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.resources import folder
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.learned import WEIGHTS as SHIPPED
from hierbrush.strokes.learned import LearnedPolicy, shipped_policy
from hierbrush.strokes.policy import MLPPolicy, PolicySet
from hierbrush.strokes.rollout import StrokePolicy, stroke_policy, write_strokes
from hierbrush.strokes.types import ABBREVIATIONS

MOST_STROKES = 300
"""Strokes of a type that are compared, at most."""

_OFF = 0.1
"""Share by which brushes are off that policies are not told of."""

_FEWEST_STROKES = 30
"""Validation strokes of a type below which deformed training strokes and shapes of its basis help to choose."""


def ship(
    run: Path, target: Path, *, without: Sequence[str] = (), most: int = MOST_STROKES
) -> dict[str, dict[str, float]]:
    """Pack the better policy for each stroke type; return what the cards say of the choice.

    Args:
        run: folder of a training with one phase for all types and one for each, which began as the other.
        target: existing folder for ``policies.safetensors`` and ``policies.json``.
        without: stroke types that the target shall have no policy for.
        most: strokes of a type that are compared, at most.

    Returns:
        By stroke type: ``strokes`` compared, stroke IoU of the ``specialist`` as packed and of the ``common`` policy;
        of a training that began as what is shipped, which is then called common, also with brushes that are off, and
        those of zero actions.

    Raises:
        HierbrushError: the folder holds no such training, or a stroke type is missing in it that ``without`` does not
            name; there is no target, or it is this installation's and would lack a type.
    """
    _check(target, without)
    try:
        recipe = any_recipe().validate_json((run / CONFIG_COPY).read_bytes())
    except (OSError, ValueError) as error:
        raise HierbrushError(f"{run}: holds no training: {str(error).splitlines()[0]}") from None
    if isinstance(recipe, GuidedRecipe):
        return _ship_taught(run, target, most)
    phases = recipe.phases if isinstance(recipe, PPORecipe) else ()
    phase = next((phase for phase in phases if phase.policies == "per_stroke" and phase.start_from), None)
    if phase is None or phase.start_from is None:
        raise HierbrushError(f"{run}: no phase trains a policy per stroke type from one for all")
    base = run / phase.start_from
    places = {kind: run / phase.name / kind for kind in ABBREVIATIONS}
    specialists = {kind: place for kind, place in places.items() if kind not in without and (place / CARD).exists()}
    if not specialists:
        raise HierbrushError(f"{run / phase.name}: holds no finished policy")
    missing = [kind for kind in ABBREVIATIONS if kind not in specialists and kind not in without]
    if missing:
        raise HierbrushError(
            f"{run / phase.name}: has no finished policy for {', '.join(missing)}; hierbrush train --resume trains "
            "what is missing, --without TYPE leaves a type out"
        )
    common = MLPPolicy.load(base / WEIGHTS)
    with tempfile.TemporaryDirectory() as trial:
        # Packing changes weights a little, so what is compared is what would be loaded.
        pack(specialists, Path(trial), base=base)
        packed = LearnedPolicy.load(Path(trial) / PACKED_WEIGHTS)
    everyone = LearnedPolicy(PolicySet(dict.fromkeys(specialists, common)))
    found: dict[str, dict[str, float]] = {}
    for kind, goals in _goals(list(specialists), most).items():
        found[kind] = {
            "strokes": len(goals),
            "specialist": _mean_iou(goals, packed),
            "common": _mean_iou(goals, everyone),
        }
    chosen = {
        kind: specialists[kind] if scores["specialist"] > scores["common"] else base for kind, scores in found.items()
    }
    pack(chosen, target, base=base, validation=found)
    return found


def _ship_taught(run: Path, target: Path, most: int) -> dict[str, dict[str, float]]:
    """Pack what was taught and is better than what is shipped, and what is shipped of all other types."""
    taught = {kind: run / kind for kind in ABBREVIATIONS if (run / kind / CARD).exists()}
    if not taught:
        raise HierbrushError(f"{run}: holds no finished policy")
    with tempfile.TemporaryDirectory() as trial:
        fill_up(taught, Path(trial) / PACKED_WEIGHTS)
        packed = LearnedPolicy.load(Path(trial) / PACKED_WEIGHTS)
    found: dict[str, dict[str, float]] = {}
    for kind, goals in _goals(list(taught), most).items():
        found[kind] = {"strokes": len(goals)}
        for name, policy in (("specialist", packed), ("common", shipped_policy()), ("zero", stroke_policy("zero"))):
            for off, suffix in ((0.0, ""), (_OFF, "_brush_off")):
                found[kind][name + suffix], found[kind][f"{name}{suffix}_ink"] = _scores(goals, policy, off)
    better = {kind: folder for kind, folder in taught.items() if _is_better(found[kind])}
    fill_up(better, target / PACKED_WEIGHTS, marked=False, validation=found)
    return found


def _is_better(scores: Mapping[str, float]) -> bool:
    """Whether what was taught is to replace what is shipped; see the module."""
    gain, gain_off = (scores[f"specialist{off}"] - scores[f"common{off}"] for off in ("", "_brush_off"))
    ink = abs(scores["specialist_ink"] - 1.0) <= max(abs(scores["common_ink"] - 1.0), 0.01)
    return gain > -0.0005 and gain + gain_off > 0 and ink and scores["specialist"] > scores["zero"]


def _scores(goals: Sequence[StrokeGoal], policy: StrokePolicy, off: float) -> tuple[float, float]:
    """Return mean stroke IoU, and mean ink in shares of what is wanted, with brushes off by up to a share."""
    model = BrushModel.preset("measured")
    brushes = model.randomised(len(goals), off, np.random.default_rng(977))
    paths = write_strokes(goals, model, policy=policy, brushes=brushes)
    inks = [trace(brush[None], [path], side=SIDE) for brush, path in zip(brushes, paths, strict=True)]
    wanted = [rasterise([goal.outline], SIDE) for goal in goals]
    ious = [stroke_iou(ink, reference) for ink, reference in zip(inks, wanted, strict=True)]
    shares = [ink.sum() / reference.sum() for ink, reference in zip(inks, wanted, strict=True)]
    return round(float(np.mean(ious)), 5), round(float(np.mean(shares)), 5)


def _goals(stroke_types: Sequence[str], most: int) -> dict[str, list[StrokeGoal]]:
    """Return validation strokes of every type; where there are few, also some that nobody drew."""
    goals: dict[str, list[StrokeGoal]] = {kind: [] for kind in stroke_types}
    library = load_library()
    for char in (char for char in library.characters if split(char) == "validation"):
        wanted = [kind in goals and len(goals[kind]) < most for kind in library.stroke_types(char)]
        if any(wanted):
            for stroke, is_wanted in zip(library[char].strokes, wanted, strict=True):
                if is_wanted and len(goals[stroke.stroke_type]) < most:
                    goals[stroke.stroke_type].append(stroke.goal())
    practised = load_curriculum(folder("curricula") / "specialists.yaml").stages[-1].goals
    assert practised is not None
    for kind, found in goals.items():
        if len(found) < _FEWEST_STROKES:
            # Another seed than trainings use: their shapes, but not the very same goals.
            found += sample_goals(practised, [kind], min(most, 100), seed=977)
    return goals


def _mean_iou(goals: Sequence[StrokeGoal], policy: StrokePolicy) -> float:
    model = BrushModel.preset("measured")
    inks = (trace(model, [path], side=SIDE) for path in write_strokes(goals, model, policy=policy))
    wanted = (rasterise([goal.outline], SIDE) for goal in goals)
    return round(float(np.mean([stroke_iou(ink, reference) for ink, reference in zip(inks, wanted, strict=True)])), 5)


def _check(target: Path, without: Sequence[str]) -> None:
    """Refuse before minutes are spent what would be refused afterwards."""
    unknown = [kind for kind in without if kind not in ABBREVIATIONS]
    if unknown:
        raise HierbrushError(
            f"--without: {shown(unknown[0])} is none of the 38 stroke types{closest(unknown[0], list(ABBREVIATIONS))}"
        )
    if not target.is_dir():
        raise HierbrushError(f"TARGET: {shown(target)} is no folder")
    if without and target.resolve() == SHIPPED.parent:
        raise HierbrushError(f"--without: {shown(target)} is this installation's own; nothing could write these types")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--without", metavar="TYPE", multiple=True, help="Leave this stroke type out; may be repeated.")
@click.option("--most", default=MOST_STROKES, show_default=True, help="Strokes of a type that are compared, at most.")
def main(run: Path, target: Path, without: tuple[str, ...], most: int) -> None:
    """Pack the training in the folder RUN into the folder TARGET, for each stroke type the better of two policies."""
    try:
        found = ship(run, target, without=without, most=most)
    except HierbrushError as error:
        click.echo(f"hierbrush: error: {error}", err=True)
        raise click.exceptions.Exit(2) from None
    click.echo("type   strokes  specialist  common")
    for kind, scores in found.items():
        off = (
            f"  brush off {scores['specialist_brush_off']:.4f}  {scores['common_brush_off']:.4f}"
            if "zero" in scores
            else ""
        )
        click.echo(f"{kind:5s}  {scores['strokes']:7d}  {scores['specialist']:10.4f}  {scores['common']:.4f}{off}")
    kept = sum(_is_better(s) if "zero" in s else s["specialist"] > s["common"] for s in found.values())
    click.echo(f"{target / PACKED_WEIGHTS}: {kept} specialists, {len(found) - kept} types left to the common policy")


if __name__ == "__main__":
    main(prog_name="python -m hierbrush_build.ship")
