"""The direction of imports: each floor imports only from floors below, and only `learning` knows Ray and Torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "hierbrush"

# From the top; packages of one floor do not import each other, except as EXCEPTIONS says.
FLOORS = (
    {"cli"},
    {"studio"},
    {"evaluation", "fonts"},
    {"writing", "learning"},
    {"arms"},
    {"envs", "datasets"},
    {"sources"},
    {"curriculum"},
    {"styles"},
    {"composer"},
    {"characters"},
    {"planner"},
    {"strokes", "metrics"},
    {"ink", "brushes"},
    {"sim"},
    {"lerobot"},
    {"options"},
    {"yaml_source"},
    {
        "errors",
        "arguments",
        "box",
        "files",
        "full_width",
        "lazy_names",
        "pdf_file",
        "registration",
        "resources",
        "tables",
    },
)
LEVEL = {name: len(FLOORS) - at for at, floor in enumerate(FLOORS) for name in floor}
EXCEPTIONS = {
    ("resources", "errors"),
    ("resources", "arguments"),
    ("files", "errors"),
    ("files", "arguments"),
    ("arguments", "errors"),
}
# The package itself (hierbrush/__init__.py, __main__.py) stands above all floors: it only points at them.
ROOT = ""
HEAVY = ("ray", "torch")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def floor_of(module: Path) -> str:
    first = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return ROOT if first in ("__init__", "__main__") else first


def imports(tree: ast.AST, package: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the line and the full dotted name of everything imported, relative and nested imports too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = [*base, *([node.module] if node.module else [])]
            for alias in node.names:
                yield node.lineno, ".".join([*stem, alias.name])


def violations(floor: str, source: str, package: str = "hierbrush") -> list[str]:
    found = []
    for line, name in imports(ast.parse(source), package.split(".")):
        parts = name.split(".")
        if parts[0] == "hierbrush_build":
            found.append(f"line {line}: nothing of hierbrush imports the offline pipelines")
        if parts[0] in HEAVY and floor != "learning":
            found.append(f"line {line}: only learning imports {parts[0]}")
        if parts[0] != "hierbrush" or floor == ROOT or len(parts) < 2:
            continue
        target = parts[1] if parts[1] in LEVEL else None
        if target is None or target == floor or (floor, target) in EXCEPTIONS:
            continue
        if LEVEL[target] >= LEVEL[floor]:
            found.append(f"line {line}: {floor} imports {target}, which is not below it")
    return found


def test_every_module_has_a_floor() -> None:
    assert {floor_of(module) for module in modules()} - {ROOT} <= set(LEVEL)


def test_the_architecture_names_every_floor() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = page.split("## Floors")[1].split("```")[1]
    names = set(re.findall(r"\w+", drawn))
    assert {name for floor in FLOORS for name in floor} <= names
    heads = [re.match(r"\w+", part).group() for part in re.split(r"\n─+\n", drawn.strip())]  # type: ignore[union-attr]
    assert [name for name, floor in zip(heads, FLOORS, strict=True) if name not in floor] == []


@pytest.mark.parametrize("module", modules(), ids=lambda module: str(module.relative_to(PACKAGE)))
def test_imports_run_downward(module: Path) -> None:
    package = ".".join(["hierbrush", *module.relative_to(PACKAGE).parts[:-1]])
    assert violations(floor_of(module), module.read_text(encoding="utf-8"), package) == []


@pytest.mark.parametrize(
    ("floor", "source"),
    [
        ("sim", "from hierbrush.strokes import StrokeGoal"),
        ("sim", "from hierbrush import strokes"),
        ("sim", "def late():\n    import hierbrush.writing.result"),
        ("writing", "import hierbrush.learning"),
        ("learning", "from hierbrush.writing import Writing"),
        ("sources", "from hierbrush.writing import Writing"),
        ("composer", "from hierbrush.sources import Plan"),
        ("writing", "from hierbrush.evaluation import table"),
        ("strokes", "from hierbrush.metrics import score"),
        ("errors", "from hierbrush.sim import CORE"),
        ("composer", "from hierbrush.curriculum import load_curriculum"),
        ("composer", "import torch"),
        ("envs", "import torch.nn as nn"),
        ("envs", "from ray.rllib import algorithms"),
        ("cli", "def late():\n    import ray"),
        ("composer", "from hierbrush_build.fitting.fit import fit"),
    ],
)
def test_the_check_finds_violations(floor: str, source: str) -> None:
    assert len(violations(floor, source)) == 1


def test_the_check_finds_relative_imports() -> None:
    assert violations("sim", "from ..strokes import goal", "hierbrush.sim") != []
    assert violations("sim", "from .brush import BrushModel", "hierbrush.sim") == []


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return {name.split(".")[0] for name in result.stdout.split()}


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import hierbrush") & {"numpy", "PIL", "shapely", "click", "yaml", "tqdm", *HEAVY} == set()


def test_knowing_all_sources_and_exports_loads_nothing_heavy() -> None:
    known = "import hierbrush.sources, hierbrush.writing.outputs as o; hierbrush.sources.names(); o.exports()"
    heavy = {"PIL", "fontTools", "mujoco", "scipy", "shapely", "skimage", "ssl", "xml", *HEAVY}
    assert loaded_after(known) & heavy == set()


@pytest.mark.parametrize("name", ["writing", "evaluation", "sources", "cli", "metrics", "characters"])
def test_importing_a_floor_below_learning_loads_no_extra(name: str) -> None:
    extras = {"gymnasium", "pydantic", "matplotlib", "scipy", "skimage", "tensorboard", *HEAVY}
    assert loaded_after(f"import hierbrush.{name}") & extras == set()


def test_every_public_name_of_the_package_exists() -> None:
    import hierbrush

    assert {name for name in hierbrush.__all__ if getattr(hierbrush, name, None) is None} == set()
    with pytest.raises(AttributeError, match="has no attribute 'wriet_text'"):
        hierbrush.wriet_text  # noqa: B018
