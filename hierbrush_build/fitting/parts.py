"""What has been fitted so far, a file a batch: a fit that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from hierbrush.composer import stored
from hierbrush.composer.drawings import FurtherDrawing, pack, read_further
from hierbrush.errors import HierbrushError
from hierbrush_build.fitting.draw import Task

_REASONS = "reasons"


class Parts:
    """Fitted batches in a folder beside the file that they become.

    Args:
        out: that file.
        tasks: all that is to be fitted; the folder is another one for other tasks or fonts.
    """

    def __init__(self, out: Path, tasks: Sequence[Task]) -> None:
        self.folder = out.with_name(f"{out.stem}-{_digest(tasks)}.parts")

    def read(self, batch: int) -> list[FurtherDrawing | str] | None:
        """Return a batch's drawings, then why there is none of the other characters; None if it is not fitted."""
        try:
            path = self._path(batch)
            with stored.read(path, "drawings") as (_, strings):
                reasons: list[str] = strings[_REASONS]
            return [*read_further(path), *reasons]
        except HierbrushError:  # not there, or not written to its end
            return None

    def write(self, batch: int, fitted: Iterable[FurtherDrawing | str]) -> None:
        """Keep what a batch came to."""
        fitted = list(fitted)
        tensors, strings = pack([drawing for drawing in fitted if isinstance(drawing, FurtherDrawing)])
        self.folder.mkdir(exist_ok=True)
        reasons = [reason for reason in fitted if isinstance(reason, str)]
        stored.write(self._path(batch), tensors, {**strings, _REASONS: reasons})

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, batch: int) -> Path:
        return self.folder / f"{batch:04}.safetensors"


def _digest(tasks: Sequence[Task]) -> str:
    whole = hashlib.sha256()
    for font in sorted({task.font for task in tasks}):
        whole.update(font.read_bytes())
    for task in tasks:
        what = task.char, task.typeface, task.font.name, task.description, task.order, task.stroke_types
        whole.update(repr(what).encode())
        whole.update(task.places.tobytes())
    return whole.hexdigest()[:12]
