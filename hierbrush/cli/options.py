"""Options that several commands have."""

from __future__ import annotations

import click

brush = click.option(
    "--brush", default="measured", show_default=True, help="Brush: measured, round, or a file of hierbrush brush fit."
)

seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    metavar="INTEGER",
    help="Seed of the policy's random numbers.",
)

workers = click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    metavar="INTEGER",
    help="Processes that share the work.  [default: one for each CPU]",
)

policy = click.option(
    "--policy",
    default="learned",
    show_default=True,
    help="Who moves the brush: learned, planned (a search, which takes seconds), scripted, zero, random, or trained "
    "weights (file or run's folder).",
)

budget = click.option(
    "--budget",
    type=click.IntRange(1, 1_000_000),
    metavar="INTEGER",
    help="Strokes written in the search for each stroke, with --policy planned.  [default: 2400]",
)

robust = click.option(
    "--robust", is_flag=True, help="With --policy planned: search for what suits brushes and hands that are a bit off."
)
