"""Where a run's checkpoints and results are kept: in its folder, or behind any URI that pyarrow opens."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from hierbrush.errors import HierbrushError, shown
from hierbrush.files import write_atomically
from hierbrush.learning.runs import checkpoint
from hierbrush.learning.runs.checkpoint import COMPLETE, DamagedCheckpointError

CHECKPOINTS = "checkpoints"
CONFIG_COPY = "config.json"
"""In the folder of a whole training: the configuration of its last start."""

WRITER = "writer.json"
"""Behind a URI: who writes there. A training that finds another's name there when it saves has been taken over."""

_LARGEST_NOTE = 2**20  # bytes of a JSON file that hierbrush writes

_RESULTS = (".jsonl", ".png", ".safetensors", ".json")
"""Suffixes of results. A card is the sign that the weights beside it are complete, so the cards come last."""


def _is_result(name: str) -> bool:
    return Path(name).suffix in _RESULTS and name not in (WRITER, CONFIG_COPY)


def _turn(name: str) -> tuple[int, str]:
    return _RESULTS.index(Path(name).suffix), name


class Store(Protocol):
    """Complete checkpoints of one run by their environment steps, and its results."""

    def begun(self) -> bool:
        """Return whether a training has begun here."""

    def complete(self) -> list[int]:
        """Return the steps of the complete checkpoints, oldest first."""

    def save(self, steps: int, write: Callable[[Path], None], *, keep: int) -> None:
        """Let ``write`` fill a folder and make it the checkpoint of ``steps``; keep the newest ``keep``.

        Raises:
            HierbrushError: it cannot be written; earlier checkpoints are untouched.
        """

    def fetch(self, steps: int) -> contextlib.AbstractContextManager[Path]:
        """Return a context with the folder that holds the files of a complete checkpoint, read over.

        Raises:
            DamagedCheckpointError: it is not what was written.
            HierbrushError: it cannot be read, or others could have written it and are not trusted.
        """

    def read(self, steps: int, name: str) -> bytes:
        """Return one small file of a complete checkpoint.

        Raises:
            DamagedCheckpointError: it is not what was written.
            HierbrushError: it cannot be read.
        """

    def set_aside(self, steps: int) -> str:
        """Let a damaged checkpoint no longer count as one; return what has become of it, for the user."""

    def begin(self) -> None:
        """Make a training known that begins or goes on here; remove what a killed one had begun to write or delete."""

    def publish(self, folder: Path) -> None:
        """Copy the results in ``folder`` to where the checkpoints are."""

    def collect(self, folder: Path) -> None:
        """Copy to ``folder`` the results that it lacks."""


def open_store(folder: Path, uri: str | None, *, trusted: bool = False) -> Store:
    """Return the store of the run in ``folder``: the folder itself, or ``uri``.

    Args:
        folder: of the run.
        uri: where its checkpoints are if not there.
        trusted: fetch checkpoints that other users could have written, too.

    Raises:
        HierbrushError: pyarrow cannot open the URI.
    """
    return FolderStore(folder, trusted=trusted) if uri is None else UriStore(uri, trusted=trusted)


def stored_at(storage: str | None, output: Path, folder: Path) -> str | None:
    """Return the URI of a run: ``storage``, then its path from the output folder's name on."""
    if storage is None:
        return None
    return f"{storage.rstrip('/')}/{folder.resolve().relative_to(output.resolve().parent).as_posix()}"


class FolderStore:
    """Checkpoints that appear in the run's own folder by a rename (see `checkpoint.save`); results are there anyway."""

    def __init__(self, folder: Path, *, trusted: bool = False) -> None:
        self._folder, self._trusted = folder, trusted
        self._checkpoints = folder / CHECKPOINTS

    def begun(self) -> bool:  # noqa: D102
        return os.path.exists(self._checkpoints)  # a path's own exists raises at a name too long

    def complete(self) -> list[int]:  # noqa: D102
        return [checkpoint.steps_of(path) for path in checkpoint.complete(self._checkpoints)]

    def save(self, steps: int, write: Callable[[Path], None], *, keep: int) -> None:  # noqa: D102
        checkpoint.save(self._checkpoints, steps, write, keep=keep)

    @contextlib.contextmanager
    def fetch(self, steps: int) -> Iterator[Path]:  # noqa: D102
        folder = self._path(steps)
        checkpoint.check(folder)
        if not self._trusted:
            checkpoint.refuse_strangers(folder)
        yield folder.resolve()

    def read(self, steps: int, name: str) -> bytes:  # noqa: D102
        return checkpoint.read(self._path(steps), name)

    def set_aside(self, steps: int) -> str:  # noqa: D102
        return f"it lies in {checkpoint.set_aside(self._path(steps)).name} now"

    def begin(self) -> None:  # noqa: D102
        checkpoint.make(self._checkpoints)
        checkpoint.remove_unfinished(self._checkpoints)
        checkpoint.remove_unfinished(self._folder)

    def publish(self, folder: Path) -> None:  # noqa: D102
        del folder

    def collect(self, folder: Path) -> None:  # noqa: D102
        del folder

    def _path(self, steps: int) -> Path:
        return self._checkpoints / checkpoint.name_of(steps)


class UriStore:
    """Checkpoints that appear by their last object: object stores know no rename.

    A checkpoint is complete when `COMPLETE` is there, and is checked against it when it is fetched. It loses that
    object before the others are removed. Object stores know no locks either: who begins last writes, and a training
    that another has taken over ends at its next checkpoint (`WRITER`).

    Args:
        uri: ``s3://bucket/path``, ``gs://...``, ``hdfs://...``, ``file:///...``, or a folder's path.
        trusted: fetch checkpoints from a folder that other users could have written, too.
    """

    def __init__(self, uri: str, *, trusted: bool = False) -> None:
        from pyarrow import ArrowException  # type: ignore[import-untyped]
        from pyarrow.fs import FileSystem  # type: ignore[import-untyped]

        self._uri, self._trusted = uri, trusted
        self._writer: str | None = None
        try:
            self._files, self._root = FileSystem.from_uri(uri if "://" in uri else str(Path(uri).resolve()))
        except (ArrowException, OSError, ValueError) as error:
            raise HierbrushError(
                f"output.storage: {shown(uri)} cannot be opened ({_in_a_line(error)}); expected a folder or a URI like "
                "s3://bucket/runs"
            ) from None
        self._local = self._files.type_name == "local"

    def begun(self) -> bool:  # noqa: D102
        with self._told():
            return bool(self._listed(f"{self._root}/{CHECKPOINTS}"))

    def complete(self) -> list[int]:  # noqa: D102
        found = []
        with self._told():
            for path in self._listed(f"{self._root}/{CHECKPOINTS}"):
                steps = checkpoint.steps_in(Path(path).name)
                if steps is not None and self._exists(f"{path}/{COMPLETE}"):
                    found.append(steps)
        return sorted(found)

    def save(self, steps: int, write: Callable[[Path], None], *, keep: int) -> None:  # noqa: D102
        target = self._path(steps)
        with self._told():
            self._check_writer()
        try:
            with tempfile.TemporaryDirectory(prefix="hierbrush-") as folder:
                write(Path(folder))
                self._delete(target)
                self._upload(Path(folder), target, steps)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._delete(target)
            raise HierbrushError(f"{self._named(steps)}: the checkpoint cannot be written: {error}") from error
        with self._told():
            for old in self.complete()[:-keep]:
                self._delete(self._path(old))

    @contextlib.contextmanager
    def fetch(self, steps: int) -> Iterator[Path]:  # noqa: D102
        with tempfile.TemporaryDirectory(prefix="hierbrush-") as folder:
            with self._told():
                if self._local and not self._trusted:
                    checkpoint.refuse_strangers(Path(self._path(steps)))
                for name, facts in self._contents(steps).items():
                    path = Path(folder, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(self._checked(steps, name, facts))
            yield Path(folder).resolve()

    def read(self, steps: int, name: str) -> bytes:  # noqa: D102
        return self._checked(steps, name, self._contents(steps).get(name))

    def set_aside(self, steps: int) -> str:  # noqa: D102
        with self._told():
            self._files.delete_file(f"{self._path(steps)}/{COMPLETE}")
        return f"its {COMPLETE} is removed, and the rest with the next start"

    def begin(self) -> None:  # noqa: D102
        complete = set(self.complete())
        with self._told():
            for path in self._listed(f"{self._root}/{CHECKPOINTS}"):
                steps = checkpoint.steps_in(Path(path).name)
                if steps is not None and steps not in complete:
                    self._delete(path)
            self._writer = secrets.token_hex(8)
            note = {"id": self._writer, "host": socket.gethostname(), "process": os.getpid(), "since": time.ctime()}
            self._write(f"{self._root}/{WRITER}", json.dumps(note).encode())

    def publish(self, folder: Path) -> None:  # noqa: D102
        with self._told():
            names = [path.name for path in folder.iterdir() if path.is_file() and _is_result(path.name)]
            for name in sorted(names, key=_turn):
                self._write(f"{self._root}/{name}", (folder / name).read_bytes())

    def collect(self, folder: Path) -> None:  # noqa: D102
        with self._told():
            names = [Path(path).name for path in self._listed(self._root) if _is_result(Path(path).name)]
            for name in sorted(names, key=_turn):
                if not (folder / name).exists() and self._exists(f"{self._root}/{name}"):
                    folder.mkdir(parents=True, exist_ok=True)
                    write_atomically(folder / name, self._read(f"{self._root}/{name}"))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Tell in one line what the file system says."""
        try:
            yield
        except OSError as error:
            raise HierbrushError(f"output.storage: {shown(self._uri)} cannot be used: {_in_a_line(error)}") from error

    def _check_writer(self) -> None:
        """Refuse to write where another training has begun since this one did."""
        path = f"{self._root}/{WRITER}"
        if self._writer is None or not self._exists(path):
            return
        try:
            note = json.loads(self._read(path, _LARGEST_NOTE))
            other = note["id"] != self._writer
        except (ValueError, TypeError, KeyError, RecursionError):
            return  # damaged, so it is nobody's name
        if other:
            raise HierbrushError(
                f"output.storage: {shown(self._uri)} is written by another training since {shown(note.get('since'))} "
                f"(process {shown(note.get('process'))} on {shown(note.get('host'))}); this one ends"
            )

    def _named(self, steps: int) -> str:
        return f"{self._uri}/{CHECKPOINTS}/{checkpoint.name_of(steps)}"

    def _contents(self, steps: int) -> dict[str, checkpoint.Facts]:
        try:
            with self._told():
                return checkpoint.listed(self._read(f"{self._path(steps)}/{COMPLETE}", _LARGEST_NOTE), steps)
        except DamagedCheckpointError as error:
            raise DamagedCheckpointError(f"{self._named(steps)}: {error}") from None

    def _checked(self, steps: int, name: str, facts: checkpoint.Facts | None) -> bytes:
        path = f"{self._path(steps)}/{name}"
        with self._told():
            # Its size first: what is read is what was written, or not much.
            data = self._read(path) if facts is not None and self._size(path) == facts[0] else None
        if data is None or checkpoint.facts(data) != facts:
            raise DamagedCheckpointError(f"{self._named(steps)}: {shown(name)} is not what was written")
        return data

    def _path(self, steps: int) -> str:
        return f"{self._root}/{CHECKPOINTS}/{checkpoint.name_of(steps)}"

    def _upload(self, folder: Path, target: str, steps: int) -> None:
        contents = checkpoint.contents(folder, steps)
        for name in checkpoint.listed(contents, steps):
            self._write(f"{target}/{name}", (folder / name).read_bytes())
        self._write(f"{target}/{COMPLETE}", contents)
        if self._local:
            checkpoint.protect(Path(target).parent)

    def _delete(self, checkpoint_path: str) -> None:
        if self._exists(f"{checkpoint_path}/{COMPLETE}"):
            self._files.delete_file(f"{checkpoint_path}/{COMPLETE}")
        if self._listed(checkpoint_path):
            self._files.delete_dir(checkpoint_path)

    def _listed(self, path: str) -> list[str]:
        from pyarrow.fs import FileSelector

        return [info.path for info in self._files.get_file_info(FileSelector(path, allow_not_found=True))]

    def _exists(self, path: str) -> bool:
        return self._size(path) is not None

    def _size(self, path: str) -> int | None:
        """Return the bytes of a file, None where there is none."""
        from pyarrow.fs import FileType

        info = self._files.get_file_info(path)
        return int(info.size) if info.type == FileType.File else None

    def _read(self, path: str, most: int | None = None) -> bytes:
        with self._files.open_input_stream(path) as stream:
            return bytes(stream.read(most))

    def _write(self, path: str, data: bytes) -> None:
        self._files.create_dir(path.rpartition("/")[0], recursive=True)
        with self._files.open_output_stream(path) as stream:
            stream.write(data)


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
