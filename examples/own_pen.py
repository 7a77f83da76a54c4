"""A pen of one's own: what `writing.draw` tells it becomes HPGL, the language of pen plotters.

    python examples/own_pen.py 永和九年 -o line.hpgl

What one sees: a text file that a plotter, or a viewer such as Inkscape, draws as thin lines, one for each stroke, along
the way of the brush's handle. A plotter's pen has no depth, so ``z`` is left out; a pen for a brush would use it.

A pen is any object with the four methods below; it need not inherit from anything. The installation without extras
will do: ``pip install hierbrush``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import hierbrush

UNITS = 40_000  # HPGL's units in a metre


class HpglPen:
    """Collects HPGL commands.

    Args:
        height: of the paper in metres. Ours has y downwards from its upper edge, a plotter's upwards from the lower.
    """

    def __init__(self, height: float) -> None:
        self._height = height
        self.commands = ["IN", "SP1"]  # initialise; take pen 1

    def dip(self) -> None:
        """Do nothing: a plotter's pen needs no ink."""

    def lower(self, x: float, y: float, z: float) -> None:
        """Travel with the pen up to where a stroke starts."""
        self._go("PU", x, y)

    def move_to(self, x: float, y: float, z: float) -> None:
        """Draw a straight line."""
        self._go("PD", x, y)

    def lift(self) -> None:
        """Raise the pen."""
        self.commands.append("PU")

    def _go(self, command: str, x: float, y: float) -> None:
        self.commands.append(f"{command}{round(UNITS * x)},{round(UNITS * (self._height - y))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", default="永和九年")
    parser.add_argument("-o", "--output", type=Path, default=Path("line.hpgl"))
    arguments = parser.parse_args()
    page = hierbrush.write_text(arguments.text, layout=hierbrush.Layout("horizontal"))
    pen = HpglPen(page.height)
    page.draw(pen)
    arguments.output.write_text(";\n".join([*pen.commands, "SP0;\n"]), encoding="ascii")  # put the pen back
    print(f"{arguments.output}: {len(pen.commands)} commands")


if __name__ == "__main__":
    main()
