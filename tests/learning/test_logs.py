from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hierbrush.learning.recipes.imitation import ImitationRecipe
from hierbrush.learning.runs.logs import LEARNING_CURVE, METRICS_FILE, RunLog, draw_curve, read_metrics

DAMAGES = (
    b'{"steps": 20, "iou"',
    b"\0" * 70_000,
    b'{"steps": 20, "iou": "\xff"}',
    b"[" * 100_000,
    b"null",
    b'{"iou": 0.5}',
    b'{"steps": "20"}',
    b"1" * 5000,
    b"",
)


@pytest.mark.parametrize("damage", DAMAGES, ids=range(len(DAMAGES)))
def test_a_damaged_line_costs_that_line_only(tmp_path: Path, damage: bytes) -> None:
    log = tmp_path / METRICS_FILE
    log.write_bytes(
        b'{"steps": 10, "iou": 0.1}\n' + damage + b'\n{"steps": 30, "iou": 0.3}\n{"steps": 40, "iou": "x"}\n'
    )
    assert [record["steps"] for record in read_metrics(log)] == [10, 30, 40]
    for curve in (LEARNING_CURVE, ImitationRecipe.curve):
        draw_curve(tmp_path, curve)
    RunLog(tmp_path, steps=30, tensorboard=False).close()
    assert log.read_text() == '{"steps": 10, "iou": 0.1}\n{"steps": 30, "iou": 0.3}\n'


def test_a_full_disk_is_told_once_and_not_by_tensorboards_thread(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = threading.excepthook
    log = RunLog(tmp_path, steps=0, tensorboard=True)
    writer = log._events.file_writer.event_writer._async_writer

    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    def train() -> None:
        for steps in range(1000):
            log.write({"steps": steps, "return": 0.5})

    writer._writer.write = full
    with pytest.raises(OSError, match="No space left on device"):
        train()
    writer._worker.join()
    log.close()
    assert "Traceback" not in capfd.readouterr().err
    assert threading.excepthook is before
