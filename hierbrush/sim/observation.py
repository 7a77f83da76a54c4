"""What a stroke policy sees, column by column. ``core/observe.c`` and ``reference.py`` write it; this page names it.

All vectors stand in the *stroke's frame*: origin at the handle, first axis along the reference path's next tangent,
second axis to the right of it on the page. Lengths are divided by `HandleLimits.unit` (3 mm by default), look-ahead
displacements and the stroke's size by four units, so that values stay within a few ones and no running normalisation is
needed: what is exported is whole.

==============  =====  ==============================================================================================
columns         count  meaning
==============  =====  ==============================================================================================
brush              14  depth; next reference depth minus depth; width and offset of the tuft; its direction (2); handle
                       minus current reference (2); displacement of the last tick (3); last command minus handle (3)
progress            5  ticks done / ticks; ticks left / 16; ink inside and outside the outline / area wanted; square
                       root of that area
look-ahead         45  9 points of the skeleton, 0, 1, 2, 3, 4, 6, 8, 12 and 16 ticks after the next: displacement (2),
                       radius of the inscribed disc, tangent (2)
discs              21  signed distance to the outline left, ahead and right on the inscribed discs of the first 7 of
                       these points; inside is positive
contour             8  signed distance at 8 points of the tuft's footprint
patch             126  9 x 7 points around the handle, half a unit apart, 3 rows behind, 5 ahead: signed distance, ink
==============  =====  ==============================================================================================

The observation ``"track"`` has the first three groups, 64 numbers; ``"full"`` has all, 219.
"""

from __future__ import annotations

AHEAD = (0, 1, 2, 3, 4, 6, 8, 12, 16)
DISCS = 7
CONTOUR_POINTS = 8
PATCH_ALONG, PATCH_ACROSS = 9, 7
# Columns of a goal's track: reference x, y, z; skeleton x, y; radius (all metres); tangent x, y.
TRACK_SIZE = 8

BRUSH_COLUMNS = 14
PROGRESS_COLUMNS = 5
TRACK_COLUMNS = BRUSH_COLUMNS + PROGRESS_COLUMNS + 5 * len(AHEAD)
FULL_COLUMNS = TRACK_COLUMNS + 3 * DISCS + CONTOUR_POINTS + 2 * PATCH_ALONG * PATCH_ACROSS

_BRUSH_END = BRUSH_COLUMNS
_PROGRESS_END = _BRUSH_END + PROGRESS_COLUMNS
_DISCS_END = TRACK_COLUMNS + 3 * DISCS
_CONTOUR_END = _DISCS_END + CONTOUR_POINTS
GROUPS = {
    "brush": slice(0, _BRUSH_END),
    "progress": slice(_BRUSH_END, _PROGRESS_END),
    "look-ahead": slice(_PROGRESS_END, TRACK_COLUMNS),
    "discs": slice(TRACK_COLUMNS, _DISCS_END),
    "contour": slice(_DISCS_END, _CONTOUR_END),
    "patch": slice(_CONTOUR_END, FULL_COLUMNS),
}
"""The columns of each group of the table."""

OBSERVATIONS = {"none": 0, "track": TRACK_COLUMNS, "full": FULL_COLUMNS}
"""Numbers of each kind of observation, by its name."""
# Raised whenever a column changes its meaning, so that weights trained on other columns are refused.
VERSION = 1
