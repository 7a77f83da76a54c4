"""``hierbrush dataset``: make data sets of written strokes, and look at them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from hierbrush.cli.messages import check_place
from hierbrush.errors import HierbrushError, extra_needed, shown

_KINDS = ("planned", "policy", "noisy", "random")  # as in hierbrush.datasets, which --help does not import

_OPTIONS = {
    "folder": "--output",
    "kinds": "--kind",
    "strokes": "--stroke",
    "brush": "--brush-error",
    "model": "--brush",
} | {name: f"--{name}" for name in ("budget", "noise", "pictures", "policy", "resume", "seed", "ticks")}
"""Arguments of a data set's settings as the command line calls them."""

_MANY = 10_000
"""Ticks from which on it is told how long a million take: for fewer, most of the time is the start."""


@click.group(short_help="Make data sets for offline learning, or show what is in one.")
def dataset() -> None:
    """Make data sets of written strokes for learning without a simulator, or show what is in one.

    docs/planning.md says what is in the files.
    """


@dataset.command(short_help="Write strokes into a data set.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the data set, new or empty."
)
@click.option("--ticks", type=click.IntRange(1), default=100_000, show_default=True, help="Control ticks in all.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND[=SHARE]",
    help=f"Who writes, {', '.join(_KINDS)}, and a share of the ticks; may be repeated.  [default: all four alike]",
)
@click.option("--stroke", "strokes", multiple=True, help="Only this stroke type, such as HZG; may be repeated.")
@click.option("--policy", default="learned", show_default=True, help="Who acts, and where searches begin.")
@click.option("--budget", type=click.IntRange(1), default=600, show_default=True, help="Rollouts of a search.")
@click.option(
    "--noise", type=float, default=0.3, show_default=True, help="Standard deviation of the noise on actions, at most."
)
@click.option(
    "--brush-error",
    "brush",
    type=float,
    default=0.0,
    show_default=True,
    help="Share by which brushes may be off, such as 0.1.",
)
@click.option(
    "--brush",
    "model",
    default="measured",
    show_default=True,
    help="Brush: measured, round, or a file of hierbrush brush fit.",
)
@click.option(
    "--part", type=click.Choice(("train", "validation")), default="train", show_default=True, help="Whose strokes."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of everything drawn.")
@click.option(
    "--format", "form", type=click.Choice(("rllib", "lerobot")), default="rllib", show_default=True,
    help="Parquet for RLlib's offline API, or a LeRobot data set of version 3.0.",
)  # fmt: skip
@click.option(
    "--pictures", type=int, default=0, metavar="PIXELS",
    help="Side of pictures of the paper in a LeRobot data set: 32, 64, 128 or 256.  [default: no pictures]",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with a data set that was stopped.")
@click.option("--arm", metavar="ARM", help="Record this robot arm instead, as it writes --text in simulation: ur5e, "
    "so101 or a YAML file; a LeRobot data set of its joints.")  # fmt: skip
@click.option("--text", help="Characters that --arm writes, an episode each.")
def make(
    output: Path, form: str, resume: bool, kinds: tuple[str, ...], arm: str | None, text: str | None, **settings: Any
) -> None:
    """Write strokes of training characters into a data set: searched for, by a policy, with noise, at random.

    Ctrl-C keeps the files that are finished; --resume goes on.

    \b
    hierbrush dataset make -o strokes --ticks 1000000
    hierbrush dataset make -o planned --kind planned --stroke HZG
    hierbrush dataset make -o robot --format lerobot --kind planned --kind policy
    hierbrush dataset make -o joints --arm so101 --text 永和九年
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    if arm is not None or text is not None:
        if arm is None or text is None:
            raise HierbrushError("--arm: and --text belong together: who writes, and what")
        _record(output, arm, text, settings["policy"], settings["seed"], settings["model"])
        return
    from tqdm import tqdm

    from hierbrush.datasets import DatasetSettings, make_dataset, read_card

    if kinds:
        settings["kinds"] = dict(map(_share, kinds))
    try:
        chosen = DatasetSettings(**settings)
        began, written = time.process_time(), 0
        with tqdm(total=chosen.ticks, unit="tick", unit_scale=True, disable=None, leave=False) as bar:

            def tell(ticks: float) -> None:
                nonlocal written
                written += int(ticks)
                bar.update(ticks)

            make_dataset(output, chosen, format=form, resume=resume, progress=tell)
    except HierbrushError as error:
        raise HierbrushError(_named(str(error))) from None
    card = read_card(output)
    assert card is not None
    size = card["bytes"] / card["ticks"]
    click.echo(f"{output}: {card['ticks']:,} ticks of {card['strokes']:,} strokes, {size:.0f} bytes a tick")
    if written >= _MANY:
        minutes = (time.process_time() - began) / written * 1e6 / 60
        click.echo(f"a million ticks at this rate: {size:.0f} MB, {minutes:.1f} processor minutes")


def _record(output: Path, arm: str, text: str, policy: str, seed: int, brush: str) -> None:
    with extra_needed("--arm:", "arm"):
        from hierbrush.writing.arm_dataset import make_arm_dataset
    from hierbrush.arms.option_file import arm_of

    characters = [char for char in text if not char.isspace()]
    made = make_arm_dataset(output, characters, arm=arm_of(arm), policy=policy, brush=brush, seed=seed)
    click.echo(made)


def _share(text: str) -> tuple[str, float]:
    kind, given, share = text.partition("=")
    try:
        return kind, float(share) if given else 1.0
    except ValueError:
        raise HierbrushError(f"--kind: {shown(text)}, expected a kind and a share such as planned=0.5") from None


def _named(message: str) -> str:
    """Return a message that names the option instead of the argument."""
    argument, colon, rest = message.partition(":")
    if argument.startswith("kinds["):
        return f"--kind: {argument.removeprefix('kinds[').removesuffix(']')}{colon}{rest}"
    return f"{_OPTIONS[argument]}{colon}{rest}" if argument in _OPTIONS else message


@dataset.command(short_help="Tell what is in a data set, and draw it.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Picture to draw: .png, .svg or .pdf.")
def show(folder: Path, output: Path | None) -> None:
    """Tell what is in a data set, and draw it: how well each kind writes, what the searches gained, some strokes."""
    from hierbrush.datasets import read_card

    card = read_card(folder)
    if card is None:
        raise HierbrushError(f"FOLDER: {shown(folder)} holds no data set; hierbrush dataset make writes one")
    state = "finished" if card["finished"] else "not finished; hierbrush dataset make --resume goes on"
    click.echo(f"{folder}: {card['ticks']:,} ticks of {card['strokes']:,} strokes, {state}")
    for kind, count in card["kinds"].items():
        click.echo(f"{kind:8}  {count['ticks']:>12,} ticks  {count['strokes']:>9,} strokes")
    if output is not None:
        check_place("-o", output)
        from hierbrush.datasets.picture import draw_dataset

        draw_dataset(folder, output)
        click.echo(output)
