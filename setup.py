"""Build steps that pyproject.toml cannot say: the optional core with probed flags, and data folders in the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
CORE = "hierbrush/sim/core"
DATA_FOLDERS = ("primitives", "curricula", "configs")

# What must hold for every flag: the same bits as plain C. -ffp-contract=off forbids fused multiply-add, but GCC 12
# forms it all the same from pairs of statements (a * b + c beside a * b - c); -fno-tree-slp-vectorize stops that, and
# loops become vector code without it. The next two only drop side effects (traps, errno) that keep loops from it.
# Never -Ofast or -march=native: both change bits.
FLAGS = [
    "-std=c99",
    "-Wno-psabi",
    "-O3",
    "-ffp-contract=off",
    "-fno-tree-slp-vectorize",
    "-fno-trapping-math",
    "-fno-math-errno",
]
CLONES = "-DHB_TARGET_CLONES"
PROBE = """
#include <math.h>
#ifdef HB_TARGET_CLONES
__attribute__((target_clones("default", "arch=x86-64-v3")))
#endif
static double sum(const float *x, int n) {
    double s = 0;
    for (int i = 0; i < n; i++) s += ceilf(x[i]) * 0.5 + __builtin_popcountll((unsigned long long)i);
    return s;
}
int main(void) {
    float x[64];
    for (int i = 0; i < 64; i++) x[i] = (float)i / 7.0f;
    return sum(x, 64) == 349.5 ? 0 : 1;
}
"""


def works(compiler: list[str], flags: list[str]) -> bool:
    """Say whether a small program compiles with ``flags``, runs here and gives the right sum."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "probe.c"), Path(folder, "probe")
        source.write_text(PROBE)
        command = [*compiler, *flags, str(source), "-o", str(program), "-lm"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
            return subprocess.run([str(program)], check=False, timeout=60).returncode == 0
        except (OSError, subprocess.SubprocessError):
            return False


class BuildCore(build_ext):
    """Compile the core with the fastest flags that compiler and machine accept; without a compiler, go on without."""

    def build_extensions(self) -> None:
        """Probe the flags, then compile."""
        compiler = list(getattr(self.compiler, "compiler", ["cc"]))[:1]
        extra = os.environ.get("HIERBRUSH_CFLAGS", "").split()
        flags: list[str] = []
        for flag in FLAGS:
            if works(compiler, [*flags, flag]):
                flags.append(flag)
        # Function multiversioning needs ifunc support, which sanitisers do not have.
        if not extra and works(compiler, [*flags, CLONES]):
            flags.append(CLONES)
        for extension in self.extensions:
            extension.extra_compile_args = [*flags, *extra, "-D_GNU_SOURCE"]
            extension.extra_link_args = extra
            extension.define_macros.append(("HB_BUILD", '"' + " ".join([*flags, *extra]) + '"'))
        super().build_extensions()


class BuildWithData(build_py):
    """Copy the data folders into the wheel; mapping them as package data would break editable installs."""

    def run(self) -> None:
        """Copy the package, then the folders."""
        super().run()
        if getattr(self, "editable_mode", False):
            return
        for name in DATA_FOLDERS:
            if (ROOT / name).is_dir():
                target = Path(self.build_lib, "hierbrush", "_data", name)
                shutil.copytree(ROOT / name, target, dirs_exist_ok=True)


setup(
    ext_modules=[
        Extension(
            "hierbrush.sim._core",
            sources=[
                f"{CORE}/{name}.c"
                for name in (
                    "binding",
                    "brush",
                    "buffers",
                    "ink",
                    "ink_binding",
                    "lines",
                    "network",
                    "observe",
                    "raster",
                )
            ],
            depends=[
                *(f"{CORE}/{name}.h" for name in ("brush", "buffers", "clones", "ink", "ink_binding", "tuft")),
                "setup.py",
            ],
            include_dirs=[CORE],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            py_limited_api=True,
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildCore, "build_py": BuildWithData},
    options={
        # An editable installation is a plain line in a .pth file. The import hook that setuptools writes otherwise is
        # one that type checkers do not run, so that they find no hierbrush.
        "editable_wheel": {"mode": "compat"},
        **({"bdist_wheel": {"py_limited_api": "cp311"}} if sys.implementation.name == "cpython" else {}),
    },
)
