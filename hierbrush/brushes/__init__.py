"""Brushes identified from pictures: a sheet to fill, and the fit of a brush's numbers to a scan of it.

:class:`CalibrationSheet` is the sheet, :func:`read_scan` finds it in a scan, :func:`fit_brush` fits the brush.
"""

from typing import TYPE_CHECKING

from hierbrush.lazy_names import lazy_names

if TYPE_CHECKING:
    from hierbrush.brushes.fit import BrushFit, fit_brush, residual_picture
    from hierbrush.brushes.scan import Scan, read_scan
    from hierbrush.brushes.sheet import CalibrationSheet

__all__ = ["BrushFit", "CalibrationSheet", "Scan", "fit_brush", "read_scan", "residual_picture"]

__getattr__ = lazy_names(
    __name__,
    {
        "hierbrush.brushes.fit": ("BrushFit", "fit_brush", "residual_picture"),
        "hierbrush.brushes.scan": ("Scan", "read_scan"),
        "hierbrush.brushes.sheet": ("CalibrationSheet",),
    },
)
