"""Brush and paper: a soft brush that leaves ink, many at a time.

:class:`BrushModel` is what a brush is, :class:`BrushBatch` is brushes writing; :class:`GoalBank` and
:class:`StrokeBatch` add what they are to write and what a policy sees of it. The C core and the NumPy twin give the
same bits.
"""

from hierbrush.box import BOX
from hierbrush.sim.bank import GoalBank
from hierbrush.sim.batch import BrushBatch, Snapshot, StrokeBatch
from hierbrush.sim.core_choice import CORE, core_info
from hierbrush.sim.hand import TICK_SECONDS, HandleLimits
from hierbrush.sim.model import PRESETS, BrushModel, NeuralBrush, brush_from
from hierbrush.sim.raster import distance_to_outline, distance_transform, rasterise
from hierbrush.sim.trace import trace

__all__ = [
    "BOX",
    "CORE",
    "PRESETS",
    "TICK_SECONDS",
    "BrushBatch",
    "BrushModel",
    "GoalBank",
    "HandleLimits",
    "NeuralBrush",
    "Snapshot",
    "StrokeBatch",
    "brush_from",
    "core_info",
    "distance_to_outline",
    "distance_transform",
    "rasterise",
    "trace",
]
