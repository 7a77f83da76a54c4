"""A fit of further drawings that was stopped goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.composer.drawings import FurtherDrawing, drawing_of
from hierbrush_build.fitting import __main__ as fitting
from hierbrush_build.fitting.draw import Task
from hierbrush_build.fitting.parts import Parts

OWN = drawing_of("语", load_library())
FITTED = FurtherDrawing("语", 1, "", tuple(range(9)), OWN.places, OWN.stroke_types)


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    font = tmp_path / "font.ttf"
    font.write_bytes(b"ink")
    one = Task("语", 1, font, "", OWN.tree, OWN.stroke_types, tuple(range(9)), OWN.places)
    return [one] * (fitting._BATCH + 1)


@pytest.fixture
def parts(tmp_path: Path, tasks: list[Task]) -> Parts:
    return Parts(tmp_path / "drawings.safetensors", tasks)


def test_what_was_fitted_is_read_again(parts: Parts) -> None:
    assert parts.read(3) is None
    parts.write(3, ["blank", FITTED, "not covered"])
    again = parts.read(3)
    assert again is not None
    drawing, *reasons = again
    assert isinstance(drawing, FurtherDrawing)
    assert (drawing.char, drawing.order, drawing.stroke_types) == ("语", FITTED.order, FITTED.stroke_types)
    np.testing.assert_array_equal(drawing.places, FITTED.places.astype(np.float16))
    assert reasons == ["blank", "not covered"]
    parts.remove()
    assert parts.read(3) is None


def test_batch_without_any_drawing_is_kept(parts: Parts) -> None:
    parts.write(0, ["blank"])
    assert parts.read(0) == ["blank"]


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_batch_that_was_not_written_to_its_end_is_fitted_again(parts: Parts, suffix: str) -> None:
    parts.write(0, [FITTED])
    (path,) = parts.folder.glob(f"*{suffix}")
    path.write_bytes(path.read_bytes()[:-20])
    assert parts.read(0) is None


def test_other_fonts_or_tasks_begin_anew(tmp_path: Path, tasks: list[Task], parts: Parts) -> None:
    out = tmp_path / "drawings.safetensors"
    assert Parts(out, tasks).folder == parts.folder
    assert Parts(out, tasks[1:]).folder != parts.folder
    assert Parts(out, [task._replace(places=task.places + 0.01) for task in tasks]).folder != parts.folder
    (tmp_path / "font.ttf").write_bytes(b"other ink")
    assert Parts(out, tasks).folder != parts.folder


def test_only_what_is_missing_is_fitted_and_all_is_given_in_order(
    tasks: list[Task], parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def drawn(batch: Sequence[Task]) -> list[FurtherDrawing | str]:
        asked.append(len(batch))
        return ["fresh"]

    monkeypatch.setattr(fitting, "drawn", drawn)
    monkeypatch.setattr(fitting, "ProcessPoolExecutor", lambda workers, **_: ThreadPoolExecutor(workers))
    parts.write(1, ["earlier"])
    assert list(fitting._fitted(tasks, 1, parts)) == [["fresh"], ["earlier"]]
    assert asked == [fitting._BATCH]
    assert parts.read(0) == ["fresh"]
