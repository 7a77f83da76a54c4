"""What PPO adds to imitation: the composer's own reward, on characters that no training saw.

    python -m hierbrush.evaluation.reward runs/composer-1/composer.safetensors runs/composer-2/composer.safetensors
    python -m hierbrush.evaluation.reward learned --primitives runs/on-composer/policies.safetensors

Every composer writes all characters of the split once, by its most likely decisions and without goals, with the shipped
primitives or ``--primitives`` and the rewards of the last stage of ``curricula/composer.yaml``. The first row is the
imitation that the others began with; the last ones are the mean of the others, their spread (largest less smallest) and
by how much the mean is above imitation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from hierbrush.composer.composers import IMITATION_WEIGHTS
from hierbrush.composer.composers import WEIGHTS as COMPOSER_WEIGHTS
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.curriculum import load_curriculum
from hierbrush.envs.character import CharacterBatch, character_curriculum
from hierbrush.errors import HierbrushError
from hierbrush.evaluation.primitives import characters_of
from hierbrush.resources import folder
from hierbrush.strokes.learned import WEIGHTS
from hierbrush.strokes.policy import PolicySet
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush.tables import aligned, counted

SLOTS = 128
COLUMNS = ("reward", "stroke IoU", "character IoU", "order", "centre")
_METRICS = ("iou", "character_iou", "order_exact", "centre_error")


def stage_without_goals() -> dict[str, Any]:
    """Return the curriculum of the composer's last stage, with no goals to follow."""
    document = load_curriculum(folder("curricula") / "composer.yaml").model_dump(mode="json", exclude_unset=True)
    last = document["stages"][-1]
    return {**document, "stages": [{**last, "characters": {**last["characters"], "goals": 0.0}}]}


def scores(composer: ComposerPolicy, primitives: PolicySet, characters: Sequence[str]) -> NDArray[np.float64]:
    """Return float64 [characters, COLUMNS]."""
    curriculum = character_curriculum(stage_without_goals())
    rows = []
    for start in range(0, len(characters), SLOTS):
        part = characters[start : start + SLOTS]
        batch = CharacterBatch(len(part), curriculum=curriculum, characters=part, autoreset=False)
        decide, act = partial(_decided, batch, composer), partial(_acted, batch, primitives)
        reward, over = np.zeros(len(part)), np.zeros(len(part), bool)
        while not over.all():
            tick = batch.advance(decide, act)
            reward += np.where(over, 0.0, tick.composer_reward)
            over |= tick.character_over
        rows.append(np.column_stack([reward, *(batch.episode_metrics[name] for name in _METRICS)]))
    return np.concatenate(rows)


def _decided(batch: CharacterBatch, composer: ComposerPolicy, due: NDArray[np.int64]) -> NDArray[np.float32]:
    index, places = composer.act(batch.observe_composer(due))
    return np.column_stack([index.astype(np.float32), places])


def _acted(batch: CharacterBatch, primitives: PolicySet) -> NDArray[np.float32]:
    actions = np.zeros((batch.slots, 3), np.float32)
    for kind in np.unique(batch.stroke_type[batch.stroke_type >= 0]).tolist():
        mine = np.flatnonzero(batch.stroke_type == kind)
        actions[mine] = primitives.bind([ABBREVIATIONS[kind]] * len(mine))(batch.observation[mine])
    return actions


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", type=Path, help="composer.safetensors after PPO, one a seed; or learned")
    parser.add_argument(
        "--imitation",
        type=Path,
        default=IMITATION_WEIGHTS,
        help="what they began with; the shipped imitation unless given",
    )
    parser.add_argument(
        "--primitives", type=Path, default=WEIGHTS, help="policies.safetensors; the shipped ones unless given"
    )
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--limit", type=int, help="only the first so many characters")
    options = parser.parse_args(arguments)
    try:
        files = [COMPOSER_WEIGHTS if str(path) == "learned" else path for path in options.weights]
        began, *trained = [ComposerPolicy.load(path) for path in (options.imitation, *files)]
        primitives = PolicySet.load(options.primitives)
    except HierbrushError as error:
        parser.error(str(error))
    characters = characters_of(options.split, options.limit)
    policies = tqdm([began, *trained], unit="composer", disable=None)
    imitation, *after = [scores(policy, primitives, characters).mean(axis=0) for policy in policies]
    table = np.array(after)
    rows = {
        "imitation": imitation,
        **{str(path): row for path, row in zip(options.weights, after, strict=True)},
        "mean": table.mean(axis=0),
        "spread": np.ptp(table, axis=0),
        "mean above imitation": table.mean(axis=0) - imitation,
    }
    print(f"{options.split}: {counted(len(characters), 'character')}")
    lines = [[name, *(f"{figure:.4f}" for figure in figures)] for name, figures in rows.items()]
    print(aligned([["", *COLUMNS], *lines], right=True))


if __name__ == "__main__":
    main(sys.argv[1:])
