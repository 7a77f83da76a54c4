"""G-code: the movement for a plotter or a robot on a gantry that holds a brush upright."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from hierbrush.errors import HierbrushError

if TYPE_CHECKING:
    from hierbrush.writing.result import Sheet


@dataclass(frozen=True)
class GcodeOptions:
    """The machine, in millimetres and millimetres a minute.

    The machine's x points right, its y away from the operator and its z up. ``work_x``, ``work_y`` and ``work_z``
    are the lowest and highest position of each axis; ``paper_x``, ``paper_y`` the position of the paper's lower left
    corner; ``surface_z`` the height at which the tip just touches the paper. ``lift`` is how far above that the
    brush travels. ``dip_x``, ``dip_y``, ``dip_z`` is where the tip rests in the ink for ``dip_seconds``.
    ``write_feed``, ``plunge_feed`` and ``travel_feed`` are the speeds in the stroke, up and down, and in the air.

    Raises:
        HierbrushError: a value is not finite, a range is empty, or a feed or the lift is not positive.
    """

    work_x: tuple[float, float] = (0.0, 300.0)
    work_y: tuple[float, float] = (0.0, 200.0)
    work_z: tuple[float, float] = (-30.0, 60.0)
    paper_x: float = 20.0
    paper_y: float = 20.0
    surface_z: float = 0.0
    lift: float = 20.0
    dip_x: float = 280.0
    dip_y: float = 100.0
    dip_z: float = -5.0
    dip_seconds: float = 0.5
    write_feed: float = 2400.0
    plunge_feed: float = 1200.0
    travel_feed: float = 6000.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            pair = field.name.startswith("work_")
            numbers = value if pair and isinstance(value, tuple | list) else (value,)
            good = len(numbers) == (2 if pair else 1) and all(
                isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < 1e6
                for number in numbers
            )
            if not good:
                wanted = "two finite numbers, lowest and highest" if pair else "a finite number"
                raise HierbrushError(f"gcode: {field.name} must be {wanted}, not {value!r}")
            if pair and not numbers[0] < numbers[1]:
                raise HierbrushError(f"gcode: {field.name} must run from lowest to highest, not {value!r}")
            if (field.name.endswith("_feed") or field.name == "lift") and value <= 0:
                raise HierbrushError(f"gcode: {field.name} must be above 0, not {value!r}")
        if self.dip_seconds < 0:
            raise HierbrushError(f"gcode: dip_seconds must not be negative, not {self.dip_seconds!r}")


def render(sheet: Sheet, options: GcodeOptions) -> str:
    """Return the G-code program of a sheet.

    Raises:
        HierbrushError: the movement does not fit into the work area; the message says which axis needs what.
    """
    pen = GcodePen(options, sheet.height)
    sheet.draw(pen)
    # Comments in G-code are ASCII in brackets, and a bracket cannot hold another.
    codes = " ".join(f"U+{ord(char):04X}" for char in sheet.text if char != "\n")
    return pen.program(f"hierbrush: {codes}")


class GcodePen:
    """A brush pen that turns calls in metres on a paper of ``height`` metres into a program for one machine."""

    def __init__(self, options: GcodeOptions, height: float) -> None:
        self._options, self._height = options, height
        self._lines: list[str] = []
        self._seen: dict[str, list[float]] = {"x": [], "y": [], "z": []}
        self._lift_z = options.surface_z + options.lift

    def dip(self) -> None:
        """Travel to the ink, rest in it, and come up."""
        o = self._options
        self._travel(o.dip_x, o.dip_y)
        self._plunge(o.dip_z)
        self._lines.append(f"G4 P{_number(o.dip_seconds)}")
        self._rise()

    def lower(self, x: float, y: float, z: float) -> None:
        """Travel above the start of a stroke and come down."""
        machine_x, machine_y, machine_z = self._machine(x, y, z)
        self._travel(machine_x, machine_y)
        self._plunge(machine_z)

    def move_to(self, x: float, y: float, z: float) -> None:
        """Move in a straight line at the writing feed."""
        machine_x, machine_y, machine_z = self._machine(x, y, z)
        self._see(machine_x, machine_y, machine_z)
        position = f"X{_number(machine_x)} Y{_number(machine_y)} Z{_number(machine_z)}"
        self._lines.append(f"G1 {position} F{_number(self._options.write_feed)}")

    def lift(self) -> None:
        """Come up to the height of travel."""
        self._rise()

    def program(self, comment: str) -> str:
        """Return the whole program, if it stays inside the work area.

        Raises:
            HierbrushError: it does not.
        """
        for axis, positions in self._seen.items():
            low, high = getattr(self._options, f"work_{axis}")
            if positions and (min(positions) < low or max(positions) > high):
                raise HierbrushError(
                    f"gcode: the movement needs {axis} from {min(positions):.1f} to {max(positions):.1f} mm, but work_"
                    f"{axis} ends at {low:.1f} and {high:.1f}; move the paper, the dip or the lift, or write smaller"
                )
        head = [f"({comment})", "G21 (millimetres)", "G90 (absolute positions)", "G17 (arcs would lie in x and y)"]
        start = [f"G0 Z{_number(self._lift_z)}"]
        return "\n".join([*head, *start, *self._lines, "M2", ""])

    def _machine(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        o = self._options
        return o.paper_x + x * 1e3, o.paper_y + (self._height - y) * 1e3, o.surface_z - z * 1e3

    def _travel(self, x: float, y: float) -> None:
        self._see(x, y, self._lift_z)
        self._lines.append(f"G1 X{_number(x)} Y{_number(y)} F{_number(self._options.travel_feed)}")

    def _plunge(self, z: float) -> None:
        self._seen["z"].append(z)
        self._lines.append(f"G1 Z{_number(z)} F{_number(self._options.plunge_feed)}")

    def _rise(self) -> None:
        self._lines.append(f"G1 Z{_number(self._lift_z)} F{_number(self._options.plunge_feed)}")

    def _see(self, x: float, y: float, z: float) -> None:
        for axis, position in zip("xyz", (x, y, z), strict=True):
            self._seen[axis].append(position)


def _number(value: float) -> str:
    """Return a number in thousandths without idle digits, and never ``-0``."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
