"""How many threads a learning process works with."""

from __future__ import annotations

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def use_one_thread() -> None:
    """Let Torch and NumPy's BLAS work with one thread each in this process, from now on.

    A second one gains Torch a fifth on an idle machine, and makes the learner 20 times slower on a busy one. BLAS's
    small products for a runner's policies gain nothing, and its threads burn as much of the other core as of theirs.
    """
    torch.set_num_threads(1)
    threadpool_limits(limits=1, user_api="blas")
