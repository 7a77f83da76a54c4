"""Which core is loaded: the compiled one, or its NumPy twin."""

from __future__ import annotations

import os
import warnings
from types import ModuleType

from hierbrush.errors import HierbrushError, shown
from hierbrush.sim import reference


def _choose() -> tuple[str, ModuleType]:
    wanted = os.environ.get("HIERBRUSH_CORE", "")
    if wanted not in ("", "c", "numpy"):
        raise HierbrushError(f"HIERBRUSH_CORE: {shown(wanted)}, expected 'c' or 'numpy' (or unset)")
    if wanted == "numpy":
        return "numpy", reference
    try:
        from hierbrush.sim import _core
    except ImportError as error:
        if wanted == "c":
            raise HierbrushError(
                f"HIERBRUSH_CORE: 'c' was asked for, but the compiled core does not load ({error})"
            ) from None
        warnings.warn(
            "hierbrush: the compiled core is not there, so the NumPy twin writes: same ink, hundreds of times slower. "
            "Install a C compiler (Debian: gcc and python3-dev) and reinstall hierbrush.",
            RuntimeWarning,
            stacklevel=2,
        )
        return "numpy", reference
    return "c", _core


CORE, kernels = _choose()


def core_info() -> dict[str, str]:
    """Return which core is loaded and how it was built, for ``hierbrush doctor``."""
    return {"core": CORE, "build": kernels.BUILD}
