"""``hierbrush train``: from a configuration to weights."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click


@click.command(short_help="Train what a configuration file asks for.")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--stroke", metavar="TYPE", help="Train only this stroke type (HZG, say) and what it starts from.")
@click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change a value of CONFIG, such as training.lr=1e-4; may be repeated.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the training in the output folder. Its checkpoints hold code that then runs, so only from "
    "folders that you trust.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the results.  [default: runs/ and the configuration's name]",
)
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
    """Train what CONFIG asks for: a YAML file, or the name of one of hierbrush's own, such as primitives.

    Ctrl-C, SIGTERM or a closed terminal end it after a checkpoint; --resume goes on from there, also after a crash.
    Policies that are finished are not trained again, unless training.steps has grown. The folder that a training leaves
    is a --policy; stroke types that it did not train are written as shipped. docs/training.md has every setting.

    \b
    hierbrush train configs/primitives.yaml
    hierbrush train configs/primitives.yaml --stroke HZG --set training.lr=1e-4 --output runs/hzg
    hierbrush train configs/primitives.yaml --resume
    hierbrush write 永 --policy runs/hzg -o yong.png
    """  # noqa: D301  # \b keeps click from joining the examples' lines
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
