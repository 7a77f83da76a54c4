"""Where a run's checkpoints and results are kept: in its folder, or behind any URI that pyarrow opens."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically
from hierbrush.learning import checkpoint

CHECKPOINTS = "checkpoints"
COMPLETE = "complete.json"
"""Written last into a checkpoint behind a URI: its files with their sizes and SHA-256."""

# A card is the sign that the weights beside it are complete, so the cards come last.
_RESULTS = (
    "metrics.jsonl",
    "curve.png",
    "weights.safetensors",
    "composer.safetensors",
    "policies.safetensors",
    "card.json",
    "composer.json",
    "policies.json",
)


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
        """Return a context with the folder that holds the files of a complete checkpoint.

        Raises:
            HierbrushError: it cannot be read, or is not what was written.
        """

    def begin(self) -> None:
        """Make a training known that begins or goes on here; remove what a killed one had begun to write or delete."""

    def publish(self, folder: Path) -> None:
        """Copy the results in ``folder`` to where the checkpoints are."""

    def collect(self, folder: Path) -> None:
        """Copy to ``folder`` the results that it lacks."""


def open_store(folder: Path, uri: str | None) -> Store:
    """Return the store of the run in ``folder``: the folder itself, or ``uri``.

    Raises:
        HierbrushError: pyarrow cannot open the URI.
    """
    return FolderStore(folder) if uri is None else UriStore(uri)


def stored_at(storage: str | None, output: Path, folder: Path) -> str | None:
    """Return the URI of a run: ``storage``, then its path from the output folder's name on."""
    if storage is None:
        return None
    return f"{storage.rstrip('/')}/{folder.resolve().relative_to(output.resolve().parent).as_posix()}"


class FolderStore:
    """Checkpoints that appear in the run's own folder by a rename (see `checkpoint.save`); results are there anyway."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checkpoints = folder / CHECKPOINTS

    def begun(self) -> bool:  # noqa: D102
        return self._checkpoints.exists()

    def complete(self) -> list[int]:  # noqa: D102
        return [checkpoint.steps_of(path) for path in checkpoint.complete(self._checkpoints)]

    def save(self, steps: int, write: Callable[[Path], None], *, keep: int) -> None:  # noqa: D102
        checkpoint.save(self._checkpoints, steps, write, keep=keep)

    @contextlib.contextmanager
    def fetch(self, steps: int) -> Iterator[Path]:  # noqa: D102
        yield (self._checkpoints / checkpoint.name_of(steps)).resolve()

    def begin(self) -> None:  # noqa: D102
        self._checkpoints.mkdir(parents=True, exist_ok=True)
        checkpoint.remove_unfinished(self._checkpoints)
        checkpoint.remove_unfinished(self._folder)

    def publish(self, folder: Path) -> None:  # noqa: D102
        del folder

    def collect(self, folder: Path) -> None:  # noqa: D102
        del folder


class UriStore:
    """Checkpoints that appear by their last object: object stores know no rename.

    A checkpoint is complete when `COMPLETE` is there, and is checked against it when it is fetched. It loses that
    object before the others are removed.

    Args:
        uri: ``s3://bucket/path``, ``gs://...``, ``hdfs://...``, ``file:///...``, or a folder's path.
    """

    def __init__(self, uri: str) -> None:
        from pyarrow import ArrowException  # type: ignore[import-untyped]
        from pyarrow.fs import FileSystem  # type: ignore[import-untyped]

        self._uri = uri
        try:
            self._files, self._root = FileSystem.from_uri(uri if "://" in uri else str(Path(uri).resolve()))
        except (ArrowException, OSError, ValueError) as error:
            raise HierbrushError(
                f"output.storage: {uri!r} cannot be opened ({error}); expected a folder or a URI like s3://bucket/runs"
            ) from None

    def begun(self) -> bool:  # noqa: D102
        return bool(self._listed(f"{self._root}/{CHECKPOINTS}"))

    def complete(self) -> list[int]:  # noqa: D102
        found = []
        for path in self._listed(f"{self._root}/{CHECKPOINTS}"):
            steps = checkpoint.steps_in(Path(path).name)
            if steps is not None and self._exists(f"{path}/{COMPLETE}"):
                found.append(steps)
        return sorted(found)

    def save(self, steps: int, write: Callable[[Path], None], *, keep: int) -> None:  # noqa: D102
        target = self._path(steps)
        try:
            with tempfile.TemporaryDirectory(prefix="hierbrush-") as folder:
                write(Path(folder))
                self._delete(target)
                self._upload(Path(folder), target)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._delete(target)
            raise HierbrushError(
                f"{self._uri}/{CHECKPOINTS}/{checkpoint.name_of(steps)}: the checkpoint cannot be written: {error}"
            ) from error
        for old in self.complete()[:-keep]:
            self._delete(self._path(old))

    @contextlib.contextmanager
    def fetch(self, steps: int) -> Iterator[Path]:  # noqa: D102
        source = self._path(steps)
        with tempfile.TemporaryDirectory(prefix="hierbrush-") as folder:
            for name, facts in json.loads(self._read(f"{source}/{COMPLETE}"))["files"].items():
                data = self._read(f"{source}/{name}")
                if _facts(data) != facts:
                    raise HierbrushError(
                        f"{self._uri}/{CHECKPOINTS}/{checkpoint.name_of(steps)}: {name} is not what was written; "
                        "remove this checkpoint to go on from the one before"
                    )
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            yield Path(folder).resolve()

    def begin(self) -> None:  # noqa: D102
        complete = set(self.complete())
        for path in self._listed(f"{self._root}/{CHECKPOINTS}"):
            steps = checkpoint.steps_in(Path(path).name)
            if steps is not None and steps not in complete:
                self._delete(path)

    def publish(self, folder: Path) -> None:  # noqa: D102
        for name in _RESULTS:
            if (folder / name).exists():
                self._write(f"{self._root}/{name}", (folder / name).read_bytes())

    def collect(self, folder: Path) -> None:  # noqa: D102
        for name in _RESULTS:
            if not (folder / name).exists() and self._exists(f"{self._root}/{name}"):
                folder.mkdir(parents=True, exist_ok=True)
                write_atomically(folder / name, self._read(f"{self._root}/{name}"))

    def _path(self, steps: int) -> str:
        return f"{self._root}/{CHECKPOINTS}/{checkpoint.name_of(steps)}"

    def _upload(self, folder: Path, target: str) -> None:
        files: dict[str, Any] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name, data = path.relative_to(folder).as_posix(), path.read_bytes()
                files[name] = _facts(data)
                self._write(f"{target}/{name}", data)
        self._write(f"{target}/{COMPLETE}", json.dumps({"files": files}).encode())

    def _delete(self, checkpoint_path: str) -> None:
        if self._exists(f"{checkpoint_path}/{COMPLETE}"):
            self._files.delete_file(f"{checkpoint_path}/{COMPLETE}")
        if self._listed(checkpoint_path):
            self._files.delete_dir(checkpoint_path)

    def _listed(self, path: str) -> list[str]:
        from pyarrow.fs import FileSelector

        return [info.path for info in self._files.get_file_info(FileSelector(path, allow_not_found=True))]

    def _exists(self, path: str) -> bool:
        from pyarrow.fs import FileType

        return bool(self._files.get_file_info(path).type == FileType.File)

    def _read(self, path: str) -> bytes:
        with self._files.open_input_stream(path) as stream:
            return bytes(stream.read())

    def _write(self, path: str, data: bytes) -> None:
        self._files.create_dir(path.rpartition("/")[0], recursive=True)
        with self._files.open_output_stream(path) as stream:
            stream.write(data)


def _facts(data: bytes) -> list[Any]:
    return [len(data), hashlib.sha256(data).hexdigest()]
