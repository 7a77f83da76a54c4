"""A run that is to test a certain build, `make sanitize` above all, ends where another core is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hierbrush.sim import CORE, core_info

HERE = Path(__file__).resolve().parent
SANITISED = "-fsanitize=address,undefined"

pytestmark = pytest.mark.skipif(
    CORE != "c" or SANITISED in core_info()["build"], reason="the ordinary compiled core is what must be recognised"
)


def run(**expected: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "test_brush_model.py")]
    environment = {**os.environ, **{f"HIERBRUSH_EXPECT_{name}": value for name, value in expected.items()}}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize(
    "expected", [{"BUILD": SANITISED}, {"CORE": "/nowhere"}], ids=["of another build", "of another place"]
)
def test_a_run_on_another_core_ends_at_once(expected: dict[str, str]) -> None:
    ended = run(**expected)
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the core under test is not the one expected: " in ended.stdout
    assert "passed" not in ended.stdout


def test_the_sanitised_run_says_what_it_expects() -> None:
    script = (HERE / "sanitize.sh").read_text()
    assert f'HIERBRUSH_EXPECT_CORE="$place" HIERBRUSH_EXPECT_BUILD={SANITISED}\n' in script
    assert '-o pythonpath="$place"' in script
