"""Drawing a stage's characters: training characters only, as the stage wants them."""

from __future__ import annotations

import numpy as np

from hierbrush.arguments import check_kind, check_whole
from hierbrush.characters import load_library, split
from hierbrush.curriculum.model import Characters
from hierbrush.errors import HierbrushError


def draw_characters(wanted: Characters, seed: int) -> tuple[str, ...]:
    """Return the training characters that a stage practises; the same seed gives the same ones.

    Raises:
        HierbrushError: an argument is of another kind, or no training character is as the stage wants it.
    """
    check_kind("wanted", wanted, Characters, "the section characters of a stage")
    seed = check_whole("seed", seed, 0)
    library = load_library()
    least, most = wanted.strokes
    fitting = [
        char
        for char in library
        if split(char) == "train"
        and least <= len(library.stroke_types(char)) <= most
        and (not wanted.structures or library.decomposition(char).operator in wanted.structures)
    ]
    if not fitting:
        raise HierbrushError(
            f"characters: no training character has {least} to {most} strokes and the structures "
            f"{' '.join(wanted.structures) or 'of any kind'}"
        )
    chosen = np.random.default_rng(seed).permutation(len(fitting))[: wanted.count]
    return tuple(fitting[at] for at in sorted(chosen.tolist()))
