"""How well a composer that sees pictures copies fonts, alone and as the start of registration; controls beside.

    python benchmarks/bench_goals.py MaShanZheng.ttf ukai.ttc --characters 40
    python benchmarks/bench_goals.py ukai.ttc --composer runs/goals-ink/composer.safetensors
    python benchmarks/bench_goals.py --relabelled 100

Test characters that font and library share, drawn with a seed as in bench_fonts.py. All are written with the shipped
brush and primitives, and their ink is compared with the font's glyph at 256 x 256:

* ``raw`` our glyph as it is; ``stretched`` moved and stretched to the font's box: what the composer begins with;
* ``look`` the composer's answer after one forward pass, ``looks`` after it has looked three times; ``stepwise`` after
  it has looked again at the ink after every stroke; each as wide as the picture is there;
* ``registered`` registration alone, ``begun`` registration that begins where the composer has the strokes, ``both``
  the same with registration's own starts where that is rejected. IoU of all characters, accepted or not.

``accepted`` is the share whose strokes count as surely found, ``ms`` processor time to find one character's strokes.
``width`` is the stroke width of the written ink over the glyph's.

With ``--relabelled``, test characters written at random, so that it is known where each stroke lies: how far from there
the strokes' centres are, in sides of the box, where they are looked for first and after one and three looks.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from bench_fonts import BRUSH, characters_of, stretched, written
from numpy.typing import NDArray

from hierbrush.characters import load_library, split
from hierbrush.composer.brief import Brief
from hierbrush.composer.composers import seeing_composer
from hierbrush.composer.hindsight import acted
from hierbrush.composer.hindsight import written as drawn
from hierbrush.composer.pictured import brief_and_glyph, copied_goals, copy_pictures, copy_stepwise
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.composer.sight import on_ink
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.metrics.stroke_width import stroke_width
from hierbrush.sim import rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import write_strokes
from hierbrush.styles.begun import register_begun
from hierbrush.styles.fonts import Font
from hierbrush.styles.registration import register

COLUMNS = ("raw", "stretched", "look", "looks", "stepwise", "registered", "begun", "both")
_FOUND = TypeVar("_FOUND")


class Columns:
    """What was measured, by column."""

    def __init__(self, ink: NDArray[np.float32], found: dict[str, list[float]]) -> None:
        self._ink, self._found = ink, found

    def timed(self, name: str, find: Callable[[], _FOUND]) -> _FOUND:
        """Return what ``find`` finds and note the processor time that it takes."""
        start = time.thread_time()
        answer = find()
        self._found[f"{name} ms"].append(1e3 * (time.thread_time() - start))
        return answer

    def copied(self, name: str, goals: list[StrokeGoal]) -> None:
        """Write strokes and note how near their ink is."""
        ink = written(goals)
        self._found[name].append(stroke_iou(ink, self._ink))
        self._found[f"{name} width"].append(stroke_width(ink) / stroke_width(self._ink))


def in_order(goals: list[StrokeGoal], order: list[int]) -> list[StrokeGoal]:
    """Return the strokes of a brief's rows in the order of the glyph's."""
    return [goals[row] for row in np.argsort(order).tolist()]


def page_of(goal: StrokeGoal) -> NDArray[np.bool_]:
    """Return a stroke's ink."""
    paths = write_strokes([goal], BRUSH, policy="learned")
    return np.asarray(trace(BRUSH, paths, side=SIDE, box=0.12) >= 0.5)


def measure(char: str, font: Font, policy: ComposerPolicy, found: dict[str, list[float]], names: Sequence[str]) -> None:
    """Note the columns of one character."""
    ink = font.ink(char)
    page, glyph = ink >= 0.5, load_library()[char]
    own = [stroke.goal() for stroke in glyph.strokes]
    columns = Columns(ink, found)
    for name, goals in (("raw", own), ("stretched", stretched(own, ink))):
        found[name].append(stroke_iou(rasterise([goal.outline for goal in goals], SIDE), ink))
    brief, order, places = brief_and_glyph(char)

    def looked(looks: int, brief: Brief = brief) -> list[StrokeGoal]:
        (answer,) = copy_pictures([brief], [places], [page], policy, looks)
        return in_order(copied_goals(brief, answer, page), order)

    columns.copied("look", columns.timed("look", lambda: looked(1)))
    begun = columns.timed("looks", lambda: looked(3))
    columns.copied("looks", begun)
    if "stepwise" in names:
        step = copy_stepwise(brief, places, page, policy, np.argsort(order), page_of)
        columns.copied("stepwise", in_order(step, order))
    if "registered" not in names:
        return
    alone = columns.timed("registered", lambda: register(ink, glyph))
    first = columns.timed("begun", lambda: register_begun(ink, own, glyph.decomposition, begun, alone=True))
    both = first if first.accepted else alone
    found["begun ms"][-1] += found["looks ms"][-1]
    found["both ms"].append(found["begun ms"][-1] + (0.0 if first.accepted else found["registered ms"][-1]))
    for name, answer in (("registered", alone), ("begun", first), ("both", both)):
        columns.copied(name, list(answer.goals))
        found[f"{name} accepted"].append(answer.accepted)


def tell_of_relabelled(count: int, policy: ComposerPolicy, seed: int) -> None:
    """Print how near strokes of known truth are found."""
    rng, library = np.random.default_rng(seed), load_library()
    chars = [char for char in library if split(char) == "test"]
    apart: dict[str, list[float]] = defaultdict(list)
    for at in rng.integers(len(chars), size=count).tolist():
        brief, _, places = brief_and_glyph(chars[at])
        truth = acted(places, brief.tree, rng)
        page = drawn(brief.stroke_types, truth, rng)
        found = {"first": on_ink(places, page)}
        for looks in (1, 3):
            (found[f"after {looks}"],) = copy_pictures([brief], [places], [page], policy, looks)
        for name, each in found.items():
            apart[name].append(float(np.hypot(*(each - truth)[:, :2].T).mean()))
    told = ", ".join(f"{name} {np.mean(each):.4f}" for name, each in apart.items())
    print(f"{count} relabelled characters, centres off: {told} looks")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fonts", nargs="*", type=Path)
    parser.add_argument("--relabelled", type=int, default=0, metavar="COUNT")
    parser.add_argument("--composer", default="goal-conditioned")
    parser.add_argument("--characters", type=int, default=40)
    parser.add_argument("--split", default="test", choices=("test", "validation", "train"))
    parser.add_argument("--stepwise", action="store_true", help="also look again after every stroke")
    parser.add_argument("--alone", action="store_true", help="leave registration out")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    policy = seeing_composer(arguments.composer)
    left_out = {"stepwise"} if not arguments.stepwise else set()
    if arguments.alone:
        left_out |= {"registered", "begun", "both"}
    names = [name for name in COLUMNS if name not in left_out]
    if arguments.relabelled:
        tell_of_relabelled(arguments.relabelled, policy, arguments.seed)
    if not arguments.fonts:
        return
    print("| font | | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 2) + "|")
    for path in arguments.fonts:
        font = Font(path)
        found: dict[str, list[float]] = defaultdict(list)
        chars = characters_of(font, arguments.characters, arguments.split, arguments.seed)
        for char in chars:
            measure(char, font, policy, found, names)
        for kind, form in (("", ".3f"), (" width", ".3f"), (" accepted", ".3f"), (" ms", ".0f")):
            cells = [format(np.mean(found[name + kind]), form) if found[name + kind] else "" for name in names]
            label = f"{path.stem}, {len(chars)}" if not kind else ""
            print(f"| {label} | {kind.strip() or 'IoU'} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
