"""The settings that a sweep tries, drawn by Ray Tune."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ray import tune
from ray.tune.search.variant_generator import generate_variants

from hierbrush.learning.config import SweepRange, SweepSection
from hierbrush.learning.recipe import Recipe
from hierbrush.yaml_source import Document, substitute, validate


def variants(document: Document, config: Recipe) -> Iterator[tuple[str, Recipe]]:
    """Yield the name and the configuration of everything that a configuration trains: itself, or what its sweep tries.

    The same seed draws the same values, so that a sweep can be resumed.

    Args:
        document: where ``config`` comes from, so that errors say where a value was written.
        config: the configuration.

    Raises:
        ConfigError: the sweep names a key that there is not, or a value that the key cannot have.
    """
    if config.sweep is None:
        yield "", config
        return
    for number, drawn in enumerate(_drawn(config.sweep, config.seed)):
        changed = document
        for key, value in drawn.items():
            values = config.sweep.values[key]
            source = ("sweep", "values", key)
            where = source if isinstance(values, SweepRange) else (*source, values.index(value))
            changed = substitute(changed, key, value, where)
        short = {key.rpartition(".")[2] for key in drawn}
        keys = {key: key.rpartition(".")[2] if len(short) == len(drawn) else key for key in drawn}
        name = "_".join(f"{keys[key]}={value}" for key, value in drawn.items())
        yield f"{number:03}-{_as_folder(name)}", validate(changed, type(config)).model_copy(update={"sweep": None})


def _drawn(sweep: SweepSection, seed: int) -> Iterator[dict[str, Any]]:
    random = np.random.RandomState(seed)
    space = {key: _space(values) for key, values in sweep.values.items()}
    for _ in range(sweep.samples):
        for _, chosen in generate_variants({"config": space}, random_state=random):
            drawn = chosen["config"]
            yield {
                key: float(f"{drawn[key]:.4g}") if isinstance(values, SweepRange) else drawn[key]
                for key, values in sweep.values.items()
            }


def _space(values: tuple[Any, ...] | SweepRange) -> Any:
    if not isinstance(values, SweepRange):
        return tune.grid_search(list(values))
    return (tune.loguniform if values.log else tune.uniform)(values.low, values.high)


def _as_folder(name: str) -> str:
    """Return a name with nothing in it that a folder or an object store could stumble over."""
    return "".join(letter if letter.isalnum() or letter in "=.-_" else "_" for letter in name)[:100]
