"""What is written does not depend on what is written beside it; of a glyph, not on the machine's instructions."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from hierbrush.sim import CORE
from hierbrush.writing import Writing, write_character, write_characters

CHARACTERS = ["一", "永", "国", "凸", "縣", "歡", "鬱", "语", "⿰木月", "乙", "盟", "龍"]

WRITE = """
import sys
from hierbrush.writing import write_characters
for writing in write_characters(sys.argv[2:], goal=sys.argv[1] or None):
    print(b"".join(path.tobytes() for path in writing.stroke_paths).hex())
"""

# What NumPy, its matrix products and the C library may not use. A feature that NumPy does not know is a warning.
PLAIN = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_ICL",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX,-AVX512F",
}


def movement(writing: Writing) -> bytes:
    return b"".join(path.tobytes() for path in writing.stroke_paths)


def written(goal: str, characters: list[str], **environment: str) -> list[bytes]:
    """Return the movements that a process of its own makes."""
    command = [sys.executable, "-W", "ignore", "-c", WRITE, goal, *characters]
    environment = {**os.environ, **environment}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
    return [bytes.fromhex(line) for line in ended.stdout.split()]


@pytest.mark.parametrize("goal", ["decomposition", "glyph", None])
def test_a_batch_is_what_its_characters_are_alone(goal: str | None) -> None:
    characters = [char for char in CHARACTERS if goal != "glyph" or len(char) == 1]
    together = write_characters(characters, goal=goal)
    for char, among_others in zip(characters, together, strict=True):
        alone = write_character(char, goal=goal)
        assert movement(alone) == movement(among_others), char
        np.testing.assert_array_equal(alone.image(64), among_others.image(64))


def test_a_glyph_is_written_the_same_on_a_lesser_machine() -> None:
    characters = [char for char in CHARACTERS if len(char) == 1]
    here = [movement(writing) for writing in write_characters(characters, goal="glyph")]
    assert written("glyph", characters, **PLAIN) == here


@pytest.mark.skipif(CORE != "c", reason="needs both cores")
@pytest.mark.parametrize("goal", ["decomposition", "glyph"])
def test_the_numpy_twin_writes_the_same(goal: str) -> None:
    here = [movement(writing) for writing in write_characters(["一", "十"], goal=goal)]
    assert written(goal, ["一", "十"], HIERBRUSH_CORE="numpy") == here
