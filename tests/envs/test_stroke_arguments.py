"""What the stroke environments are given: natural numbers of NumPy's work, and the rest is refused in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hierbrush.envs.stroke import StrokeEnv, StrokeVectorEnv
from hierbrush.errors import HierbrushError


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"curriculum": 3}, "curriculum: 3, expected a Curriculum, its content as a mapping, or the path of its file"),
        ({"curriculum": {"name": "x\ny"}}, "curriculum: "),
        ({"curriculum": "dots", "hidden": 3}, "hidden: 3, expected names of groups of columns"),
        ({"curriculum": "dots", "hidden": [[1]]}, r"hidden: \[1\] is not one of "),
        ({"curriculum": "dots", "supersample": "x"}, "supersample: 'x', expected 1, 2 or 4"),
        ({"curriculum": "dots", "stroke": ["D"]}, r"stroke: \['D'\] is not taught by dots"),
    ],
)
def test_what_cannot_be_used_is_named_in_a_line(options: dict[str, Any], told: str) -> None:
    with pytest.raises(HierbrushError, match=f"^{told}") as refused:
        StrokeVectorEnv(**options)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("action", ["x", None, {}, [None] * 3])
def test_an_action_that_is_none_is_named(action: Any) -> None:
    env = StrokeEnv(curriculum="dots")
    env.reset(seed=0)
    with pytest.raises(HierbrushError, match=r"^action: "):
        env.step(action)


def test_integers_of_numpy_are_taken() -> None:
    env = StrokeVectorEnv(np.int64(2), curriculum="dots", seed=np.uint8(3), supersample=np.int64(1), stage=np.int64(0))
    usual = StrokeVectorEnv(2, curriculum="dots", seed=3)
    np.testing.assert_array_equal(env.reset(seed=np.int64(1))[0], usual.reset(seed=1)[0])
    single = StrokeEnv(curriculum="dots")
    np.testing.assert_array_equal(single.reset(seed=np.int64(1))[0], single.reset(seed=1)[0])


@pytest.mark.parametrize("seed", ["x", -1, 1.5])
def test_a_seed_that_is_none_is_named(seed: Any) -> None:
    with pytest.raises(HierbrushError, match=r"^seed: "):
        StrokeEnv(curriculum="dots").reset(seed=seed)
