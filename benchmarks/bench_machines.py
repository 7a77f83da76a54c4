"""How far the same character differs between machines: this one, and this one as if it had no newer instructions.

    python benchmarks/bench_machines.py --every 40

Every so many of the library's characters are written in two processes, one of which keeps NumPy, its matrix products
and the C library to the instructions of an x86-64 of 2008. The table has the largest distance between the two handle
paths of each character, in metres, over the characters: median, 95th percentile and most; and for how many characters
every bit is the same. A character whose paths have other lengths counts as infinitely far.
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys

import numpy as np
from numpy.typing import NDArray

PLAIN = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_ICL",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX,-AVX512F",
}
WRITE = """
import pickle, sys
from hierbrush.characters import load_library
from hierbrush.writing import write_characters
characters = sorted(load_library().characters)[:: int(sys.argv[2])]
paths = [writing.stroke_paths for writing in write_characters(characters, goal=sys.argv[1])]
sys.stdout.buffer.write(pickle.dumps(paths))
"""
Paths = list[NDArray[np.float64]]


def written(goal: str, every: int, **environment: str) -> list[Paths]:
    """Return the handle paths of characters written in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", WRITE, goal, str(every)]
    ended = subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    paths: list[Paths] = pickle.loads(ended.stdout)
    return paths


def distance(one: Paths, other: Paths) -> float:
    """Return the largest distance between two characters' paths in metres."""
    if [path.shape for path in one] != [path.shape for path in other]:
        return float("inf")
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=40, help="write every so many of the characters")
    every = parser.parse_args().every
    for goal in ("glyph", "decomposition"):
        pairs = zip(written(goal, every), written(goal, every, **PLAIN), strict=True)
        apart = np.array([distance(one, other) for one, other in pairs])
        median, high, most = np.quantile(apart, [0.5, 0.95, 1.0], method="lower")
        same = np.count_nonzero(apart == 0)
        print(f"{goal:14s}{same:4d} of {len(apart)} the same; median {median:.2g} m, 95 % {high:.2g}, most {most:.2g}")


if __name__ == "__main__":
    main()
