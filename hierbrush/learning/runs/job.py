"""One algorithm to train: by which recipe, in which folder, and how far it is."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hierbrush.curriculum import Curriculum
from hierbrush.learning.runs.checkpoint import DamagedCheckpointError
from hierbrush.learning.runs.storage import Store, open_store
from hierbrush.learning.runs.weights import card_of

if TYPE_CHECKING:
    from hierbrush.learning.recipe import Recipe

TIMES = "times.json"
"""In a checkpoint: the seconds of training, the last record of the log, the configuration, and its changes."""


@dataclass(frozen=True)
class Job:
    """What a recipe asks for once or several times.

    Attributes:
        name: for messages, such as ``specialists/HZG``.
        folder: where its logs and weights go, and its checkpoints unless ``uri`` is given.
        recipe: the configuration of this job alone.
        curriculum: what it practises, if anything by a curriculum.
        stroke: the one stroke type it is for; None for all types.
        initial_weights: safetensors file to begin with.
        needs: further files that it reads, which go with it to other machines.
        facts: what its card shall say besides.
        uri: where its checkpoints and a copy of its results go, see `open_store`.
        trusted: go on from checkpoints that other users could have written, too.
    """

    name: str
    folder: Path
    recipe: Recipe
    curriculum: Curriculum | None = None
    stroke: str | None = None
    initial_weights: Path | None = None
    needs: tuple[Path, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    uri: str | None = None
    trusted: bool = False

    @property
    def steps(self) -> int:
        """Steps wanted, in what the recipe counts."""
        return self.recipe.steps

    @property
    def card(self) -> Path:
        """The file that is written last when it is finished."""
        return self.folder / card_of(self.recipe.weights[-1])

    @property
    def exported(self) -> bool:
        """Whether weights and their card are there, of however many steps."""
        return isinstance(self._facts(), dict)

    @property
    def finished(self) -> bool:
        """Whether the weights and their card are there, and no more steps are wanted than were then."""
        try:
            return int(self._facts()["config"]["training"]["steps"]) >= self.steps
        except (ValueError, TypeError, KeyError):
            return False

    @property
    def begun(self) -> bool:
        """Whether a training has begun here."""
        return self.store().begun() or os.path.exists(self.card)

    def store(self) -> Store:
        """Return where its checkpoints are."""
        return open_store(self.folder, self.uri, trusted=self.trusted)

    def earlier_settings(self) -> Mapping[str, Any] | None:
        """Return the configuration of its newest checkpoint that can be read as JSON, or else the card's.

        None if neither says; the training's loop tells what is damaged.
        """
        store = self.store()
        for steps in reversed(store.complete()):
            with contextlib.suppress(DamagedCheckpointError, ValueError):
                return settings_in(json.loads(store.read(steps, TIMES)))
        return settings_in(self._facts())

    def _facts(self) -> Any:
        try:
            return json.loads(self.card.read_bytes())
        except (OSError, ValueError):
            return None


def settings_in(facts: Any) -> Mapping[str, Any] | None:
    """Return the configuration that a card or a checkpoint tells; None if it tells none."""
    settings = facts.get("config") if isinstance(facts, Mapping) else None
    return settings if isinstance(settings, Mapping) else None
