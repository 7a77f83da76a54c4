"""``hierbrush evaluate``: the score table."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hierbrush.cli.messages import available_cpus, check_place
from hierbrush.errors import HierbrushError, shown

if TYPE_CHECKING:
    from hierbrush.sim import BrushModel
    from hierbrush.writing.evaluation import Disturbance


@click.command(short_help="Score a policy.")
@click.option(
    "--policy",
    default="learned",
    show_default=True,
    help="Whose writing to score: learned, scripted, zero, random, or trained weights (file or run's folder).",
)
@click.option(
    "--goal",
    help="What to score: glyph, the primitives; decomposition, a composer.  [default: glyph, as what write does; "
    "decomposition with --composer]",
)
@click.option(
    "--composer",
    "composers",
    multiple=True,
    help="Who composes; asks for --goal decomposition; may be repeated.  [default: learned]",
)
@click.option(
    "--flat",
    type=click.Path(path_type=Path),
    help="Weights of the flat policy beside the composers.  [default: those that come with hierbrush]",
)
@click.option("--split", default="test", show_default=True, help="Which characters: train, validation or test.")
@click.option("--text", help="Score these characters instead of a split.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="INTEGER", help="Only the first so many characters of the split."
)
@click.option("--brush", default="measured", show_default=True, help="Preset of the brush: measured or round.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    metavar="INTEGER",
    help="Seed of the policies' random numbers.",
)
@click.option(
    "--brush-error",
    type=click.FloatRange(0.0, 1.0, max_open=True),
    default=0.0,
    help="Write with brushes off by up to this share, such as 0.1.",
)
@click.option(
    "--handle-error",
    type=click.FloatRange(0.0, 0.02),
    default=0.0,
    help="Error of the handle in metres (1 σ, each axis).",
)
@click.option(
    "--handle-correlation",
    type=click.FloatRange(min=0.0),
    default=10.0,
    show_default=True,
    help="Seconds over which it drifts; 0: a new one each tick.",
)
@click.option(
    "--handle-feedback",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="Share of it that the arm's encoders see and the next command takes off; 0: nobody measures it.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    metavar="INTEGER",
    help="Processes that share the work.  [default: one for each CPU]",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all scores to this JSON file.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Draw the worst twelve, or compositions, to this PNG.")
def evaluate(
    policy: str,
    goal: str | None,
    composers: tuple[str, ...],
    flat: Path | None,
    split: str,
    text: str | None,
    limit: int | None,
    brush: str,
    seed: int,
    brush_error: float,
    handle_error: float,
    handle_correlation: float,
    handle_feedback: float,
    workers: int | None,
    json_file: Path | None,
    sheet: Path | None,
) -> None:
    """Write every character of a split and print the scores, those of the controls beside them.

    With --goal decomposition each is composed from its components alone, and the table tells how well strokes are
    ordered and placed, and how often the ink is recognised among all glyphs; the controls are composers that learned
    nothing and a flat policy that learned to write without strokes, and --sheet draws a hundred of the characters and
    twenty that are described by their components.

    Else the controls are the scripted follower, the disc oracle (discs of exact inscribed radius along the median, no
    brush), zero actions and random actions. Ink is compared on a 256 x 256 raster without realignment.
    """
    from hierbrush.arguments import check_choice
    from hierbrush.characters import check_text
    from hierbrush.sim import BrushModel
    from hierbrush.writing.evaluation import Disturbance, characters_of

    for option, file, suffix in (("--json", json_file, ".json"), ("--sheet", sheet, ".png")):
        if file is None:
            continue
        if file.suffix.lower() != suffix:
            raise HierbrushError(f"{option}: {shown(file)} must end in {suffix}")
        check_place(option, file)
    goal = check_choice("--goal", goal or ("decomposition" if composers else "glyph"), ("glyph", "decomposition"))
    if text is None:
        characters = characters_of(split, limit)
    else:
        if limit is not None:
            raise HierbrushError("--limit: has no meaning beside --text; leave one of them out")
        check_text(text)
        characters = tuple(dict.fromkeys(text))
    model = BrushModel.preset(brush)
    workers = workers or available_cpus()
    document: dict[str, object] = {"policy": policy, "brush": brush, "seed": seed, "split": None if text else split}
    if goal == "decomposition":
        if brush_error or handle_error:
            raise HierbrushError(
                "--brush-error, --handle-error: test primitives; leave them out with --goal decomposition"
            )
        _compositions(
            characters, composers or ("learned",), flat, policy, model, seed, workers, document, json_file, sheet
        )
        return
    if composers or flat:
        raise HierbrushError(
            f"--{'composer' if composers else 'flat'}: nothing is composed with --goal glyph; add --goal decomposition"
        )
    disturbance = Disturbance(brush_error, handle_error, handle_correlation, handle_feedback)
    document.update(asdict(disturbance))
    _primitives(characters, policy, model, seed, disturbance, workers, document, json_file, sheet)


def _primitives(
    characters: tuple[str, ...],
    policy: str,
    brush: BrushModel,
    seed: int,
    disturbance: Disturbance,
    workers: int,
    document: dict[str, object],
    json_file: Path | None,
    sheet: Path | None,
) -> None:
    from tqdm import tqdm

    from hierbrush.files import write_atomically
    from hierbrush.writing import write_characters
    from hierbrush.writing.evaluation import evaluate as run
    from hierbrush.writing.picture_sheet import picture_sheet

    with tqdm(total=len(characters), unit="character", disable=None, leave=False) as bar:
        result = run(
            characters,
            policy=policy,
            brush=brush,
            seed=seed,
            disturbance=disturbance,
            workers=workers,
            progress=bar.update,
        )
    click.echo(result.table())
    _write_json(json_file, {**document, **result.summary()})
    if sheet is not None:
        ious = result.rows[0].column("iou")
        worst = [result.characters[at] for at in ious.argsort(kind="stable")[:12]]
        drawn = write_characters(worst, goal="glyph", brush=brush, policy=policy, seed=seed)
        write_atomically(sheet, picture_sheet(drawn), argument="--sheet")
        click.echo(sheet)


def _compositions(
    characters: tuple[str, ...],
    composers: tuple[str, ...],
    flat: Path | None,
    policy: str,
    brush: BrushModel,
    seed: int,
    workers: int,
    document: dict[str, object],
    json_file: Path | None,
    sheet: Path | None,
) -> None:
    from tqdm import tqdm

    from hierbrush.composer.composers import BASELINES
    from hierbrush.composer.flat import WEIGHTS
    from hierbrush.files import write_atomically
    from hierbrush.writing import write_characters
    from hierbrush.writing.composer_evaluation import TOLD_PARTS, WITHOUT_STROKES, evaluate_composers, steps
    from hierbrush.writing.picture_sheet import DESCRIBED, composition_sheet

    names = tuple(dict.fromkeys([*composers, composers[0] + TOLD_PARTS, *BASELINES, *WITHOUT_STROKES]))
    with tqdm(total=steps(len(characters), len(names)), unit="step", disable=None, leave=False) as bar:
        result = evaluate_composers(
            characters,
            names,
            flat_weights=flat or WEIGHTS,
            policy=policy,
            brush=brush,
            seed=seed,
            workers=workers,
            progress=bar.update,
        )
    click.echo(result.table())
    _write_json(json_file, {**document, **result.summary()})
    if sheet is not None:
        # A hundred from all over the split, whose characters stand in the order of their radicals.
        chosen = characters[:: max(1, len(characters) // 100)][:100]
        drawn = write_characters(
            [*chosen, *DESCRIBED],
            goal="decomposition",
            composer=names[0],
            brush=brush,
            policy=policy,
            seed=seed,
            described=True,
        )
        # The first of two entries for a character: its strokes as a set.
        pairs = zip(reversed(result.characters), reversed(result.rows[0].places.tolist()), strict=True)
        places = dict(pairs)
        write_atomically(sheet, composition_sheet(drawn, places), argument="--sheet")
        click.echo(sheet)


def _write_json(file: Path | None, document: dict[str, object]) -> None:
    from hierbrush.files import write_atomically

    if file is not None:
        write_atomically(file, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode(), argument="--json")
        click.echo(file)
