"""Gymnasium environments of hierbrush; importing this package registers them."""

from hierbrush.errors import MissingExtraError
from hierbrush.registration import CHARACTER_ENV, FLAT_ENV, STROKE_ENV, register

__all__ = ["CHARACTER_ENV", "FLAT_ENV", "STROKE_ENV", "register"]

try:
    import pydantic  # noqa: F401  (what curricula are read with)

    register()
except ModuleNotFoundError as error:
    raise MissingExtraError("hierbrush.envs", error.name, "train") from None
