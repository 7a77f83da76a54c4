"""The kinds of training: one module each, found by itself; see `hierbrush.learning.recipe.Recipe`."""

from __future__ import annotations

import pkgutil
from functools import cache, reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Any

from pydantic import Discriminator, Tag, TypeAdapter

from hierbrush.learning.recipe import DEFAULT, Recipe


@cache
def kinds() -> dict[str, type[Recipe]]:
    """Return every kind of training by its name."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return {kind.model_fields["kind"].annotation.__args__[0]: kind for kind in Recipe.__subclasses__()}  # type: ignore[union-attr]


@cache
def any_recipe() -> TypeAdapter[Recipe]:
    """Return the union of all kinds, told apart by ``kind``, for configurations that were written by hierbrush."""
    tagged: list[Any] = [Annotated[model, Tag(kind)] for kind, model in kinds().items()]
    union = reduce(or_, tagged)
    told_apart: Any = Annotated[union, Discriminator(lambda data: data.get("kind", DEFAULT))]
    return TypeAdapter(told_apart)
