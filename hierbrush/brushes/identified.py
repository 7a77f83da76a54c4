"""What an identification finds, and how it stands in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from hierbrush.sim.model import BrushModel, NeuralBrush

SPREADS = ("width", "length", "offset", "root", "back")
"""What differs from stroke to stroke: the factors of :meth:`BrushModel.randomised`."""

PARAMETERS = {parameter.name: parameter for parameter in fields(BrushModel)}


@dataclass(frozen=True)
class BrushFile:
    """A brush, how much it differs from stroke to stroke, and what its data did not determine.

    ``spread`` are standard deviations of factors around 1; ``undetermined`` names of parameters that are guesses.
    """

    model: BrushModel
    spread: Mapping[str, float] = field(default_factory=dict)
    undetermined: Sequence[str] = ()


def brush_text(brush: BrushFile, head: Sequence[str] = ()) -> str:
    """Return the content of a brush file, every parameter with its meaning."""
    lines = [f"# {line}" for line in head]
    for name, parameter in PARAMETERS.items():
        value = getattr(brush.model, name)
        if name == "tip":
            lines.append(f"tip: {value}")
            continue
        facts = parameter.metadata
        guess = "; not determined by the data" if name in brush.undetermined else ""
        lines.append(f"{name}: {_number(value)}  # {facts['unit']}: {facts['text']}{guess}")
    if isinstance(brush.model, NeuralBrush):
        lines.append("# Weights and biases of the network that corrects the mark (hierbrush/sim/network_brush.py).")
        lines.append(f"network: [{', '.join(_number(weight) for weight in brush.model.network)}]")
    if brush.spread:
        lines.append("# How much strokes differ: standard deviations of factors around 1.")
        lines.append("spread:")
        lines += [f"  {name}: {_number(brush.spread[name])}" for name in SPREADS if name in brush.spread]
    if brush.undetermined:
        lines.append(f"undetermined: [{', '.join(brush.undetermined)}]")
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    text = f"{value:.6g}"
    return text if "e" not in text else f"{float(text):.10f}".rstrip("0")
