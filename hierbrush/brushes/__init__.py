"""Brushes identified from pictures: a sheet to fill, and the fit of a brush's numbers to a scan of it.

:class:`CalibrationSheet` is the sheet, :func:`read_scan` finds it in a scan, :func:`fit_brush` fits the brush.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hierbrush.brushes.fit import BrushFit, fit_brush, residual_picture
    from hierbrush.brushes.scan import Scan, read_scan
    from hierbrush.brushes.sheet import CalibrationSheet

_HOMES = {
    "BrushFit": "fit",
    "fit_brush": "fit",
    "residual_picture": "fit",
    "Scan": "scan",
    "read_scan": "scan",
    "CalibrationSheet": "sheet",
}

__all__ = ["BrushFit", "CalibrationSheet", "Scan", "fit_brush", "read_scan", "residual_picture"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"hierbrush.brushes.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'hierbrush.brushes' has no attribute {name!r}")
