"""The learned primitives: which weights write which stroke type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.sim.observation import LAYOUTS
from hierbrush.strokes.policy import MLPPolicy, PolicySet, read_safetensors
from hierbrush.strokes.rollout import Act

WEIGHTS = Path(__file__).resolve().parent / "weights" / "policies.safetensors"


class LearnedPolicy:
    """Primitives from a weights file: one policy for each stroke type, or one for all.

    Raises:
        HierbrushError: the networks read no observation that this version of the simulator writes.
    """

    def __init__(self, policies: PolicySet | MLPPolicy) -> None:
        networks = list(policies.policies.values()) if isinstance(policies, PolicySet) else [policies]
        sizes = {network.observation_size for network in networks}
        layouts = [name for name, size in LAYOUTS.items() if sizes == {size}]
        if not layouts:
            raise HierbrushError(f"weights: observations of {sorted(sizes)} numbers, expected one of {LAYOUTS}")
        self.layout = layouts[0]
        self._policies = policies

    @classmethod
    def load(cls, path: str | Path) -> LearnedPolicy:
        """Read the weights of one policy, or of one for each stroke type, from a safetensors file.

        Raises:
            HierbrushError: the file cannot be used.
        """
        single = any(name.startswith("policy.") for name in read_safetensors(path))
        return cls(MLPPolicy.load(path) if single else PolicySet.load(path))

    def __repr__(self) -> str:
        return f"<LearnedPolicy of {self._policies!r}>"

    def bind(self, stroke_types: Sequence[str]) -> Act:
        """Return a function from observations float32 [n, columns] to actions float32 [n, 3].

        Raises:
            HierbrushError: there is no policy for one of the types.
        """
        if isinstance(self._policies, PolicySet):
            return self._policies.bind(stroke_types)
        network = self._policies

        def act(observation: NDArray[np.float32]) -> NDArray[np.float32]:
            return network(observation)

        return act


@lru_cache(maxsize=1)
def shipped_policy() -> LearnedPolicy:
    """Return the primitives that come with hierbrush.

    Raises:
        HierbrushError: this installation has no weights.
    """
    if not WEIGHTS.is_file():
        raise HierbrushError(f"policy: 'learned' needs {WEIGHTS}, which this installation lacks; reinstall hierbrush")
    return LearnedPolicy.load(WEIGHTS)
