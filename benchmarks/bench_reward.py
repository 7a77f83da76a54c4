"""What PPO adds to imitation: the composer's own reward, on characters that no training saw.

    python benchmarks/bench_reward.py runs/composer-1/composer.safetensors runs/composer-2/composer.safetensors
    python benchmarks/bench_reward.py learned --primitives runs/on-composer/policies.safetensors

Every composer writes all characters of the split once, by its most likely decisions and without goals, with the shipped
primitives or ``--primitives`` and the rewards of the last stage of ``curricula/composer.yaml``. The first row is the
imitation that the others began with; the last ones are the mean of the others, their spread (largest less smallest) and
by how much the mean is above imitation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library, split
from hierbrush.composer.composers import IMITATION_WEIGHTS
from hierbrush.composer.composers import WEIGHTS as COMPOSER_WEIGHTS
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.curriculum import load_curriculum
from hierbrush.envs.character import CharacterBatch, character_curriculum
from hierbrush.errors import HierbrushError
from hierbrush.resources import folder
from hierbrush.strokes.learned import WEIGHTS
from hierbrush.strokes.policy import PolicySet
from hierbrush.strokes.types import ABBREVIATIONS

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
        reward, over = np.zeros(len(part)), np.zeros(len(part), bool)
        while not over.all():
            due = np.flatnonzero(batch.due & ~over)
            if due.size:
                index, places = composer.act(batch.observe_composer(due))
                batch.begin(due, np.column_stack([index.astype(np.float32), places]))
            actions = np.zeros((len(part), 3), np.float32)
            for kind in np.unique(batch.stroke_type[batch.stroke_type >= 0]).tolist():
                mine = np.flatnonzero(batch.stroke_type == kind)
                act = primitives.bind([ABBREVIATIONS[kind]] * len(mine))
                actions[mine] = act(batch.observation[mine])
            tick = batch.tick(actions)
            reward += np.where(over, 0.0, tick.composer_reward)
            over |= tick.character_over
        rows.append(np.column_stack([reward, *(batch.episode_metrics[name] for name in _METRICS)]))
    return np.concatenate(rows)


def main(arguments: Sequence[str] | None = None) -> None:
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
    characters = [char for char in load_library().characters if split(char) == options.split][: options.limit]
    print(f"{len(characters)} {options.split} characters\n{'':40}" + "".join(f"{name:>15}" for name in COLUMNS))
    imitation = scores(began, primitives, characters).mean(axis=0)
    print(_line("imitation", imitation), flush=True)
    after = []
    for path, policy in zip(options.weights, trained, strict=True):
        after.append(scores(policy, primitives, characters).mean(axis=0))
        print(_line(str(path)[-40:], after[-1]), flush=True)
    table = np.array(after)
    print(_line("mean", table.mean(axis=0)))
    print(_line("spread", np.ptp(table, axis=0)))
    print(_line("mean above imitation", table.mean(axis=0) - imitation))


def _line(name: str, figures: NDArray[np.float64]) -> str:
    return f"{name:40}" + "".join(f"{figure:15.4f}" for figure in figures)


if __name__ == "__main__":
    main(sys.argv[1:])
