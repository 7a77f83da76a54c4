"""What is loaded when: help needs no NumPy, and writing none of what only some files, policies or inks need."""

from __future__ import annotations

import subprocess
import sys

HELP = """
import sys, click
from hierbrush.cli import hierbrush

def help_of(command, path):
    context = click.Context(command, info_name=path)
    command.get_help(context)
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        help_of(command.get_command(context, name), f"{path} {name}")

help_of(hierbrush, "hierbrush")
print(*sys.modules)
"""

WRITE = """
import sys
import hierbrush
hierbrush.write_character("永").image(64)
print(*sys.modules)
"""

HEAVY = {"PIL", "gymnasium", "mujoco", "pydantic", "ray", "scipy", "shapely", "skimage", "torch", "yaml"}


def loaded_by(code: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_help_of_every_command_comes_without_numpy() -> None:
    assert (
        loaded_by(HELP) & {*HEAVY, "numpy", "hierbrush.sim", "hierbrush.characters.library", "subprocess", "tqdm"}
        == set()
    )


def test_a_character_is_written_without_what_only_others_need() -> None:
    loaded = loaded_by(WRITE)
    assert loaded & {*HEAVY, "subprocess", "secrets", "zipfile", "tqdm", "xml.sax"} == set()
    rooms = ("arms", "curriculum", "datasets", "envs", "fonts", "learning", "planner", "studio", "ink.draw", "cli")
    rooms += ("styles.pictures", "styles.fonts", "styles.registration", "writing.film", "writing.archive")
    assert [f"hierbrush.{room}" for room in rooms if f"hierbrush.{room}" in loaded] == []
