"""What is learned from data alone, beside PPO: python benchmarks/bench_offline.py [--json FILE]

Makes a small data set of four stroke types, trains a policy for all four by each method (RLlib's BC, MARWIL and IQL)
on each choice of whose ticks are learned from, with several seeds but for random ticks, and PPO from nothing on as many
ticks as the searches of the data set wrote. Each policy then writes the same validation strokes. Figures are told on
standard error as they are measured and printed as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import yaml
from safetensors.numpy import load_file

from hierbrush.curriculum import load_curriculum
from hierbrush.datasets import DatasetSettings, make_dataset, read_card
from hierbrush.learning.offline.validation import validation_scores
from hierbrush.learning.recipe import TrainingRequest, read_configuration
from hierbrush.learning.runs.hangup import lasting_ray_session
from hierbrush.learning.runs.loop import TrainingLoop
from hierbrush.resources import folder
from hierbrush.strokes.policy import MLPPolicy

STROKES = ("H", "S", "P", "D")
METHODS = ("bc", "marwil", "iql")
LEARNED_FROM = (("random",), ("planned",), ("random", "planned"), ("policy", "planned"))

Scores = dict[str, float]


def made(data: Path, ticks: int, budget: int) -> tuple[Path, int]:
    """Make the data set; return its folder and how many ticks its searches wrote in all."""
    kinds = dict.fromkeys(("planned", "policy", "random"), 1.0)
    settings = DatasetSettings(ticks=ticks, kinds=kinds, strokes=STROKES, budget=budget, seed=1)
    place = make_dataset(data, settings)
    searched = 0
    for file in (place / "episodes").glob("*.parquet"):
        rows = pq.read_table(file, columns=["kind", "stage", "stages", "ticks"]).to_pylist()
        last = [row for row in rows if row["kind"] == "planned" and row["stage"] == row["stages"] - 1]
        searched += sum(row["ticks"] * budget for row in last)
    return place, searched


def trained(config: str, overrides: Sequence[str], output: Path) -> MLPPolicy:
    """Return the policy that a configuration trains."""
    file, _, recipe = read_configuration(config, overrides)
    (job,) = recipe.jobs(TrainingRequest(file, output))[0]
    with TrainingLoop(job, None, resume=False) as training:
        training.train(lambda: False)
    tensors = load_file(job.folder / "weights.safetensors")
    return MLPPolicy.from_tensors(
        {name.removeprefix("policy."): tensor for name, tensor in tensors.items() if name.startswith("policy.")}
    )


def summary(scores: Sequence[Scores]) -> dict[str, Any]:
    """Return the mean over seeds, and half the way from the worst seed to the best."""
    values = [score["iou"] for score in scores]
    return {
        "iou": float(np.mean(values)),
        "spread": (max(values) - min(values)) / 2,
        "p5": float(np.mean([score["iou_p5"] for score in scores])),
        "seeds": values,
    }


def told(name: str, began: float, found: dict[str, Any]) -> dict[str, Any]:
    """Tell a row on standard error, and return it with the processor seconds it took."""
    found["seconds"] = time.process_time() - began
    figures = ", ".join(f"{key} {value:.4f}" for key, value in found.items() if key != "seeds")
    print(f"{name:28} {figures}", file=sys.stderr, flush=True)
    return found


def from_data(data: Path, work: Path, steps: int, count: int, seeds: int) -> dict[str, Any]:
    """Return how each method writes after learning from each choice of ticks."""
    rows: dict[str, Any] = {}
    for kinds in LEARNED_FROM:
        for method in METHODS:
            began, scores = time.process_time(), []
            # One seed is enough where random ticks are learned from: it shows by far.
            for seed in range(1, 2 if "random" in kinds else seeds + 1):
                name = f"{'-'.join(kinds)}-{method}-{seed}"
                overrides = [
                    f"method={method}", f"seed={seed}", f"data.folder={data}", f"data.kinds=[{', '.join(kinds)}]",
                    f"data.strokes=[{', '.join(STROKES)}]", f"training.steps={steps}", "training.validation=1",
                    "output.tensorboard=false",
                ]  # fmt: skip
                network = trained("offline-bc", overrides, work / name)
                scores.append(validation_scores(network, STROKES, count))
            rows[f"{' and '.join(kinds)}, {method}"] = told(name, began, summary(scores))
    return rows


def by_ppo(work: Path, steps: int, count: int) -> dict[str, Any]:
    """Return how PPO writes after so many ticks from nothing, one policy for the four types."""
    began = time.process_time()
    curriculum = load_curriculum("primitives.yaml").model_dump(mode="json")
    file = work / "four.yaml"
    file.write_text(yaml.safe_dump(curriculum | {"strokes": list(STROKES)}), encoding="utf-8")
    recipe = yaml.safe_load((folder("configs") / "primitives.yaml").read_text(encoding="utf-8"))
    del recipe["phases"]  # the generalist alone
    config = work / "ppo.yaml"
    config.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    overrides = [f"curriculum={file}", f"training.steps={steps}", "output.tensorboard=false"]
    network = trained(str(config), overrides, work / "ppo")
    return told(f"PPO, {steps} ticks", began, summary([validation_scores(network, STROKES, count)]))


@click.command()
@click.option("--ticks", default=24_000, show_default=True, help="Of the data set, a third of each kind.")
@click.option("--budget", default=300, show_default=True, help="Rollouts of each search in it.")
@click.option("--steps", default=200_000, show_default=True, help="Ticks learned from.")
@click.option("--count", default=96, show_default=True, help="Validation strokes.")
@click.option("--seeds", default=3, show_default=True, help="Of every method but on random ticks; PPO has one.")
@click.option("--ppo", type=int, help="Ticks of PPO.  [default: as many as the searches wrote; 0: none]")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures here instead.")
def main(ticks: int, budget: int, steps: int, count: int, seeds: int, ppo: int | None, json_file: Path | None) -> None:
    """Measure what is learned from data alone."""
    with tempfile.TemporaryDirectory() as name, lasting_ray_session(1):
        work = Path(name)
        data, searched = made(work / "data", ticks, budget)
        card = read_card(data)
        assert card is not None
        rows = from_data(data, work, steps, count, seeds)
        asked = searched if ppo is None else ppo
        if asked:
            rows["PPO"] = by_ppo(work, asked, count)
    figures = {"ticks": card["ticks"], "searched": searched, "steps": steps, "count": count, "ppo": asked, "rows": rows}
    text = json.dumps(figures, indent=1) + "\n"
    if json_file is None:
        print(text, end="")
    else:
        json_file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
