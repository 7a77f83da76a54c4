"""Putting the finished policies of single stroke types into one file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.storage import open_store, stored_at
from hierbrush.learning.runs.weights import CARD, PACKED_WEIGHTS, fill_up, fits_shipped, pack
from hierbrush.strokes.learned import WEIGHTS as SHIPPED
from hierbrush.strokes.types import ABBREVIATIONS

if TYPE_CHECKING:
    from hierbrush.learning.recipe import Recipe, TrainingRequest


def pack_specialists(recipe: Recipe, jobs: Sequence[Job], request: TrainingRequest) -> None:
    """Put the finished policies of single stroke types into one file, and the shipped ones where there are none."""
    if request.stroke is not None:  # an earlier call may have trained others
        jobs = [job for phase in recipe.jobs(replace(request, stroke=None)) for job in phase]
    for job in jobs:
        job.store().collect(job.folder)
    finished = [job for job in jobs if job.stroke is not None and job.exported]
    specialists = {job.stroke: job.folder for job in finished if job.stroke is not None}
    if not specialists:
        return
    into = request.folder
    missing = [kind for kind in ABBREVIATIONS if kind not in specialists]
    if missing and SHIPPED.is_file() and all(map(fits_shipped, specialists.values())):
        fill_up(specialists, into / PACKED_WEIGHTS)
        told = f"{', '.join(sorted(specialists))} of this training, the other {len(missing)} stroke types as shipped"
    else:
        begun_as = {job.initial_weights.parent for job in finished if job.initial_weights}
        begun_as = {folder for folder in begun_as if (folder / CARD).exists()}
        pack(specialists, into, base=begun_as.pop() if len(begun_as) == 1 else None)
        told = f"{len(specialists)} policies"
    open_store(into, stored_at(recipe.output.storage, request.output, into)).publish(into)
    print(f"{into / PACKED_WEIGHTS}: {told}", file=sys.stderr)
