"""Without the extra that brings Gymnasium, one line says so."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORT = """
import sys
sys.modules[sys.argv[1]] = None  # as if it were not installed
try:
    import hierbrush.envs
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["gymnasium", "pydantic"])
def test_what_is_missing_is_told_with_the_extra_that_brings_it(package: str) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT, package], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f'hierbrush.envs needs {package}, which is not installed; pip install "hierbrush[train]" brings it\n'
    )
