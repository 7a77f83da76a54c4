"""``hierbrush arm``: a robot arm that holds the brush writes a text, in simulation and into files for the real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hierbrush.cli.documents import FILE, check_all, files_argument, output_option, print_or_write, print_schema
from hierbrush.cli.messages import check_place, complain
from hierbrush.cli.options import brush
from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically

if TYPE_CHECKING:
    from hierbrush.arms import Arm
    from hierbrush.writing import Page
    from hierbrush.writing.on_arm import DrawnByArm


@click.group(short_help="Let a robot arm write: in simulation, and into files for the real one.")
def arm() -> None:
    """Let a robot arm that holds the brush write a text: in simulation, and into files for the real one.

    docs/arms.md tells how to calibrate an arm and what each file holds.
    """


def _writing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.argument("text"),
        click.option("--arm", "which", default="ur5e", show_default=True, metavar="ARM", help="ur5e, so101, or a YAML "
            "file, see hierbrush arm example; it names the MJCF or URDF of another arm."),
        click.option("-o", "--output", "outputs", multiple=True, type=FILE, help="File to write; its suffix says "
            "what. May be given several times."),
        click.option("--layout", type=click.Choice(("horizontal", "vertical")), default="horizontal", show_default=True,
            help="Rows, or columns from right to left."),
        click.option("--per-line", type=int, help="Start a new row or column after so many characters."),
        click.option("--cell", type=float, default=30.0, show_default=True, help="Side of a character's box in mm."),
        click.option("--margin", type=float, default=20.0, show_default=True, help="Paper left free, in mm."),
        click.option("--policy", default="learned", show_default=True, help="Who moves the brush, as in write."),
        brush,
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@arm.command(name="simulate", short_help="Let a simulated arm write a text.")
@_writing_options
@click.option(
    "--handle-feedback", "feedback", type=click.FloatRange(0.0, 1.0), default=1.0, show_default=True, metavar="SHARE",
    help="Share of the error that the arm's encoders see and its next command takes off.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, metavar="INTEGER",
    help="Seed of the encoders' noise.")  # fmt: skip
@click.option("--size", type=int, default=480, show_default=True, help="Pixels of the pictures' width.")
@click.option("--json", "scores", type=FILE, help="Write the scores there.")
def simulate_command(
    text: str, which: str, outputs: tuple[Path, ...], feedback: float, seed: int, size: int, scores: Path | None,
    **layout: Any,
) -> None:  # fmt: skip
    """Let a simulated arm write TEXT: with servo drives, gravity, friction, latency, noise and backlash.

    The ink is what the tip really drew. It is scored against the ink that was commanded, character by character, and
    can be seen being written: gif, mp4 (with imageio-ffmpeg), or the last picture as png.

    \b
    hierbrush arm simulate 永和九年 -o arm.gif
    hierbrush arm simulate 永 --arm so101 --handle-feedback 0
    """  # noqa: D301
    from hierbrush.writing.clips import CLIPS
    from hierbrush.writing.on_arm import arm_kind_of

    for output in outputs:
        arm_kind_of(output, None, (*CLIPS, "png"), "-o")
        check_place("-o", output)
    page, chosen = _page(text, **layout), _arm(which)
    with _bar("plans") as told:
        planned = page.on(chosen, progress=told)
    with _bar("writes") as told:
        drawn = planned.simulate(seed=seed, feedback=feedback, progress=told)
    _tell(drawn)
    if scores is not None:
        text = json.dumps(_scores(drawn), ensure_ascii=False, indent=2) + "\n"
        write_atomically(scores, text.encode(), argument="--json")

    def save(output: Path) -> str:
        with _bar("draws") as told:
            return str(drawn.save(output, size=size, progress=told))

    _save_all(outputs, save)


@arm.command(name="plan", short_help="Write files that arms accept.")
@_writing_options
@click.option("--lift", type=click.FloatRange(0.0, 200.0), default=0.0, metavar="MM", help="Dry run: raise all of the "
    "movement by so much, so that nothing touches.")  # fmt: skip
@click.option("--gain", type=float, help="Of URScript's servoj.  [default: 2000]")
@click.option("--lookahead", type=float, help="Of URScript's servoj, in seconds.  [default: 0.03]")
@click.option("--rate", type=float, help="Rows a second of a JointTrajectory.  [default: 50]")
@click.option("--ros", type=click.IntRange(1, 2), help="Whose names a JointTrajectory has.  [default: 2]")
@click.option("--part", "seconds", type=click.FloatRange(1.0), metavar="SECONDS", help="Part files where the brush is "
    "in the ink, into NAME-1, NAME-2 and so on of about so long.")  # fmt: skip
def plan_command(
    text: str, which: str, outputs: tuple[Path, ...], lift: float, seconds: float | None, gain: float | None,
    lookahead: float | None, rate: float | None, ros: int | None, **layout: Any,
) -> None:  # fmt: skip
    """Plan how an arm writes TEXT and write files that arms accept.

    \b
    .script      URScript, servoj 500 times a second
    .yaml .json  a trajectory_msgs/JointTrajectory of ROS
    .csv         every row: time, joints, tip, stroke
    .png         the tip's path over the work area, from above: look at it first

    \b
    hierbrush arm plan 永和九年 -o page.script -o preview.png
    hierbrush arm plan 永和九年 -o dry.script --lift 20
    """  # noqa: D301
    from hierbrush.arms.files import KINDS
    from hierbrush.writing.on_arm import arm_kind_of

    if not outputs:
        raise click.MissingParameter(param_type="option", param_hint="'-o' / '--output'")
    kinds = {output: arm_kind_of(output, None, (*KINDS, "png"), "-o") for output in outputs}
    given = {"gain": gain, "lookahead": lookahead, "rate": rate, "ros": ros}
    for name, value in given.items():
        if value is not None and not any(kind in KINDS and name in KINDS[kind][1] for kind in kinds.values()):
            raise HierbrushError(f"--{name}: none of the files takes it")
    for output in outputs:
        check_place("-o", output)
    page, chosen = _page(text, **layout), _arm(which)
    with _bar("plans") as told:
        movement = page.on(chosen, lift=lift / 1e3, progress=told)
    peaks = movement.motion.peaks()
    click.echo(f"{movement.arm.name}: {movement.t[-1]:.1f} s, tip up to {peaks['tip_speed']:.3f} m/s, joints up to "
        f"{peaks['joint_speed']:.2f} rad/s; tip within {movement.motion.tip_error * 1e6:.2f} µm, upright within "
        f"{movement.motion.tilt_error * 57.29578:.4f}°")  # fmt: skip

    def save(output: Path) -> str:
        known = KINDS[kinds[output]][1] if kinds[output] in KINDS else ()
        options: dict[str, Any] = {name: v for name, v in given.items() if name in known and v is not None}
        if seconds is None or kinds[output] not in KINDS:
            return str(movement.save(output, **options))
        return "\n".join(map(str, movement.save_parts(output, seconds, **options)))

    _save_all(outputs, save)


@arm.command(short_help="Check arm files.")
@files_argument
def check(files: tuple[Path, ...]) -> None:
    """Check arm files; each problem is named as file:line:column.

    The exit status is 2 when a file cannot be used.
    """
    from hierbrush.arms.option_file import load_arm

    check_all(files, lambda file: load_arm(file).name)


@arm.command(short_help="Print an arm file with every option.")
@output_option
def example(output: Path | None) -> None:
    """Print an arm file with every option, its meaning and its default."""
    from hierbrush.arms.option_file import example as example_file

    print_or_write(example_file(), output)


@arm.command(short_help="Print the JSON Schema of arm files.")
@output_option
def schema(output: Path | None) -> None:
    """Print the JSON Schema of arm files, by which editors complete and check them."""
    from hierbrush.arms.option_file import arm_schema

    print_schema(arm_schema(), output)


def _arm(which: str) -> Arm:
    from hierbrush.arms.option_file import arm_of

    return arm_of(which)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[float], object]]:
    """Show a bar on a terminal when a work takes more than a second; what is given adds the share that was done."""
    from tqdm import tqdm

    form = "{l_bar}{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, bar_format=form, desc=f"The arm {what}", disable=None, delay=1.0, leave=False) as bar:
        yield bar.update


def _page(text: str, layout: str, per_line: int | None, cell: float, margin: float, policy: str, brush: str) -> Page:
    from hierbrush.writing import Layout, write_text
    from hierbrush.writing.passage import writable

    placed = Layout(layout, cell=cell / 1e3, margin=margin / 1e3, per_line=per_line)
    return write_text(writable(text, "error"), layout=placed, policy=policy, brush=brush)


def _scores(drawn: DrawnByArm) -> dict[str, Any]:
    run = drawn.run
    errors = run.errors
    return {
        "arm": run.motion.arm.name,
        "feedback": run.feedback,
        "seed": run.seed,
        "seconds": float(run.motion.t[-1]),
        "iou": drawn.iou,
        "characters": [
            {"character": cell.writing.char, "iou": found.iou}
            for cell, found in zip(drawn.sheet.cells, drawn.scores, strict=True)
        ],
        "tip_error_mm": {"mean": float(errors.mean() * 1e3), "most": float(errors.max() * 1e3)},
        "tilt_degrees": float(run.tilt.max() * 57.29578),
    }


def _tell(drawn: DrawnByArm) -> None:
    found = _scores(drawn)
    click.echo(f"{found['arm']}, feedback {found['feedback']:g}: {found['seconds']:.1f} s of writing")
    click.echo("drawn ink over commanded ink, IoU: " + "  ".join(f"{one['character']} {one['iou']:.3f}" for one in
        found["characters"]) + f"  mean {found['iou']:.3f}")  # fmt: skip
    off = found["tip_error_mm"]
    click.echo(f"drawn line off the wanted one: {off['mean']:.3f} mm on average, {off['most']:.3f} mm at most")


def _save_all(outputs: tuple[Path, ...], save: Callable[[Path], str]) -> None:
    """Write all files: one that fails does not keep the others from being written."""
    failed = False
    for output in outputs:
        try:
            click.echo(save(output))
        except HierbrushError as error:
            failed = True
            complain(str(error))
    if failed:
        raise click.exceptions.Exit(2)
