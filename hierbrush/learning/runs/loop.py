"""The training of one job, from its first step or its last checkpoint to its weights."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hierbrush.errors import HierbrushError
from hierbrush.learning.runs.checkpoint import DamagedCheckpointError
from hierbrush.learning.runs.display import Display
from hierbrush.learning.runs.job import TIMES, Job, settings_in
from hierbrush.learning.runs.logs import METRICS_FILE, RunLog, draw_curve
from hierbrush.learning.runs.rendezvous import meeting_inside
from hierbrush.learning.runs.resume import check_changes
from hierbrush.learning.runs.threads import use_one_thread
from hierbrush.learning.runs.weights import commit, write_weights

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_UNUSABLE = (*_FULL, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)


RUNNERS, TOLD = "runners", "told"
"""Keys of a result: how many remote runners are there, and sentences for the user."""


@contextlib.contextmanager
def _writing(folder: Path, errors: Sequence[int]) -> Iterator[None]:
    """Tell in one line what keeps a run's files from being written; what else is raised is left as it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in errors:
            raise
        raise HierbrushError(f"{folder}: cannot be written: {error.strerror}") from error


class TrainingLoop:
    """Iterations of a job's algorithm, logged and checkpointed, until its steps are done or somebody stops it.

    Must be made within `ray_session`, and closed.

    Args:
        job: what is trained.
        progress: where to show it; None shows nothing.
        resume: go on from the newest complete checkpoint, if there is one.

    Attributes:
        steps: steps done.
        begun_at: steps that it goes on from.
        told: sentences for the user that have no progress to be shown by.

    Raises:
        HierbrushError: weights do not fit, no checkpoint can be used, a setting has changed that cannot, or nothing can
            be written.
    """

    def __init__(self, job: Job, progress: Display | None, *, resume: bool) -> None:
        self._job, self._progress = job, progress
        self._store = job.store()
        self._runners: int | None = None
        self.steps, self.told = 0, list[str]()
        self._record, self._changes = dict[str, Any](), list[dict[str, Any]]()
        with meeting_inside():
            self._algorithm = job.recipe.algorithm(job)
        try:
            use_one_thread()
            self._open(resume)
        except BaseException:
            self._algorithm.stop()
            raise

    def _open(self, resume: bool) -> None:
        """Begin at the first step or at the newest checkpoint."""
        folder, seconds = self._job.folder, 0.0
        with contextlib.ExitStack() as stack:
            stack.enter_context(_writing(folder, _UNUSABLE))
            folder.mkdir(parents=True, exist_ok=True)
            self._store.begin()
            checkpoint = self._fetch(stack) if resume else None
            earlier = None
            if checkpoint is not None:
                seconds = self._take_up(checkpoint)
                if (checkpoint / METRICS_FILE).exists():
                    earlier = checkpoint / METRICS_FILE
            if not self.steps:
                self._job.recipe.begin(self._job, self._algorithm)
            tensorboard = self._job.recipe.output.tensorboard
            self._log = RunLog(folder, steps=self.steps, tensorboard=tensorboard, earlier=earlier)
        self.begun_at = self.steps
        if self._progress is not None:
            self._progress.begin(self.steps)
        self._started = time.monotonic() - seconds
        self._last_saved, self._saved = time.monotonic(), self.steps if checkpoint is not None else None

    def _fetch(self, stack: contextlib.ExitStack) -> Path | None:
        """Return the folder of the newest checkpoint that is what was written; None if there never was one."""
        damaged: dict[int, DamagedCheckpointError] = {}
        for steps in reversed(self._store.complete()):
            try:
                folder = stack.enter_context(self._store.fetch(steps))
            except DamagedCheckpointError as error:
                damaged[steps] = error
                continue
            for lost, reason in damaged.items():
                self._tell(f"{reason}; {self._store.set_aside(lost)}; going on from step {steps:,}, the one before")
            self.steps = steps
            return folder
        if damaged:
            raise HierbrushError(
                f"--resume: no checkpoint can be used ({'; '.join(map(str, damaged.values()))}); begin again with "
                "another --output"
            )
        if self._job.card.exists():
            raise HierbrushError(
                f"--resume: {self._job.folder} holds finished weights, but no checkpoint to go on from; begin another "
                "training with --output, from these weights if you like"
            )
        return None

    def _take_up(self, folder: Path) -> float:
        """Put the training into the state of a checkpoint; return the seconds that it has taken."""
        facts = json.loads((folder / TIMES).read_bytes())
        self._record, self._changes = facts.get("record") or {}, facts.get("changes") or []
        before = settings_in(facts)
        changed = check_changes(before, self._job.recipe, self._job.name) if before is not None else {}
        if changed:
            self._changes = [*self._changes, {"steps": self.steps, "changed": changed}]
        try:
            self._algorithm.restore_from_path(str(folder))
        except HierbrushError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise HierbrushError(
                f"--resume: {folder}: is whole, but cannot be taken up ({type(error).__name__}: {reason}); was it "
                "written by this version of hierbrush, Ray and Torch?"
            ) from error
        if self._record.get("status") == "stopped" and self.steps < self._job.steps:
            self._tell(f"the curriculum has stopped it at step {self.steps:,}; training.steps does not change that")
        return float(facts["seconds"])

    def _tell(self, message: str) -> None:
        if self._progress is not None:
            self._progress.say(message)
        else:
            self.told.append(message)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return self.steps >= self._job.steps or self._record.get("status") == "stopped"

    def train(self, stop: Callable[[], bool]) -> bool:
        """Iterate until the training is done or ``stop``, asked after every iteration, says so.

        Returns whether the training is finished and its weights are written; otherwise there is a checkpoint.

        Raises:
            HierbrushError: a checkpoint, log or weights file cannot be written.
        """
        stopped = False
        while not self.done and not stopped:
            self.step()
            stopped = stop()
        if not self.done:
            self.save()
            return False
        self.finish()
        return True

    def step(self) -> dict[str, Any] | None:
        """Iterate once and return its record; None if no runner was there to sample.

        Raises:
            HierbrushError: a checkpoint or log cannot be written.
        """
        with _writing(self._job.folder, _FULL):  # of others the environment may be the cause
            record = self._iterate()
            if time.monotonic() - self._last_saved >= self._job.recipe.output.checkpoint_every:
                self.save()
        return record

    def save(self) -> None:
        """Take a checkpoint, unless the newest is of these steps.

        Raises:
            HierbrushError: it cannot be written; earlier checkpoints are untouched.
        """
        if self._saved == self.steps:
            return

        def write(folder: Path) -> None:
            self._algorithm.save_to_path(str(folder.resolve()))
            shutil.copyfile(self._log.path, folder / METRICS_FILE)
            facts = {
                "seconds": time.monotonic() - self._started,
                "record": self._record,
                "config": self._job.recipe.model_dump(mode="json"),
                "changes": self._changes,
            }
            (folder / TIMES).write_text(json.dumps(facts))

        self._store.save(self.steps, write, keep=self._job.recipe.output.keep)
        self._last_saved, self._saved = time.monotonic(), self.steps

    def finish(self) -> None:
        """Take the last checkpoint and write the weights and their cards."""
        self.save()
        job, recipe = self._job, self._job.recipe
        known = {
            "name": job.name,
            "steps": self.steps,
            "seconds": round(time.monotonic() - self._started, 1),
            "seed": recipe.seed,
            "changes": self._changes,
            "commit": commit(),
            "curriculum": job.curriculum.name if job.curriculum else None,
            "config": recipe.model_dump(mode="json"),
            **job.facts,
        }
        exported = recipe.export(job, self._algorithm, self._record)
        for name, weights in zip(recipe.weights, exported, strict=True):
            write_weights(job.folder / name, weights.tensors, {**known, **weights.facts})
        self._draw()
        self._store.publish(job.folder)

    def close(self) -> None:
        """Close the log and stop the algorithm."""
        self._log.close()
        self._draw()
        if self._progress is not None:
            self._progress.close()
        self._algorithm.stop()
        with contextlib.suppress(OSError):
            Path(self._algorithm.logdir).rmdir()  # Ray makes an empty folder in the home directory

    def __enter__(self) -> TrainingLoop:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _draw(self) -> None:
        with contextlib.suppress(OSError):  # a picture is not worth more than the error that is being raised
            draw_curve(self._job.folder, self._job.recipe.curve)

    def _iterate(self) -> dict[str, Any] | None:
        before = time.monotonic()
        result = self._algorithm.train()
        found = self._job.recipe.record(self._job, self._algorithm, result)
        self._tell_runners(result.get(RUNNERS, 0))
        if found is None:
            return None
        now = time.monotonic()
        rate = (found["steps"] - self.steps) / (now - before)
        self.steps = found["steps"]
        times = {"steps": self.steps, "seconds": round(now - self._started, 2), "steps_per_second": round(rate)}
        self._record = {**times, **found}
        self._log.write(self._record)
        for sentence in result.get(TOLD, ()):
            if self._progress is not None:
                self._progress.say(sentence)
        if self._progress is not None:
            self._progress.update(self._record)
        return self._record

    def _tell_runners(self, runners: int) -> None:
        """Say how many runners are there when that has changed."""
        wanted = self._job.recipe.resources.runners
        if runners != (wanted if self._runners is None else self._runners) and self._progress is not None:
            self._progress.say(f"{runners} of {wanted} runners are there")
        self._runners = runners
