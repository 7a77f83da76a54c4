"""``hierbrush evaluate``: the score table."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from hierbrush.errors import HierbrushError


@click.command(short_help="Score a policy.")
@click.option("--policy", default="learned", show_default=True, help="Whose writing to score.")
@click.option("--split", default="test", show_default=True, help="Which characters: train, validation or test.")
@click.option("--text", help="Score these characters instead of a split.")
@click.option("--limit", type=int, help="Only the first so many characters of the split.")
@click.option("--brush", default="measured", show_default=True, help="Preset of the brush: measured or round.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the policies' random numbers.")
@click.option("--brush-error", type=float, default=0.0, help="Write with brushes off by up to this share, such as 0.1.")
@click.option("--handle-error", type=float, default=0.0, help="Error of the handle in metres (1 σ, each axis).")
@click.option(
    "--handle-correlation",
    type=float,
    default=10.0,
    show_default=True,
    help="Seconds over which it drifts; 0: a new one each tick.",
)
@click.option("--workers", type=int, help="Processes that share the work.  [default: one for each CPU]")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all scores to this JSON file.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Draw the policy's worst twelve to this PNG file.")
def evaluate(
    policy: str,
    split: str,
    text: str | None,
    limit: int | None,
    brush: str,
    seed: int,
    brush_error: float,
    handle_error: float,
    handle_correlation: float,
    workers: int | None,
    json_file: Path | None,
    sheet: Path | None,
) -> None:
    """Write every character of a split and print the scores, those of the controls beside them.

    The controls are the scripted follower, the disc oracle (discs of exact inscribed radius along the median, no
    brush), zero actions and random actions. Ink is compared on a 256 x 256 raster without realignment.
    """
    from tqdm import tqdm

    from hierbrush.characters import check_text
    from hierbrush.sim import BrushModel
    from hierbrush.writing import write_character
    from hierbrush.writing.evaluation import Disturbance, characters_of
    from hierbrush.writing.evaluation import evaluate as run
    from hierbrush.writing.picture_sheet import picture_sheet
    from hierbrush.writing.result import write_file

    for option, file, suffix in (("--json", json_file, ".json"), ("--sheet", sheet, ".png")):
        if file is not None and file.suffix.lower() != suffix:
            raise HierbrushError(f"{option}: {str(file)!r} must end in {suffix}")
    if text is None:
        characters = characters_of(split, limit)
    else:
        if limit is not None:
            raise HierbrushError("--limit: has no meaning beside --text; leave one of them out")
        check_text(text)
        characters = tuple(dict.fromkeys(text))
    model = BrushModel.preset(brush)
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with tqdm(total=len(characters), unit="character", disable=None, leave=False) as bar:
        result = run(
            characters,
            policy=policy,
            brush=model,
            seed=seed,
            disturbance=Disturbance(brush_error, handle_error, handle_correlation),
            workers=workers,
            progress=bar.update,
        )
    click.echo(result.table())
    if json_file is not None:
        document = {"policy": policy, "brush": brush, "seed": seed, "split": None if text else split}
        document.update(brush_error=brush_error, handle_error=handle_error, handle_correlation=handle_correlation)
        document.update(result.summary())
        write_file(json_file, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode())
        click.echo(json_file)
    if sheet is not None:
        ious = result.rows[0].column("iou")
        worst = [result.characters[at] for at in ious.argsort(kind="stable")[:12]]
        drawn = [write_character(char, brush=model, policy=policy, seed=seed) for char in worst]
        write_file(sheet, picture_sheet(drawn))
        click.echo(sheet)
