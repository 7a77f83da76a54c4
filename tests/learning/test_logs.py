from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hierbrush.learning.logs import RunLog


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
    writer._worker.join(timeout=10)
    log.close()
    assert "Traceback" not in capfd.readouterr().err
    assert threading.excepthook is before
