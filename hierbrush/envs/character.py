"""Writing whole characters: the composer decides strokes one by one, primitives write them, many characters at once.

A character waits for the composer until `CharacterBatch.begin` hands it a decision; then every `tick` moves its brush
under the primitive of the stroke's type until the stroke is over and the composer is due again. `advance` does both for
all characters, whoever samples or scores them; `hierbrush.envs.turns` asks one agent after the other. The levels are
rewarded apart: a primitive as in `hierbrush.envs.stroke`, for ink inside and outside its own goal; the composer when a
stroke is over, for ink on and beside the glyph, for strokes out of turn, for the way through the air, and at the end
for how surely the ink is taken for its glyph among all of the stage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hierbrush.composer.brief import MAX_STROKES
from hierbrush.composer.composers import COMPOSER
from hierbrush.composer.observation import OBSERVATION_SIZE, Drafts
from hierbrush.composer.pictured import LOOKS, PICTURED_SIZE, PictureBank, PicturedDrafts
from hierbrush.composer.place import PLACE_SIZE, shaped_goals, stroke_goals
from hierbrush.curriculum import Curriculum
from hierbrush.curriculum.characters import draw_characters
from hierbrush.curriculum.pictures import draw_pictures
from hierbrush.envs.batch_vector import curriculum_of
from hierbrush.envs.character_reward import CHARACTER, DECISION, STROKE, Chosen, Finished, FinishedStroke, earned
from hierbrush.envs.hands import Hands
from hierbrush.envs.lessons import Lessons, lessons_of
from hierbrush.envs.picture import Frame, on_page, picture
from hierbrush.errors import HierbrushError
from hierbrush.metrics import SIDE
from hierbrush.sim import StrokeBatch
from hierbrush.sim.goal_slots import GoalSlots
from hierbrush.sim.observation import OBSERVATIONS
from hierbrush.strokes.follower import Follower
from hierbrush.strokes.types import ABBREVIATIONS

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.int64]

_NO_STROKE = -1
_REACH = 0.6  # half of the longest side of a goal that a slot holds, in sides of the box

OBSERVATION_LIMIT = 100.0


@dataclass(frozen=True, eq=False)
class Tick:
    """What one control tick brought; arrays are new every time.

    Attributes:
        stroke_reward: f32 [N], of the primitive that moved each brush.
        stroke_over: bool [N].
        composer_reward: f32 [N], of the decision that is carried out; zero while it goes on.
        character_over: bool [N].
        stroke_iou: f32 [N], valid where a stroke is over.
    """

    stroke_reward: F32
    stroke_over: Bools
    composer_reward: F32
    character_over: Bools
    stroke_iou: F32


class CharacterBatch:
    """N characters written side by side on one `StrokeBatch`.

    Args:
        slots: N.
        curriculum: a `Curriculum` whose stages have ``characters``, its content, or a file; ``composer.yaml`` by
            default.
        stage: where in the curriculum to begin.
        characters: write these, one in every slot, instead of those that the stages draw; for evaluation.
        autoreset: whether a finished character's slot begins another one within the same tick.
        supersample: samples a pixel side of the ink that primitives are rewarded for.
        threads: workers that share the slots.
        seed: of characters, goals given and brushes.

    Attributes:
        due: bool [N], characters that wait for a decision of the composer.
        stroke_type: int64 [N], number of the type of the stroke being written; -1 where the composer is due.
        episode_metrics: f32 [N] columns of the characters that have just ended.

    Raises:
        HierbrushError: an argument is out of range or the curriculum cannot be used.
    """

    def __init__(
        self,
        slots: int = 1,
        *,
        curriculum: Curriculum | Mapping[str, Any] | str | PathLike[str] | None = None,
        stage: int = 0,
        characters: Sequence[str] = (),
        autoreset: bool = True,
        supersample: int = 1,
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        if characters and len(characters) != slots:
            raise HierbrushError(f"characters: there are {len(characters)}, expected as many as slots, {slots}")
        self.curriculum = character_curriculum(curriculum)
        self._given = tuple(characters)
        self.slots, self._autoreset, self._threads, self._lesson_seed = slots, autoreset, threads, seed
        self._rng = np.random.default_rng(seed)
        self._goals = GoalSlots.empty(slots, side=SIDE, supersample=supersample)
        self._strokes: StrokeBatch | None = None
        self.due: Bools = np.ones(slots, bool)
        self.stroke_type: Index = np.full(slots, _NO_STROKE, np.int64)
        self._page: Bools = np.zeros((slots, SIDE, SIDE), bool)
        self._turn = np.zeros(slots, np.int64)
        self._decision_reward = np.zeros(slots, np.float32)
        self._in_order: Bools = np.ones(slots, bool)
        self._stroke_ious = np.zeros(slots, np.float32)
        self._centre_errors = np.zeros(slots, np.float32)
        self._pen = np.zeros((slots, 2))
        self.episode_metrics: dict[str, F32] = {
            name: np.zeros(slots, np.float32) for name in ("iou", "character_iou", "order_exact", "centre_error")
        }
        self.stage = -1
        self.set_stage(stage)

    def set_stage(self, stage: int) -> None:
        """Draw the characters of another stage and begin every slot anew with one of them.

        Raises:
            HierbrushError: the curriculum has no such stage.
        """
        spec = self.curriculum.stage_at(stage)
        if stage == self.stage:
            return
        assert spec.characters is not None
        self.stage, self._spec, self._characters = stage, spec, spec.characters
        self._model = spec.brush.build()
        least, most = spec.episode.ticks
        self._follower = Follower(least_ticks=least, most_ticks=most, height=spec.episode.start_height)
        self.lessons = self._lessons()
        bank = self.lessons.bank
        self._drafts = PicturedDrafts(bank, self.slots) if isinstance(bank, PictureBank) else Drafts(bank, self.slots)
        if self._strokes is None:
            self._strokes = StrokeBatch(
                self._goals, self._model, self.slots, threads=self._threads, seed=int(self._rng.integers(1 << 62))
            )
        self._hands = Hands(self._strokes, spec)
        self.reset()

    def _lessons(self) -> Lessons:
        if self._characters.pictures is not None:
            drawn = draw_pictures(self._characters, self._lesson_seed)
            if self._given:
                raise HierbrushError("characters: are those of the curriculum where pictures are the goals")
            return Lessons.pictured(drawn)
        return lessons_of(self._given or draw_characters(self._characters, self._lesson_seed))

    def reset(self, seed: int | None = None) -> None:
        """Begin every slot anew; ``seed`` restarts all that is drawn at random."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
            self._hands.reseed(seed)
        self._start(np.arange(self.slots))

    @property
    def strokes(self) -> StrokeBatch:
        """The simulator underneath."""
        assert self._strokes is not None
        return self._strokes

    @property
    def observation(self) -> F32:
        """What the primitives observe: live read-only f32 [N, 219], meaningless where the composer is due."""
        return self.strokes.observation

    @property
    def character(self) -> tuple[str, ...]:
        """The character of every slot."""
        return tuple(self.lessons.characters[at] for at in self._drafts.brief.tolist())

    @property
    def remaining(self) -> Bools:
        """Strokes that may be chosen next: bool [N, MAX_STROKES]."""
        return self._drafts.remaining

    def picture(self, slot: int) -> Frame:
        """Return a slot's glyph, ink and brush as a picture, uint8 [512, 512, 3]."""
        ink = self._page[slot].astype(np.float32)
        brush = np.empty((0, 2))
        if not self.due[slot]:
            np.maximum(ink, on_page(self.strokes.coverage(slot), self._goals.window[slot], SIDE), out=ink)
            brush = self.strokes.footprint(slot)
        glyph = self.lessons.glyphs[self._drafts.brief[slot]].astype(np.float32)
        return picture(ink, glyph, brush, box=self._goals.box)

    def observe_composer(self, rows: Index | slice = slice(None)) -> F32:
        """Return copies of what the composer observes: f32 [n, MAX_STROKES, `composer_size`]."""
        return self._drafts.observe(rows)

    def looks(self, rows: Index) -> Index:
        """Return how often the composer is to look at its pictures before it decides, int64 [n]; else 0.

        Before the first stroke it does not know where to look; later it looks again, whatever was written.
        """
        first = np.where(self._turn[rows] == 0, LOOKS - 1, 1)
        return first if isinstance(self._drafts, PicturedDrafts) else np.zeros_like(rows)

    def believe(self, rows: Index, places: F32) -> None:
        """Take what the composer answered of all strokes for where they lie in its pictures; see `PicturedDrafts`.

        Args:
            rows: int64 [n].
            places: f32 [n, MAX_STROKES, PLACE_SIZE], about the priors.
        """
        if isinstance(self._drafts, PicturedDrafts):
            self._drafts.believe(rows, places)

    def privileged(self, rows: Index) -> F32:
        """Return what no policy sees, f32 [n, MAX_STROKES, PLACE_SIZE]: the places where glyphs have their strokes.

        A critic may see them, since it is gone when the training is over.
        """
        return self.lessons.places[self._drafts.brief[rows]]

    def _start(self, rows: Index) -> None:
        lessons = rows if self._given else self._rng.integers(len(self.lessons.characters), size=len(rows))
        if isinstance(self._drafts, PicturedDrafts):
            self._drafts.start(rows, lessons)
        else:
            given = self._rng.random((len(rows), 1)) < self._characters.followed
            goals = np.where(given[..., None], self.lessons.boxes[lessons], self.lessons.bank.prior[lessons])
            self._drafts.begin(rows, lessons, goals, np.repeat(given, MAX_STROKES, axis=1))
        self._page[rows] = False
        self._turn[rows] = 0
        self._in_order[rows] = True
        self._stroke_ious[rows] = self._centre_errors[rows] = 0.0
        self.due[rows] = True
        self.stroke_type[rows] = _NO_STROKE
        self._hands.renew(rows, self._rng)

    def begin(self, rows: Index, actions: F32) -> None:
        """Carry out the composer's decisions: strokes begin.

        Args:
            rows: int64 [n], characters that are due, each once.
            actions: f32 [n, 1 + PLACE_SIZE], the stroke's row in the brief, then its place.

        Raises:
            HierbrushError: a character is not due, or its stroke is not there or already written.
        """
        if not self.due[rows].all():
            raise HierbrushError(f"rows: {int(rows[np.argmin(self.due[rows])])} is not due for a decision")
        if not len(rows):
            return
        index = np.rint(actions[:, 0]).astype(np.int64)
        decoded = self._drafts.write(rows, index, actions[:, 1:])
        known, lessons = self.lessons, self._drafts.brief[rows]
        numbers = known.stroke_types[lessons, index]
        types, counts = [ABBREVIATIONS[number] for number in numbers], known.bank.counts[lessons]
        if isinstance(self._drafts, PicturedDrafts):
            goals = shaped_goals(types, decoded, self._drafts.widths(rows, index, decoded))
        else:
            goals = stroke_goals(types, decoded, counts)
        tracks = self._follower.tracks(goals, self._model)
        decided = zip(rows.tolist(), lessons.tolist(), index.tolist(), counts.tolist(), goals, tracks, strict=True)
        for at, (row, lesson, chosen, strokes, goal, track) in enumerate(decided):
            self._goals.put(row, _held(goal.outline), track)
            # The next stroke of the glyph that is still to be written, whatever was written before.
            written, order = self._drafts.written[row], known.order[lesson, :strokes].tolist()
            due = next((stroke for stroke in order if stroke == chosen or not written[stroke]), chosen)
            carried = float(np.hypot(*(track[0, 3:5] - self._pen[row]))) if self._turn[row] else 0.0
            self._in_order[row] &= due == chosen
            self._pen[row] = track[-1, 3:5]
            facts = Chosen(due == chosen, strokes, carried, self._goals.box)
            self._decision_reward[row] = earned(DECISION, self._characters.reward, facts)
            apart = decoded[at, :2] - known.boxes[lesson, chosen, :2]
            self._centre_errors[row] += float(np.hypot(*apart))
        self.stroke_type[rows] = numbers
        self._turn[rows] += 1
        self.due[rows] = False
        self._hands.begin(rows, rows, self._rng)

    def advance(self, decide: Callable[[Index], F32], act: Callable[[], F32]) -> Tick:
        """Carry on with every character: the composer decides where it is due, then the primitives write for a tick.

        Args:
            decide: is given the characters that are due, int64 [n], and answers as `begin` takes it; not called where
                none is.
            act: answers for all strokes, which are begun by then, as `tick` takes it.
        """
        due = np.flatnonzero(self.due if self._autoreset else self.due & self.remaining.any(axis=1))
        if due.size:
            self.begin(due, decide(due))
        return self.tick(act())

    def tick(self, actions: F32) -> Tick:
        """Move every brush by one control tick; brushes whose character is due stay where they are.

        Args:
            actions: f32 [N, 3] in [-1, 1], residuals of the primitives; beyond is cut.
        """
        tick = self._hands.tick(actions, ~self.due)
        composer_reward = np.zeros(self.slots, np.float32)
        character_over = np.zeros(self.slots, bool)
        stroke_iou = (tick.counts[:, 2] / (tick.area + tick.counts[:, 3])).astype(np.float32)
        ended = np.flatnonzero(tick.over)
        for row in ended.tolist():
            composer_reward[row] = self._decision_reward[row] + self._merge(row)
            character_over[row] = not self._drafts.remaining_of(row)
        if ended.size:
            self._stroke_ious[ended] += stroke_iou[ended]
            self.due[ended] = True
            self.stroke_type[ended] = _NO_STROKE
        finished = np.flatnonzero(character_over)
        if finished.size:
            composer_reward[finished] += self._finish(finished)
            if self._autoreset:
                self._start(finished)
        return Tick(tick.reward, tick.over, composer_reward, character_over, stroke_iou)

    def _merge(self, row: int) -> float:
        """Put a finished stroke's ink on the page and return its reward."""
        left, top, _, _ = self._goals.window[row].tolist()
        ink = self.strokes.ink(row)
        height, width = ink.shape
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, SIDE), min(top + height, SIDE)
        lesson = int(self._drafts.brief[row])
        area = int(self.lessons.areas[lesson])
        total = int(np.count_nonzero(ink))
        inside = fresh = inked = 0
        if x1 > x0 and y1 > y0:
            part = ink[y0 - top : y1 - top, x0 - left : x1 - left]
            page = self._page[row, y0:y1, x0:x1]
            new = part & ~page
            inked, fresh = int(np.count_nonzero(part)), int(np.count_nonzero(new))
            inside = int(np.count_nonzero(new & self.lessons.glyphs[lesson, y0:y1, x0:x1]))
            page |= part
        if isinstance(self._drafts, PicturedDrafts):
            self._drafts.show(row, self._page[row])
        # What lies beyond the page is beside the glyph.
        facts = FinishedStroke(inside, fresh - inside + total - inked, area)
        return float(earned(STROKE, self._characters.reward, facts))

    def _finish(self, rows: Index) -> F32:
        """Fill the metrics of complete characters and return the reward for their legibility, f32 [n]."""
        lessons = self._drafts.brief[rows]
        pages, glyphs = self._page[rows], self.lessons.glyphs[lessons]
        shared = np.array([np.count_nonzero(page & glyph) for page, glyph in zip(pages, glyphs, strict=True)])
        inked = np.array([np.count_nonzero(page) for page in pages])
        counts = self.lessons.bank.counts[lessons]
        metrics = self.episode_metrics
        metrics["character_iou"][rows] = shared / (inked + self.lessons.areas[lessons] - shared)
        metrics["order_exact"][rows] = self._in_order[rows]
        metrics["iou"][rows] = self._stroke_ious[rows] / counts
        metrics["centre_error"][rows] = self._centre_errors[rows] / counts
        facts = Finished(list(pages), lessons.tolist(), self.lessons.index)
        legible: F32 = earned(CHARACTER, self._characters.reward, facts)
        return legible


def composer_size(curriculum: Curriculum) -> int:
    """Return how many numbers the composer observes of every stroke: more where pictures are its goals."""
    return PICTURED_SIZE if curriculum.pictured else OBSERVATION_SIZE


def character_spaces(
    size: int = OBSERVATION_SIZE,
) -> tuple[dict[str, spaces.Space[Any]], dict[str, spaces.Space[Any]]]:
    """Return the observation and the action spaces of the composer and of the primitive of every stroke type.

    Args:
        size: of `composer_size`.
    """
    limit = OBSERVATION_LIMIT
    tokens = spaces.Box(-limit, limit, (MAX_STROKES, size), np.float32)
    decision = spaces.Box(-limit, limit, (1 + PLACE_SIZE,), np.float32)
    brush = spaces.Box(-limit, limit, (OBSERVATIONS["full"],), np.float32)
    residual = spaces.Box(-1.0, 1.0, (3,), np.float32)
    return (
        {COMPOSER: tokens, **dict.fromkeys(ABBREVIATIONS, brush)},
        {COMPOSER: decision, **dict.fromkeys(ABBREVIATIONS, residual)},
    )


def character_curriculum(source: Curriculum | Mapping[str, Any] | str | PathLike[str] | None) -> Curriculum:
    """Return a curriculum of characters: itself, from its content, from a file, or ``composer.yaml``.

    Raises:
        HierbrushError: it cannot be used, or has a stage without characters.
    """
    curriculum = curriculum_of(source, default="composer.yaml")
    without = [stage.name for stage in curriculum.stages if stage.characters is None]
    if without:
        raise HierbrushError(
            f"curriculum: stage {without[0]} of {curriculum.name} has no 'characters'; strokes alone are practised in "
            "hierbrush/Stroke-v0"
        )
    return curriculum


def _held(outline: F32) -> F32:
    """Return an outline [n, 2] cut to what a slot holds: at the action space's edge, widths make some that burst."""
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    return np.clip(outline, middle - _REACH, middle + _REACH)
