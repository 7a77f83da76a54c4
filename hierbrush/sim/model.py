"""What a brush is: constant parameters, validated, in SI units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from dataclasses import field as dataclass_field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_choice, check_kind, check_number, check_whole, is_number
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sim.network_brush import SIZE

_TIPS = ("parabola", "ellipse")
# Vertices of a footprint's tip and of its base. At 12 each, the polygon's sagitta stays below a tenth of a pixel of the
# 256 raster for the widths that characters need.
_SEGMENTS = 12


def _parameter(default: float, low: float, high: float, unit: str, text: str) -> Any:
    return dataclass_field(default=default, metadata={"low": low, "high": high, "unit": unit, "text": text})


def _metres(name: str, value: float) -> float:
    return check_number(name, value, -1e3, 1e3, "metres")


@dataclass(frozen=True)
class BrushModel:
    """A soft brush: how wide, long and far back its mark is at a press depth z, and how the tuft follows the handle.

    The polynomials and the root's place are the fits of the GA Tech dynamic virtual brush (arXiv 1911.08002) to a real
    brush with a tip of 30 mm; its offset is used at half its value, as its authors do. The rounded back is ours.
    All lengths in metres; parameters out of range raise :class:`~hierbrush.errors.HierbrushError`.
    """

    width_slope: float = _parameter(1.19035, 0.0, 10.0, "m/m", "growth of the mark's width with depth")
    width_intercept: float = _parameter(-3.203e-4, -0.01, 0.01, "m", "width of the mark extrapolated to depth 0")
    length_slope: float = _parameter(0.66453, 0.0, 10.0, "m/m", "growth of the mark's length with depth")
    length_intercept: float = _parameter(1.0317e-3, -0.01, 0.01, "m", "length of the mark extrapolated to depth 0")
    offset_quadratic: float = _parameter(-33.562, -1000.0, 1000.0, "1/m", "bend of the offset with depth")
    offset_slope: float = _parameter(0.73080, -10.0, 10.0, "m/m", "growth of the offset with depth")
    offset_intercept: float = _parameter(-2.113e-4, -0.01, 0.01, "m", "offset extrapolated to depth 0")
    offset_scale: float = _parameter(0.5, 0.0, 2.0, "1", "share of the fitted offset that is used")
    root_ratio: float = _parameter(0.333, 0.0, 1.0, "1", "where the root lies along the mark's length")
    back_ratio: float = _parameter(1.0, 0.01, 3.0, "1", "how far the base is rounded, in half-widths")
    max_depth: float = _parameter(0.015, 1e-3, 0.03, "m", "depth beyond which pressing harder changes nothing")
    tip: str = "parabola"

    def __post_init__(self) -> None:
        for parameter in fields(self):
            if not parameter.metadata:
                continue
            value, limits = getattr(self, parameter.name), parameter.metadata
            if not is_number(value) or not limits["low"] <= value <= limits["high"]:
                unit = "" if limits["unit"] == "1" else f" {limits['unit']}"
                raise HierbrushError(
                    f"{parameter.name}: {shown(value)}, expected a number from {limits['low']:g} to {limits['high']:g}"
                    f"{unit} ({limits['text']})"
                )
            object.__setattr__(self, parameter.name, float(value))
        check_choice("tip", self.tip, _TIPS)

    @classmethod
    def preset(cls, name: str) -> BrushModel:
        """Return the brush ``"measured"`` (a real brush's fits) or ``"round"`` (a disc without lag, for comparison).

        Raises:
            HierbrushError: there is no such preset.
        """
        return PRESETS[check_choice("brush", name, PRESETS)]

    def replace(self, **changes: Any) -> BrushModel:
        """Return a copy with some parameters changed.

        Raises:
            HierbrushError: a name is no parameter, or a value is out of range.
        """
        known = [parameter.name for parameter in fields(self)]
        for name in changes:
            if name not in known:
                raise HierbrushError(f"{name}: no brush parameter{closest(name, known)}")
        return replace(self, **changes)

    def width(self, depth: float) -> float:
        """Width in metres of the mark at a press depth in metres; 0 when the brush does not touch."""
        depth = _metres("depth", depth)
        return max(self.width_slope * min(depth, self.max_depth) + self.width_intercept, 0.0) if depth > 0 else 0.0

    def length(self, depth: float) -> float:
        """Length in metres of the mark's tip at a press depth in metres; 0 when the brush does not touch."""
        depth = _metres("depth", depth)
        return max(self.length_slope * min(depth, self.max_depth) + self.length_intercept, 0.0) if depth > 0 else 0.0

    def offset(self, depth: float) -> float:
        """Distance in metres from handle to the mark's base at a press depth in metres, the tuft trailing freely."""
        depth = _metres("depth", depth)
        if depth <= 0:
            return 0.0
        z = min(depth, self.max_depth)
        fitted = (self.offset_quadratic * z + self.offset_slope) * z + self.offset_intercept
        return max(self.offset_scale * fitted, 0.0)

    def depth_for_width(self, width: float) -> float:
        """Press depth in metres whose mark is ``width`` metres wide, between first touch and ``max_depth``."""
        width = _metres("width", width)
        if self.width_slope <= 0:
            return self.max_depth
        return min(max((width - self.width_intercept) / self.width_slope, 0.0), self.max_depth)

    def parameters(self) -> NDArray[np.float64]:
        """Return the row that the core reads: float64 [10], metres (columns as in ``core/brush.h``)."""
        scale = self.offset_scale
        return np.array(
            [
                self.width_slope,
                self.width_intercept,
                self.length_slope,
                self.length_intercept,
                scale * self.offset_quadratic,
                scale * self.offset_slope,
                scale * self.offset_intercept,
                self.root_ratio,
                self.back_ratio,
                self.max_depth,
            ]
        )

    def recorded(self) -> NDArray[np.float64]:
        """Return all that a movement is recorded with: the ten numbers."""
        return self.parameters()

    def randomised(self, count: int, relative: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return ``count`` rows of parameters, each brush wider, longer, further back … by its own factors.

        Args:
            count: number of brushes.
            relative: each of width, length, offset, root ratio and back ratio is scaled by a factor drawn uniformly
                from 1 ± ``relative``, 0 <= relative < 1.
            rng: source of the factors.

        Raises:
            HierbrushError: an argument is out of range or of another kind.
        """
        count = check_whole("count", count, 0, 1 << 20)
        if not is_number(relative) or not 0 <= relative < 1:
            raise HierbrushError(f"relative: {shown(relative)}, expected a share from 0 to below 1")
        check_kind("rng", rng, np.random.Generator, "a numpy.random.Generator")
        factors = rng.uniform(1 - relative, 1 + relative, size=(count, 5))
        per_column = np.concatenate(
            [np.repeat(factors[:, :3], (2, 2, 3), axis=1), factors[:, 3:], np.ones((count, 1))], axis=1
        )
        rows: NDArray[np.float64] = self.parameters() * per_column
        return rows

    def footprint(self) -> NDArray[np.float32]:
        """Return the unit footprint: float32 [24, 2] (along, across), clockwise on the page.

        ``along`` counts lengths towards the tip and, when negative, back half-widths towards the handle; ``across``
        counts half-widths. The tip is the half parabola of arXiv 1911.08002 (or half an ellipse), the base half an
        ellipse.
        """
        if self.tip == "parabola":
            across = np.linspace(-1.0, 1.0, _SEGMENTS + 1)
            tip = np.stack([1.0 - across * across, across], axis=1)
        else:
            angle = np.linspace(-np.pi / 2, np.pi / 2, _SEGMENTS + 1)
            tip = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        angle = np.linspace(np.pi / 2, 3 * np.pi / 2, _SEGMENTS + 1)[1:-1]
        base = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        # Exact zeros where the two meet: cos(pi/2) is not 0 in floating point, and its sign picks the scale.
        tip[[0, -1], 0] = 0.0
        return np.concatenate([tip, base]).astype(np.float32)


@dataclass(frozen=True)
class NeuralBrush(BrushModel):
    """A brush whose mark is corrected by a small network that sees the press and the movement.

    ``network`` are its 137 weights and biases, as of `hierbrush.sim.network_brush`; the ten numbers are the rest.

    Raises:
        HierbrushError: they are not as many numbers, or one of them is above 1000.
    """

    network: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.network if isinstance(self.network, Sequence) and not isinstance(self.network, str) else ()
        if len(given) != SIZE or not all(is_number(value) and abs(value) <= 1e3 for value in given):
            raise HierbrushError(f"network: {shown(self.network)}, expected {SIZE} numbers from -1000 to 1000")
        object.__setattr__(self, "network", tuple(float(value) for value in given))

    def recorded(self) -> NDArray[np.float64]:
        """Return the ten numbers and the network."""
        return np.concatenate([self.parameters(), self.network])


def brush_from(values: Mapping[str, Any]) -> BrushModel:
    """Return the brush of parameters by name, with a network or without.

    Raises:
        HierbrushError: a value is out of range, or a name is no parameter's.
    """
    check_kind("values", values, Mapping, "a mapping of a brush's parameters")
    names = [field.name for field in fields(NeuralBrush)]
    for name in values:
        if name not in names:
            raise HierbrushError(f"values: {shown(name)} is no parameter of a brush{closest(name, names)}")
    return NeuralBrush(**values) if "network" in values else BrushModel(**values)


PRESETS = {
    "measured": BrushModel(),
    "round": BrushModel(
        width_slope=1.2,
        width_intercept=0.0,
        length_slope=0.6,
        length_intercept=0.0,
        offset_scale=0.0,
        root_ratio=0.0,
        tip="ellipse",
    ),
}
