"""Centre lines for plotters: what the pen does while it is down, as SVG paths and as rows of CSV, with depth and speed.

Both say before which strokes a brush is dipped; on an inkstone a dip is a movement as well, and stands among the lines.

A plotter that only goes up and down draws the paths; one with a height of its own takes the depths, or the widths that
a real brush would leave, from the same file. There is no rectangle for the paper and no fill: nothing else is plotted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hierbrush.box import BOX
from hierbrush.errors import HierbrushError
from hierbrush.options import check_fields, number_field, options_of
from hierbrush.writing.outputs import Export, Flag, Option, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hierbrush.writing.paper import Paper
    from hierbrush.writing.result import Sheet

_FAR = 10_000.0


@dataclass(frozen=True)
class PlotterOptions:
    """A plotter, in millimetres; its zero is the top left corner of its work area, y points down as in SVG.

    ``work_x`` and ``work_y`` are how far it reaches, ``paper_x`` and ``paper_y`` where the paper begins.

    Raises:
        HierbrushError: a number out of range.
    """

    work_x: float = number_field(300.0, "mm", "How far it reaches to the right.", 1.0, _FAR)
    work_y: float = number_field(300.0, "mm", "How far it reaches downwards.", 1.0, _FAR)
    paper_x: float = number_field(0.0, "mm", "Position in x of the paper's top left corner.", -_FAR, _FAR)
    paper_y: float = number_field(0.0, "mm", "Position in y of the paper's top left corner.", -_FAR, _FAR)

    def __post_init__(self) -> None:
        check_fields("plotter", self)


class Line(NamedTuple):
    """A stretch of a stroke with the pen down: millimetres, seconds and millimetres a second, a row each.

    ``dip`` says whether the brush is dipped before it. A stretch on an inkstone is of stroke -1 and type `ON_STONE`.
    """

    stroke: int
    stroke_type: str
    text: str
    points: NDArray[np.float64]
    depth: NDArray[np.float64]
    width: NDArray[np.float64]
    speed: NDArray[np.float64]
    dip: bool = False


ON_STONE = "dip"


def lines(sheet: Sheet, plotter: PlotterOptions) -> list[Line]:
    """Return where the pen is down, in the order of writing.

    Raises:
        HierbrushError: it would leave the work area; the message says which axis needs what.
    """
    import numpy as np

    rows = sheet.trajectory
    place = np.stack([rows["x"], rows["y"]], axis=1) * 1e3 + [plotter.paper_x, plotter.paper_y]
    paces = np.linalg.norm(np.diff(np.stack([rows[axis] for axis in "xyz"], axis=1), axis=0), axis=1)
    speed = np.append(paces / np.diff(rows["t"]), 0.0) * 1e3
    found: list[Line] = []
    shaping = rows["dip"] & (sheet.stone is not None)
    strokes = [(cell, index) for cell in sheet.cells for index in range(len(cell.writing.strokes))]
    for number, (cell, index) in enumerate(strokes):
        mine = np.flatnonzero((rows["stroke"] == number) & rows["down"])
        scale = cell.side / BOX
        begun = int(np.argmax(rows["stroke"] == number))
        for run in _runs(np.flatnonzero(shaping[:begun])):
            none = np.zeros(len(run))
            found.append(Line(-1, ON_STONE, "", place[run], rows["z"][run] * 1e3, none, speed[run]))
        shaping[:begun] = False
        dip = sheet.dips[number]
        for run in _runs(mine):
            depth = rows["z"][run]
            width = np.array([sheet.brush.width(float(z / scale)) for z in depth]) * scale
            writing = cell.writing
            kind = writing.strokes[index].stroke_type
            found.append(Line(number, kind, writing.char, place[run], depth * 1e3, width * 1e3, speed[run], dip))
            dip = False
    _check_area(np.concatenate([line.points for line in found]) if found else np.empty((0, 2)), plotter)
    return found


def _runs(chosen: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the stretches of rows that follow each other, of two rows at least."""
    import numpy as np

    for run in np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1):
        if len(run) > 1:
            yield run


def _check_area(points: NDArray[np.float64], plotter: PlotterOptions) -> None:
    for axis, name in enumerate("xy"):
        if not len(points):
            return
        low, high = float(points[:, axis].min()), float(points[:, axis].max())
        reach = getattr(plotter, f"work_{name}")
        if low < 0 or high > reach:
            raise HierbrushError(
                f"plotter: the pen needs {name} from {low:.1f} to {high:.1f} mm, but work_{name} ends at {reach:.1f}; "
                "move the paper, or write smaller"
            )


def check(paper: Paper, bounds: Sequence[Sequence[float]], plotter: PlotterOptions) -> None:
    """Refuse, before anything is written, a paper that a plotter will not reach all of."""
    corners = [
        [(x + across * paper.cell) * 1e3 + plotter.paper_x, (y + down * paper.cell) * 1e3 + plotter.paper_y]
        for (x, y), (left, top, right, bottom) in zip(paper.corners, bounds, strict=True)
        for across, down in ((left, top), (right, bottom))
    ]
    import numpy as np

    _check_area(np.array(corners), plotter)


def render_svg(sheet: Sheet, plotter: PlotterOptions) -> str:
    """Return an SVG of open paths, one for each stretch with the pen down, in millimetres."""
    import numpy as np

    drawn = lines(sheet, plotter)
    size = np.array([plotter.paper_x + sheet.width * 1e3, plotter.paper_y + sheet.height * 1e3])
    # An inkstone lies beside the paper.
    width, height = np.max([size, *(line.points.max(axis=0) for line in drawn)], axis=0).tolist()
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.3f}mm" height="{height:.3f}mm" '
        f'viewBox="0 0 {width:.3f} {height:.3f}" fill="none" stroke="black" stroke-linecap="round" '
        'stroke-linejoin="round">'
    )
    from xml.sax.saxutils import escape  # it loads urllib, which no other kind of file needs

    return "\n".join([head, f"<title>{escape(sheet.text)}</title>", *map(_path, drawn), "</svg>", ""])


def _path(line: Line) -> str:
    way = "M" + "L".join(f"{x:.3f} {y:.3f}" for x, y in line.points.tolist())
    told = {
        "class": line.stroke_type,
        "data-character": line.text,
        "data-stroke": str(line.stroke),
        **({"data-dip": "1"} if line.dip else {}),
        "data-depth-mm": _row(line.depth),
        "data-width-mm": _row(line.width),
        "data-speed-mm-s": _row(line.speed),
    }
    from xml.sax.saxutils import quoteattr

    attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in told.items())
    return f'<path d="{way}" stroke-width="{max(float(line.width.mean()), 0.05):.3f}" {attributes}/>'


def _row(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.3f}" for value in values.tolist())


COLUMNS = ("stroke", "run", "x_mm", "y_mm", "depth_mm", "width_mm", "speed_mm_s", "dip")


def render_csv(sheet: Sheet, plotter: PlotterOptions) -> str:
    """Return rows of numbers with the pen down: between two runs the pen is up.

    ``dip`` is 1 in the run before which the brush is dipped. Runs of stroke -1 are on the inkstone.
    """
    import numpy as np

    table = [",".join(COLUMNS)]
    for run, line in enumerate(lines(sheet, plotter)):
        rows = np.column_stack([line.points, line.depth, line.width, line.speed]).tolist()
        end = f",{int(line.dip)}"
        table += [f"{line.stroke},{run}," + ",".join(f"{value:.3f}" for value in row) + end for row in rows]
    return "\n".join([*table, ""])


def _plotter(given: dict[str, Any]) -> PlotterOptions:
    """Return the plotter that flags describe; they count more than the file."""
    from dataclasses import replace

    from hierbrush.writing.machine import load_machine

    machine = load_machine(given["plotter"], "plotter") if "plotter" in given else PlotterOptions()
    own = {
        f"{name}_{axis}": value
        for name in ("work", "paper")
        for axis, value in zip("xy", given.get(f"plotter_{name}", ()), strict=False)
    }
    return replace(machine, **own)


_OWN = PlotterOptions()

PLOTTER = Option(
    "plotter",
    lambda plotter: options_of("plotter", PlotterOptions, plotter),
    what="a plotter",
    lacking="hold no lines for plotters",
    none="holds lines for a plotter",
    flags=(
        Flag("--plotter", "YAML file of the plotter for lines.svg and csv; see hierbrush machine example --for "
             "plotter. The options below count more than the file.", Path),
        Flag("--plotter-work", f"How far it reaches, in mm.  [default: {_OWN.work_x:g} {_OWN.work_y:g}]",
             float, 2, "X Y"),
        Flag("--plotter-paper", f"Paper's top left corner, in mm.  [default: {_OWN.paper_x:g} {_OWN.paper_y:g}]",
             float, 2, "X Y"),
    ),
    gather=_plotter,
    fields=PlotterOptions,
)  # fmt: skip

for _kind, _render, _place in (("lines.svg", render_svg, 7), ("csv", render_csv, 8)):
    register(
        Export(
            _kind,
            lambda sheet, plotter, render=_render: render(sheet, plotter).encode(),
            options=(PLOTTER,),
            check=lambda paper, bounds, plotter: check(paper, bounds, plotter),
            moves=True,
            place=_place,
        )
    )
