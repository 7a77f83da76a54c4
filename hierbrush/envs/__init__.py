"""Gymnasium environments of hierbrush; importing this package registers them."""

from hierbrush.registration import CHARACTER_ENV, FLAT_ENV, STROKE_ENV, register

__all__ = ["CHARACTER_ENV", "FLAT_ENV", "STROKE_ENV", "register"]

register()
