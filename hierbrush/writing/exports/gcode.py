"""G-code: the movement for a plotter or a robot on a gantry that holds a brush upright."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hierbrush.arguments import check_number
from hierbrush.errors import HierbrushError, shown
from hierbrush.options import check_fields, choice_field, described_field, number_field, options_of
from hierbrush.writing.outputs import Export, Flag, Option, register

if TYPE_CHECKING:
    from hierbrush.ink import InkStone
    from hierbrush.writing.paper import Paper
    from hierbrush.writing.result import Sheet


class Dialect(NamedTuple):
    """What firmwares understand differently: modes set at the start, the unit of a dwell, the end of a program."""

    modes: tuple[str, ...]
    dwell_units: int  # in a second
    end: str


# Marlin and Klipper know no G94 and no M2; M400 waits there until the last movement is over.
DIALECTS = {
    "grbl": Dialect(("G21", "G90", "G94"), 1, "M2"),
    "marlin": Dialect(("G21", "G90"), 1000, "M400"),
    "klipper": Dialect(("G21", "G90"), 1000, "M400"),
}

_FAR = 10_000.0  # mm
_CODES_A_LINE = 8  # a firmware's line buffer holds some 80 characters
_MOST_LINES, _LONGEST_LINE = 1000, 80


def _checked_reach(name: str, value: Any) -> tuple[float, float]:
    pair = _items(value)
    if len(pair) != 2:
        raise HierbrushError(f"{name}: {shown(value)}, expected two numbers, the lowest and the highest position")
    low, high = (check_number(name, end, -_FAR, _FAR, "mm") for end in pair)
    if low >= high:
        raise HierbrushError(f"{name}: {shown(value)}, expected the lowest position before the highest")
    return low, high


def _checked_lines(name: str, value: Any) -> tuple[str, ...]:
    lines = tuple(value.splitlines()) if isinstance(value, str) else _items(value)
    if not isinstance(value, str | list | tuple) or len(lines) > _MOST_LINES:
        raise HierbrushError(f"{name}: {shown(value)}, expected up to {_MOST_LINES} lines of G-code")
    for line in lines:
        if not isinstance(line, str) or not (line.isascii() and line.isprintable()) or len(line) > _LONGEST_LINE:
            raise HierbrushError(
                f"{name}: {shown(line)}, expected a line of G-code: text, ASCII, up to {_LONGEST_LINE} characters"
            )
    return lines


def _items(value: Any) -> tuple[Any, ...]:
    """Return the items of a list, a tuple or a row of NumPy's; nothing of anything else."""
    listed = value.tolist() if hasattr(value, "tolist") and hasattr(value, "ndim") else value
    return tuple(listed) if isinstance(listed, list | tuple) else ()


def _place(default: float, text: str) -> Any:
    return number_field(default, "mm", text, -_FAR, _FAR)


def _reach(default: tuple[float, float], text: str) -> Any:
    end = {"type": "number", "minimum": -_FAR, "maximum": _FAR}
    schema = {"type": "array", "items": end, "minItems": 2, "maxItems": 2}
    return described_field(default, text, _checked_reach, schema, "mm")


def _feed(default: float, text: str) -> Any:
    return number_field(default, "mm/min", text, 1.0, 600_000.0)


def _lines(text: str) -> Any:
    return described_field((), text, _checked_lines, {"type": ["array", "string"], "items": {"type": "string"}})


@dataclass(frozen=True)
class GcodeOptions:
    """The machine, in millimetres and millimetres a minute.

    The machine's x points right, its y away from the operator and its z up; its zero is where the operator set it.
    ``dialect`` is the firmware that reads the program: ``"grbl"``, ``"marlin"`` or ``"klipper"``. ``work_x``,
    ``work_y`` and ``work_z`` are the lowest and highest position of each axis; ``paper_x``, ``paper_y`` the position of
    the paper's lower left corner; ``surface_z`` the height at which the tip just touches the paper. ``lift`` is how far
    above that the brush travels. ``dip_x``, ``dip_y``, ``dip_z`` is where the tip rests in the ink for ``dip_seconds``.
    ``write_feed``, ``plunge_feed`` and ``travel_feed`` are the speeds in the stroke, up and down, and in the air.
    ``dry`` raises everything for a dry run.
    ``before`` and ``after`` are lines of G-code around the movement, such as ``G28`` to find home.

    Raises:
        HierbrushError: an unknown dialect, a number out of range, an empty range, or a line that is no G-code.
    """

    dialect: str = choice_field("grbl", "Firmware that reads the program: grbl, marlin or klipper.", tuple(DIALECTS))
    work_x: tuple[float, float] = _reach((0.0, 300.0), "Lowest and highest position of the x axis.")
    work_y: tuple[float, float] = _reach((0.0, 200.0), "Lowest and highest position of the y axis.")
    work_z: tuple[float, float] = _reach((-30.0, 60.0), "Lowest and highest position of the z axis.")
    paper_x: float = _place(20.0, "Position in x of the paper's lower left corner.")
    paper_y: float = _place(20.0, "Position in y of the paper's lower left corner.")
    surface_z: float = _place(0.0, "Height at which the tip just touches the paper.")
    lift: float = number_field(20.0, "mm", "How far above that the brush travels.", 0.1, 1000.0)
    dip_x: float = _place(280.0, "Position in x of the ink.")
    dip_y: float = _place(100.0, "Position in y of the ink.")
    dip_z: float = _place(-5.0, "Height at which the tip rests in the ink.")
    dip_seconds: float = number_field(0.5, "seconds", "How long it rests there.", 0.0, 600.0)
    write_feed: float = _feed(2400.0, "Speed within a stroke.")
    plunge_feed: float = _feed(1200.0, "Speed up and down between strokes.")
    travel_feed: float = _feed(6000.0, "Speed in the air.")
    dry: float = number_field(
        0.0, "mm", "Dry run: by how much everything is raised, so that nothing touches.", 0.0, 1000.0
    )
    before: tuple[str, ...] = _lines("Lines of G-code before the first movement, such as G28 to find home.")
    after: tuple[str, ...] = _lines("Lines of G-code after the last movement.")

    def __post_init__(self) -> None:
        check_fields("gcode", self)


def render(sheet: Sheet, options: GcodeOptions) -> str:
    """Return the G-code program of a sheet.

    Raises:
        HierbrushError: the movement does not fit into the work area; the message says which axis needs what.
    """
    pen = GcodePen(options, sheet.height)
    sheet.draw(pen)
    return pen.program(sheet.text)


def check(paper: Paper, bounds: Sequence[Sequence[float]], options: GcodeOptions) -> None:
    """Refuse, before anything is written, a paper that a machine will not reach all of.

    Args:
        paper: where the boxes stand.
        bounds: for each box x and y of the top left and bottom right corner, in the unit box, of what the handle is
            sure to visit.
        options: the machine.

    Raises:
        HierbrushError: it will not; whether a little is missing, only the movement itself can tell.
    """
    pen = GcodePen(options, paper.height)
    pen.dip()
    for (x, y), (left, top, right, bottom) in zip(paper.corners, bounds, strict=True):
        for across, down in ((left, top), (right, bottom)):
            pen.lower(x + across * paper.cell, y + down * paper.cell, 0.0)
    pen.check()


class GcodePen:
    """A brush pen that turns calls in metres on a paper of ``height`` metres into a program for one machine."""

    def __init__(self, options: GcodeOptions, height: float) -> None:
        self._options, self._height = options, height
        self._dialect = DIALECTS[options.dialect]
        self._lines: list[str] = []
        self._seen: dict[str, list[float]] = {"x": [], "y": [], "z": []}
        self._surface_z, self._dip_z = options.surface_z + options.dry, options.dip_z + options.dry
        self._lift_z = self._surface_z + options.lift

    def dip(self) -> None:
        """Travel to the ink, rest in it, and come up."""
        o = self._options
        self._travel(o.dip_x, o.dip_y)
        self._plunge(self._dip_z)
        self._lines.append(f"G4 P{_number(o.dip_seconds * self._dialect.dwell_units)}")
        self._rise()

    def shape(self, stone: InkStone) -> None:
        """Fill and shape the tuft on a stone whose middle is where the machine dips, pressed flat at that height."""
        o = self._options
        self._travel(o.dip_x, o.dip_y)
        face = self._dip_z + stone.press * 1e3
        for move in stone.moves(soak=1):
            x, y, z = move.end
            at = o.dip_x + x * 1e3, o.dip_y - y * 1e3, face - (z + stone.height) * 1e3
            self._see(*at)
            feed = o.write_feed if move.wet and (x or y) else o.plunge_feed
            self._lines.append(f"G1 X{_number(at[0])} Y{_number(at[1])} Z{_number(at[2])} F{_number(feed)}")
            if move.rest:
                self._lines.append(f"G4 P{_number(o.dip_seconds * self._dialect.dwell_units)}")
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

    def check(self) -> None:
        """Raise HierbrushError if something so far lies outside the work area."""
        for axis, positions in self._seen.items():
            low, high = getattr(self._options, f"work_{axis}")
            if positions and (min(positions) < low or max(positions) > high):
                raise HierbrushError(
                    f"gcode: the movement needs {axis} from {min(positions):.1f} to {max(positions):.1f} mm, but work_"
                    f"{axis} ends at {low:.1f} and {high:.1f}; move the paper, the dip or the lift, or write smaller"
                )

    def program(self, text: str) -> str:
        """Return the whole program, if it stays inside the work area; comments at its head name the text.

        Raises:
            HierbrushError: it does not.
        """
        self.check()
        o = self._options
        dry = [f"; dry run: everything {_number(o.dry)} mm higher"] if o.dry else []
        head = [*_comments(text, o.dialect, self._dialect), *dry, *self._dialect.modes, *o.before]
        # The firmware has no feed of its own to go on with, so the first movement brings one.
        start = f"G1 Z{_number(self._lift_z)} F{_number(o.plunge_feed)}"
        return "\n".join([*head, start, *self._lines, *o.after, self._dialect.end, ""])

    def _machine(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        o = self._options
        return o.paper_x + x * 1e3, o.paper_y + (self._height - y) * 1e3, self._surface_z - z * 1e3

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


def _comments(text: str, name: str, dialect: Dialect) -> list[str]:
    """Return comments on lines of their own, in ASCII: Klipper takes no others, and all take these."""
    codes = [f"U+{ord(char):04X}" for char in text if char != "\n"]
    lines = [codes[at : at + _CODES_A_LINE] for at in range(0, len(codes), _CODES_A_LINE)]
    dwell = "seconds" if dialect.dwell_units == 1 else "milliseconds"
    return [
        "; written by hierbrush: " + " ".join(lines[0]),
        *("; " + " ".join(line) for line in lines[1:]),
        f"; dialect {name}: millimetres, absolute positions, G4 in {dwell}",
    ]


def _number(value: float) -> str:
    """Return a number in thousandths without idle digits, and never ``-0``."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _machine(given: dict[str, Any]) -> GcodeOptions:
    """Return the machine that flags describe; they count more than the file."""
    from hierbrush.writing.machine import load_machine

    machine = load_machine(given["gcode"]) if "gcode" in given else GcodeOptions()
    own: dict[str, Any] = {}
    if "gcode_work" in given:
        across, away = given["gcode_work"]
        own |= {"work_x": (0.0, across), "work_y": (0.0, away)}
    for name in ("paper", "dip"):
        own |= {f"{name}_{axis}": value for axis, value in zip("xyz", given.get(f"gcode_{name}", ()), strict=False)}
    for name, option in (
        ("dialect", "dialect"),
        ("surface", "surface_z"),
        ("lift", "lift"),
        ("feed", "write_feed"),
        ("dry", "dry"),
    ):
        if f"gcode_{name}" in given:
            own[option] = given[f"gcode_{name}"]
    return replace(machine, **own)


_OWN = GcodeOptions()

# Those that plotters differ in most; a file has them all.
_FLAGS = (
    Flag("--gcode", "YAML file of the machine for G-code; see hierbrush machine example. The options below count more "
         "than the file.", Path),
    Flag("--gcode-dialect", f"Firmware that reads it.  [default: {_OWN.dialect}]", tuple(DIALECTS)),
    Flag("--gcode-work", f"How far its axes reach, in mm.  [default: {_OWN.work_x[1]:g} {_OWN.work_y[1]:g}]",
         float, 2, "X Y"),
    Flag("--gcode-paper", f"Paper's lower left corner, in mm.  [default: {_OWN.paper_x:g} {_OWN.paper_y:g}]",
         float, 2, "X Y"),
    Flag("--gcode-surface", f"Height of first touch in mm.  [default: {_OWN.surface_z:g}]", float, metavar="Z"),
    Flag("--gcode-lift", f"Height of travel above first touch, in mm.  [default: {_OWN.lift:g}]", float, metavar="MM"),
    Flag("--gcode-dip", f"Place of the ink, in mm.  [default: {_OWN.dip_x:g} {_OWN.dip_y:g} {_OWN.dip_z:g}]",
         float, 3, "X Y Z"),
    Flag("--gcode-feed", f"Speed within a stroke, in mm a minute.  [default: {_OWN.write_feed:g}]",
         float, metavar="MM/MIN"),
    Flag("--gcode-dry", "Dry run: raise everything by so much, in mm.", float, metavar="MM"),
)  # fmt: skip

MACHINE = Option(
    "gcode",
    lambda machine: options_of("gcode", GcodeOptions, machine),
    what="a machine",
    lacking="take no G-code options",
    none="is G-code",
    flags=_FLAGS,
    gather=_machine,
    fields=GcodeOptions,
)

register(
    Export(
        "gcode",
        lambda sheet, gcode: render(sheet, gcode).encode(),
        options=(MACHINE,),
        check=lambda paper, bounds, gcode: check(paper, bounds, gcode),
        moves=True,
        place=6,
    )
)
