"""The ids of hierbrush's environments, known to Gymnasium as soon as both packages are imported, in either order.

Gymnasium 1.0 dropped the entry points by which packages used to register their environments unseen. hierbrush cannot
import Gymnasium to do it, for writing needs none, so it waits until somebody else does.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

STROKE_ENV = "hierbrush/Stroke-v0"
FLAT_ENV = "hierbrush/FlatCharacter-v0"
CHARACTER_ENV = "hierbrush/Character-v0"
ARM_STROKE_ENV = "hierbrush/ArmStroke-v0"

_REGISTERED: dict[str, dict[str, Any]] = {
    STROKE_ENV: {
        "entry_point": "hierbrush.envs.stroke:StrokeEnv",
        "vector_entry_point": "hierbrush.envs.stroke:StrokeVectorEnv",
    },
    FLAT_ENV: {
        "entry_point": "hierbrush.envs.flat_character:FlatCharacterEnv",
        "vector_entry_point": "hierbrush.envs.flat_character:FlatCharacterVectorEnv",
    },
    ARM_STROKE_ENV: {
        "entry_point": "hierbrush.arms.stroke_env:ArmStrokeEnv",
        "vector_entry_point": "hierbrush.arms.stroke_env:ArmStrokeVectorEnv",
    },
    # Many agents, whose actions and observations are dictionaries by agent: Gymnasium's own checks do not fit.
    CHARACTER_ENV: {
        "entry_point": "hierbrush.learning.character_env:CharacterEnv",
        "disable_env_checker": True,
        "order_enforce": False,
    },
}


def register() -> None:
    """Register the environments with Gymnasium, each once."""
    import gymnasium

    for name, settings in _REGISTERED.items():
        if name not in gymnasium.registry:
            gymnasium.register(id=name, **settings)


def register_with_gymnasium() -> None:
    """Register the environments: now if Gymnasium is imported, else when it is."""
    if sys.modules.get("gymnasium") is not None:  # None forbids its import
        register()
    elif not any(isinstance(finder, _WhenImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenImported())


class _WhenImported:
    """Finder of modules that lets the others find Gymnasium, and registers the environments once it has run.

    It stays until then: that somebody only asks where Gymnasium is, or that its import fails, ends nothing.
    """

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return where the other finders find Gymnasium; nothing of any other module."""
        if name != "gymnasium":
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find is not None and finder is not self else None
            if spec is not None:
                self._watch(spec)
                return spec
        return None

    def _watch(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        run = getattr(loader, "exec_module", None)
        if run is None:
            return

        def exec_module(module: ModuleType) -> None:
            run(module)
            # The loader is the module's from now on; nothing of this stays in it.
            loader.__dict__.pop("exec_module", None)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            register()

        loader.exec_module = exec_module
