"""Gymnasium knows the environments without another import, and hierbrush does not import Gymnasium for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

KNOWN = """
for name in ("Stroke", "FlatCharacter", "Character"):
    assert gymnasium.spec(f"hierbrush/{name}-v0").entry_point.startswith("hierbrush.")
"""


def run(code: str) -> None:
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("imports", ["hierbrush, gymnasium", "gymnasium, hierbrush", "hierbrush.envs, gymnasium"])
def test_the_ids_are_known_whatever_is_imported_first(imports: str) -> None:
    run(f"import {imports}\n{KNOWN}")


def test_no_import_is_needed_with_the_packages_name_in_the_id() -> None:
    run("""
import gymnasium
try:
    gymnasium.make("hierbrush:hierbrush/Stroke-v0", stroke="none such")
except ValueError as error:
    assert "is not taught by" in str(error)
else:
    raise AssertionError("made")
""")


def test_gymnasium_stays_unloaded_until_somebody_imports_it() -> None:
    run(f"""
import sys
import hierbrush, importlib, importlib.util
assert "gymnasium" not in sys.modules
assert importlib.util.find_spec("gymnasium") is not None  # as libraries ask whether it is installed
assert "gymnasium" not in sys.modules
before = len(sys.meta_path)
importlib.reload(hierbrush)
assert len(sys.meta_path) == before
import gymnasium
{KNOWN}
assert len(sys.meta_path) == before - 1
assert "exec_module" not in vars(gymnasium.__spec__.loader)
importlib.reload(gymnasium)
{KNOWN}
""")


def test_without_gymnasium_nothing_changes() -> None:
    """A failed import of Gymnasium fails as it would have, and one that works later finds the environments."""
    run(f"""
import sys
kept = sys.path[:]
sys.path[:] = [entry for entry in sys.path if not entry.endswith("site-packages")]
import hierbrush
try:
    import gymnasium
except ModuleNotFoundError as error:
    assert error.name == "gymnasium"
else:
    raise AssertionError("gymnasium was found")
sys.path[:] = kept
import gymnasium
{KNOWN}
""")


def test_registering_again_leaves_what_is_there() -> None:
    run("""
import hierbrush, gymnasium
del gymnasium.registry["hierbrush/Stroke-v0"]
gymnasium.register(id="hierbrush/Stroke-v0", entry_point="mine:Mine")
import hierbrush.envs
assert gymnasium.spec("hierbrush/Stroke-v0").entry_point == "mine:Mine"
""")
