"""``hierbrush goals``: find the strokes of fonts' characters, for a composer that learns to copy pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hierbrush.cli.messages import check_place
from hierbrush.errors import HierbrushError, shown

if TYPE_CHECKING:
    from hierbrush.styles.registered import Drawing


@click.group(short_help="Find strokes in fonts, for a composer to learn from.")
def goals() -> None:
    """Find the strokes of fonts' characters, for a composer that learns to copy pictures.

    docs/goals.md says how such a composer is trained.
    """


@goals.command(short_help="Register training characters of fonts.")
@click.argument("fonts", metavar="FONT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File of drawings: NAME.drawings.")
@click.option("--characters", type=click.IntRange(1), default=300, show_default=True, help="Of each font.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed by which they are drawn.")
def register(fonts: tuple[Path, ...], output: Path, characters: int, seed: int) -> None:
    """Look for the strokes of training characters in the glyphs of each FONT, and keep what is surely found.

    What the file holds already is not done again: Ctrl-C keeps what is finished, and the same command goes on.

    \b
    hierbrush goals register MaShanZheng.ttf uming.ttc -o fonts.drawings --characters 300
    hierbrush train goals --set goals.drawings=fonts.drawings
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    from tqdm import tqdm

    from hierbrush.styles.registered import SUFFIX, register_fonts

    if output.suffix != SUFFIX:
        raise HierbrushError(f"--output: {shown(output)}, expected a name that ends in {SUFFIX}")
    if not output.exists():
        check_place("--output", output)
    with tqdm(total=len(fonts) * characters, unit="char", disable=None) as bar:
        found = register_fonts(fonts, output, characters=characters, seed=seed, progress=bar.update)
    click.echo(_told(output, found.drawings, dict(found.rejected)))


@goals.command(short_help="Tell what a file of drawings holds.")
@click.argument("file", type=click.Path(path_type=Path))
def show(file: Path) -> None:
    """Tell of which fonts the drawings in FILE are, and how many were rejected."""
    from hierbrush.styles.registered import Registered

    found = Registered.load(file, argument="FILE")
    click.echo(_told(file, found.drawings, dict(found.rejected)))


def _told(file: Path, drawings: Sequence[Drawing], rejected: dict[str, str]) -> str:
    accepted = Counter(drawing.font for drawing in drawings)
    names = list(dict.fromkeys([*accepted, *rejected]))
    lines = [f"{file}: {len(drawings)} drawings"]
    return "\n".join(
        lines + [f"  {name}: {accepted[name]} accepted, {len(rejected.get(name, ''))} rejected" for name in names]
    )
