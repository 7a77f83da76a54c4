"""The stub of the compiled core says what the module has, and the twin has it too."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import hierbrush.sim
from hierbrush.sim import reference

STUB = Path(hierbrush.sim.__file__).with_name("_core.pyi")


def functions(body: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


@pytest.fixture(scope="module")
def stub() -> list[ast.stmt]:
    return ast.parse(STUB.read_text(encoding="utf-8")).body


@pytest.fixture(scope="module")
def batch(stub: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    (found,) = (node for node in stub if isinstance(node, ast.ClassDef) and node.name == "Batch")
    return functions(found.body)


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_module_and_stub_have_the_same_names(core: ModuleType, stub: list[ast.stmt]) -> None:
    assert public(core) == {"BUILD", "Batch", *functions(stub)}
    assert public(core) <= public(reference)


def test_batches_have_the_same_methods(core: ModuleType, batch: dict[str, ast.FunctionDef]) -> None:
    assert public(core.Batch) == public(reference.Batch) == set(batch) - {"__init__"}


def test_a_batch_is_made_of_the_same_arguments(core: ModuleType, batch: dict[str, ast.FunctionDef]) -> None:
    names = [argument.arg for argument in batch["__init__"].args.kwonlyargs]
    assert names == list(inspect.signature(reference.Batch).parameters)[1:]
    # Names are looked at before values: what the core does not know it refuses, and it takes the rest.
    with pytest.raises(ValueError, match=r"^params: missing from the arrays"):
        core.Batch({}, **dict.fromkeys(names, 1))
    for name in names:
        with pytest.raises(TypeError, match=name):
            core.Batch({}, **dict.fromkeys(set(names) - {name}, 1))


def test_functions_take_the_same_arguments(stub: list[ast.stmt]) -> None:
    for name, function in functions(stub).items():
        names = [argument.arg for argument in function.args.posonlyargs]
        assert names == list(inspect.signature(getattr(reference, name)).parameters), name
