"""``hierbrush evaluate``: the score table."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hierbrush.cli import options
from hierbrush.cli.messages import available_cpus, check_place
from hierbrush.errors import HierbrushError, MissingExtraError, shown

if TYPE_CHECKING:
    from hierbrush.evaluation import ComposerEvaluation, Evaluation, MachineErrors


@click.command(short_help="Score a policy.")
@options.policy
@options.budget
@options.robust
@click.option(
    "--goal",
    help="What to score: glyph, the primitives; decomposition, a composer.  [default: glyph; decomposition with "
    "--composer]",
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
@options.brush
@options.seed
@click.option(
    "--brush-error",
    type=click.FloatRange(0.0, 1.0, max_open=True),
    default=0.0,
    show_default=True,
    help="Write with brushes off by up to this share, such as 0.1.",
)
@click.option(
    "--handle-error",
    type=click.FloatRange(0.0, 0.02),
    default=0.0,
    show_default=True,
    help="Error of the handle in metres (1 σ, each axis).",
)
@click.option(
    "--handle-correlation",
    type=click.FloatRange(min=0.0),
    default=10.0,
    show_default=True,
    help="Seconds over which that error drifts; 0: a new one each tick.",
)
@click.option(
    "--handle-feedback",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="Share of that error that the arm's encoders see and the next command takes off; 0: nobody measures it.",
)
@options.workers
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all scores to this JSON file.")
@click.option(
    "--sheet", type=click.Path(path_type=Path), help="Draw the twelve worst, or a hundred compositions, to this PNG."
)
def evaluate(
    policy: str,
    budget: int | None,
    robust: bool,
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

    \b
    hierbrush evaluate --text 永和九年
    hierbrush evaluate --split test --json scores.json --sheet worst.png
    hierbrush evaluate --policy runs/primitives --split validation
    hierbrush evaluate --goal decomposition --limit 100
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from hierbrush.arguments import check_choice
    from hierbrush.brushes.brush_file import brush_of
    from hierbrush.characters import check_text
    from hierbrush.evaluation import MachineErrors, characters_of

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
    arguments = {
        "policy": policy,
        "brush": brush_of(brush, "--brush"),
        "seed": seed,
        "workers": workers or available_cpus(),
    }
    document: dict[str, object] = {"policy": policy, "brush": brush, "seed": seed, "split": None if text else split}
    result: Evaluation | ComposerEvaluation
    if goal == "decomposition":
        if brush_error or handle_error:
            raise HierbrushError(
                "--brush-error, --handle-error: test primitives; leave them out with --goal decomposition"
            )
        if budget is not None or robust:
            raise HierbrushError("--budget, --robust: are those of searches for glyphs; leave out --goal decomposition")
        result, draw = _compositions(characters, composers or ("learned",), flat, arguments)
    else:
        if composers or flat:
            raise HierbrushError(
                f"--{'composer' if composers else 'flat'}: nothing is composed with --goal glyph; add --goal "
                "decomposition"
            )
        errors = MachineErrors(brush_error, handle_error, handle_correlation, handle_feedback)
        document.update(asdict(errors))
        result, draw = _primitives(characters, errors, {**arguments, "budget": budget, "robust": robust})
    click.echo(result.table())
    if json_file is not None:
        _write_json(json_file, {**document, **result.summary()})
    if sheet is not None:
        _write(sheet, draw(), "--sheet")


def _primitives(
    characters: tuple[str, ...], errors: MachineErrors, arguments: dict[str, Any]
) -> tuple[Evaluation, Callable[[], bytes]]:
    """Return the scores, and what draws the worst twelve."""
    from tqdm import tqdm

    from hierbrush.evaluation.primitives import evaluate
    from hierbrush.evaluation.sheets import picture_sheet
    from hierbrush.writing import write_characters

    with tqdm(total=len(characters), unit="character", disable=None, leave=False) as bar:
        result = evaluate(characters, errors=errors, progress=bar.update, **arguments)

    def draw() -> bytes:
        ious = result.rows[0].column("iou")
        worst = [result.characters[at] for at in ious.argsort(kind="stable")[:12]]
        return picture_sheet(write_characters(worst, goal="glyph", **{**arguments, "workers": 1}))

    return result, draw


def _compositions(
    characters: tuple[str, ...], composers: tuple[str, ...], flat: Path | None, arguments: dict[str, Any]
) -> tuple[ComposerEvaluation, Callable[[], bytes]]:
    """Return the scores, and what draws a hundred characters and some descriptions."""
    from tqdm import tqdm

    from hierbrush.composer.composers import CONTROLS
    from hierbrush.evaluation.composers import TOLD_PARTS, WITHOUT_STROKES, evaluate_composers, steps
    from hierbrush.evaluation.sheets import DESCRIBED, composition_sheet
    from hierbrush.writing import write_characters

    names = tuple(dict.fromkeys([*composers, composers[0] + TOLD_PARTS, *CONTROLS, *WITHOUT_STROKES]))
    try:
        import hierbrush.envs  # noqa: F401  (whose hand writes without strokes)
    except MissingExtraError as error:
        names = tuple(name for name in names if name not in WITHOUT_STROKES)
        warnings.warn(f"{' and '.join(WITHOUT_STROKES)} are left out: {error}", stacklevel=2)
    with tqdm(total=steps(len(characters), len(names)), unit="step", disable=None, leave=False) as bar:
        result = evaluate_composers(characters, names, flat_weights=flat, progress=bar.update, **arguments)

    def draw() -> bytes:
        # A hundred from all over the split, whose characters stand in the order of their radicals.
        chosen = characters[:: max(1, len(characters) // 100)][:100]
        drawn = write_characters(
            [*chosen, *DESCRIBED],
            goal="decomposition",
            composer=names[0],
            described=True,
            **{**arguments, "workers": 1},
        )
        # The first of two entries for a character: its strokes as a set.
        pairs = zip(reversed(result.characters), reversed(result.rows[0].places.tolist()), strict=True)
        return composition_sheet(drawn, dict(pairs))

    return result, draw


def _write_json(file: Path, document: dict[str, object]) -> None:
    _write(file, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode(), "--json")


def _write(file: Path, content: bytes, argument: str) -> None:
    from hierbrush.files import write_atomically

    write_atomically(file, content, argument=argument)
    click.echo(file)
