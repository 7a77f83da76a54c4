"""``hierbrush brush``: a calibration sheet for a real brush, and its numbers from a scan of the filled sheet."""

from __future__ import annotations

from pathlib import Path

import click

from hierbrush.cli.documents import FILE, check_all, files_argument
from hierbrush.cli.messages import check_place
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import png_bytes, write_atomically

_MOST_SHEETS = 100


@click.group(short_help="Print a calibration sheet, fit a brush to a scan of it, check a brush file.")
def brush() -> None:
    """Find a real brush's numbers: print a sheet, fill it, scan it, fit.

    docs/ink.md tells what the sheet asks for and how sure the fit is.
    """


@brush.command(short_help="Write the calibration sheet.")
@click.option("-o", "--output", type=FILE, required=True, help="File to write: .pdf to be filled by hand or machine, "
              ".gcode the movements for a machine.")  # fmt: skip
@click.option("--gcode", "machine", type=FILE, help="YAML file of the machine; see hierbrush machine example.")
@click.option(
    "--pages",
    type=int,
    default=1,
    show_default=True,
    help="How many, all alike, in a pdf: where strokes "
    "differ much, hierbrush brush fit says how many sheets a number needs.",
)
def sheet(output: Path, machine: Path | None, pages: int) -> None:
    """Write the calibration sheet: 45 strokes on A4, a dip before each.

    A machine draws them best: print the pdf, fix it where the machine's paper lies, and run the gcode.
    """
    from hierbrush.brushes import CalibrationSheet

    check_place("-o", output)
    kind = output.suffix.lower()
    if kind not in (".pdf", ".gcode"):
        raise HierbrushError(f"-o: {shown(output)} must end in .pdf or .gcode")
    if machine is not None and kind != ".gcode":
        raise HierbrushError("--gcode: a pdf takes no machine; write a .gcode")
    if pages != 1 and kind != ".pdf":
        raise HierbrushError("--pages: a machine runs the same gcode for each page; only a pdf has several")
    content = CalibrationSheet(pages).pdf() if kind == ".pdf" else _program(machine)
    write_atomically(output, content, argument="-o")
    click.echo(output)


def _program(machine: Path | None) -> bytes:
    from hierbrush.brushes import CalibrationSheet
    from hierbrush.brushes.sheet import HEIGHT
    from hierbrush.writing.exports.gcode import GcodeOptions, GcodePen
    from hierbrush.writing.machine import load_machine
    from hierbrush.writing.pens import draw_paths

    # An A4 page upright fits no machine of the default size.
    options = GcodeOptions(work_y=(0.0, 330.0)) if machine is None else load_machine(machine)
    pen = GcodePen(options, HEIGHT)
    draw_paths(CalibrationSheet().paths, pen)
    return pen.program("calibration").encode()


@brush.command(short_help="Fit a brush to scans of the sheet.")
@click.argument("scans", metavar="SCAN...", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="Brush file to write, such as mine.brush.yaml.")
@click.option("--residuals", type=FILE, help="Picture of what the fit does not explain: red is ink of the scan alone, "
              "blue of the fit alone.")  # fmt: skip
@click.option("--start", default="measured", show_default=True, help="Brush to begin with: a preset or a brush file.")
@click.option("--alike", is_flag=True, help="Take all strokes to be drawn by exactly the same brush.")
def fit(scans: tuple[Path, ...], output: Path, residuals: Path | None, start: str, alike: bool) -> None:
    """Fit a brush to SCAN, a picture of the filled calibration sheet, or to several sheets that it filled.

    \b
    hierbrush brush fit scan.png -o mine.brush.yaml --residuals missed.png
    hierbrush write 永 --brush mine.brush.yaml -o yong.png
    """  # noqa: D301  # \b keeps click from joining the examples' lines
    import numpy as np

    from hierbrush.brushes import fit_brush, read_scan, residual_picture
    from hierbrush.brushes.brush_file import brush_of
    from hierbrush.brushes.identified import brush_text

    for name, place, endings in (("-o", output, (".yaml",)), ("--residuals", residuals, (".png",))):
        if place is not None:
            if place.suffix.lower() not in endings:
                raise HierbrushError(f"{name}: {shown(place)} must end in {' or '.join(endings)}")
            check_place(name, place)
    begin = brush_of(start, "--start")
    read = [read_scan(scan) for scan in scans]
    ink, filled = np.concatenate([each.ink for each in read]), np.concatenate([each.filled for each in read])
    from tqdm import tqdm

    with tqdm(desc="fitting", unit="step", disable=None, delay=1.0, leave=False) as bar:

        def progress(step: int, residual: float) -> None:
            bar.update()

        result = fit_brush(
            ink, filled, start=begin, scatter=0.0 if alike else 0.2, progress=progress
        )  # fmt: skip
    head = [
        f"Fitted by hierbrush brush fit to {', '.join(scan.name for scan in scans)}: {int(filled.sum())} strokes, "
        f"{min(each.dpi for each in read):.0f} dpi."
    ]
    write_atomically(output, brush_text(result.file(), head).encode(), argument="-o")
    click.echo(output)
    if residuals is not None:
        from PIL import Image

        picture = png_bytes(Image.fromarray(residual_picture(ink, result)))
        write_atomically(residuals, picture, argument="--residuals")
        click.echo(residuals)
    _tell(result)


def _tell(result: object) -> None:
    import numpy as np

    from hierbrush.brushes.fit import NAMES, BrushFit

    assert isinstance(result, BrushFit)
    numbers = zip(NAMES, result.model.parameters(), result.error, result.sheets, strict=True)
    for name, value, error, sheets in numbers:
        more = f"; some {sheets:.0f} sheets would" if np.isfinite(sheets) and sheets < _MOST_SHEETS else ""
        note = f"  not determined by these strokes{more}" if name in result.undetermined else ""
        click.echo(f"  {name:18s} {value:11.5g}  ± {error:.2g}{note}")
    spread = ", ".join(f"{name} {share:.1%}" for name, share in result.spread.items())
    click.echo(f"  strokes differ by: {spread}")
    counts = [count for name, count in zip(NAMES, result.sheets, strict=True) if name in result.undetermined]
    most = max((count for count in counts if count < _MOST_SHEETS), default=0)
    if most:
        click.echo(
            f"  to determine more: hierbrush brush sheet --pages {most:.0f}, fill all, and fit all scans together"
        )


@brush.command(short_help="Check brush files.")
@files_argument
def check(files: tuple[Path, ...]) -> None:
    """Check brush files; each problem is named as file:line:column.

    The exit status is 2 when a file cannot be used.
    """
    from hierbrush.brushes.brush_file import load_brush

    def describe(file: Path) -> str:
        model = load_brush(file).model
        return f"a mark {model.width(model.max_depth) * 1e3:.1f} mm wide at {model.max_depth * 1e3:.1f} mm"

    check_all(files, describe)
