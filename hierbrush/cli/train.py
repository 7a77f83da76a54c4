"""``hierbrush train``: from a configuration to weights."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click


@click.command(short_help="Train what a config file asks for.")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--stroke", metavar="TYPE", help="Train only this stroke type (HZG, say) and what it starts from.")
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a value: training.lr=1e-4.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the training in the output folder. Its checkpoints hold code that then runs, so only from "
    "folders that you trust.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Folder for the results; runs/<name> if not given.")
@click.option("--address", help="Train on this Ray cluster: auto, or HOST:PORT of its head.")
@click.option(
    "--trust-checkpoints",
    is_flag=True,
    envvar="HIERBRUSH_TRUST_CHECKPOINTS",
    help="Resume from checkpoints that belong to other users, or that they can write, too; "
    "HIERBRUSH_TRUST_CHECKPOINTS=1 does the same.",
)
def train(
    config: Path,
    stroke: str | None,
    overrides: tuple[str, ...],
    resume: bool,
    output: Path | None,
    address: str | None,
    trust_checkpoints: bool,
) -> None:
    """Train what CONFIG asks for; finished policies are not trained again, unless training.steps has grown.

    A CONFIG that is not there may be one of hierbrush's own, such as configs/primitives.yaml or primitives. What a
    training of a few stroke types leaves writes the others as shipped: hierbrush write 永 --policy runs/primitives.

    Ctrl-C, SIGTERM or a closed terminal end it after a checkpoint; --resume goes on from there, also after a crash.
    """
    from hierbrush.learning.recipe import check_configuration

    check_configuration(config, overrides, stroke, output)
    if sys.stderr.isatty():
        click.echo("hierbrush: loading PyTorch and Ray ...", err=True)
    from hierbrush.learning.train import TrainingStopped
    from hierbrush.learning.train import train as run

    try:
        folder = run(
            config,
            overrides=overrides,
            stroke=stroke,
            resume=resume,
            output=output,
            address=address,
            trust_checkpoints=trust_checkpoints,
        )
    except TrainingStopped as stopped:
        with contextlib.suppress(OSError):  # the terminal may be gone
            click.echo(f"hierbrush: {stopped}", err=True)
        sys.exit(stopped.status)
    click.echo(folder)
