"""What a sheet can be saved as: kinds of file, each one file of `hierbrush.writing.exports` that registers itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from os import PathLike
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from hierbrush.arguments import check_choice, check_path
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.files import read_whole
from hierbrush.writing.paper import check_size

if TYPE_CHECKING:
    from hierbrush.writing.paper import Paper
    from hierbrush.writing.result import Page, Sheet, Writing

_MOST_BYTES = 256 * 2**20
_LAST = 100


@dataclass(frozen=True)
class Flag:
    """How the command line asks for an option or a part of it.

    Attributes:
        name: such as ``"--gcode-lift"``; its value is called ``"gcode_lift"``.
        text: what ``--help`` says.
        type: ``str``, ``int``, ``float``, ``bool`` for a switch, ``Path``, or the names that may be chosen.
        count: values that follow it.
        metavar: what ``--help`` calls the value.
    """

    name: str
    text: str
    type: type | tuple[str, ...] = str
    count: int = 1
    metavar: str | None = None

    @property
    def field(self) -> str:
        """The name of its value."""
        return self.name.removeprefix("--").replace("-", "_")


@dataclass(frozen=True)
class Option:
    """Something that kinds of file can be told; kinds that share one mean the same by it.

    Attributes:
        name: the keyword of `Sheet.save`.
        check: returns a given value checked, the default for None.
        what: what the kinds take, such as ``"a size"``.
        lacking: what is wrong with other kinds, as in ``png files ...``.
        none: the same of several files, as in ``none of the files ...``.
        flags: how the command line asks for it.
        gather: makes the value of the flags that were given; the only flag's value unless told otherwise.
        fields: the dataclass that the value is, for files that describe one (`hierbrush machine`); None for none.
    """

    name: str
    check: Callable[[Any], Any]
    what: str
    lacking: str
    none: str
    flags: tuple[Flag, ...] = ()
    gather: Callable[[dict[str, Any]], Any] = lambda given: next(iter(given.values()))
    fields: type | None = None

    def of_flags(self, given: Mapping[str, Any]) -> Any:
        """Return the value that the command line asks for, checked as far as it can be; None if it does not."""
        mine = {flag.field: given[flag.field] for flag in self.flags if given.get(flag.field) is not None}
        return self.gather(mine) if mine else None


def pixels(default: int) -> Option:
    """Return the option of kinds that have pixels: how many the side of a character's box has."""
    return Option(
        "size",
        lambda size: default if size is None else check_size(size),
        what="a size",
        lacking="have no pixels",
        none="has pixels",
        flags=(
            Flag("--size", "Pixels of a character's box in png and gif.  [default: 256 and 240]", int, 1, "INTEGER"),
        ),
        gather=lambda given: check_size(given["size"]),
    )  # fmt: skip


@dataclass(frozen=True)
class Export:
    """A kind of file.

    Attributes:
        kind: its suffix, such as ``"png"``, or ``"joints.json"``.
        render: returns the file of a sheet, given the options by name.
        options: what it can be told.
        binary: whether it is no text.
        check: refuses what can be seen to fail before anything is written, given the paper, for each of its boxes what
            the handle is sure to visit (`hierbrush.sources.sure_bounds`), and the options.
        moves: whether ``check`` needs to know where the handle goes.
        render_all: returns one file of many sheets with a title, given the options; None where it holds one alone.
        read: returns the sheet in a file, for `load`; None where it cannot be read back.
        place: where it stands in lists; then in the alphabet's order.
    """

    kind: str
    render: Callable[..., bytes]
    options: tuple[Option, ...] = ()
    binary: bool = False
    check: Callable[..., object] = lambda paper, bounds, **options: None
    moves: bool = False
    render_all: Callable[..., bytes] | None = None
    read: Callable[[bytes], Writing | Page] | None = None
    place: int = _LAST


_EXPORTS: dict[str, Export] = {}


def register(export: Export) -> Export:
    """Make a kind of file known by its suffix. Exports outside hierbrush call it before they are asked for."""
    _EXPORTS[export.kind] = export
    return export


@cache
def _find() -> None:
    package = import_module("hierbrush.writing.exports")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")


def exports() -> dict[str, Export]:
    """Return all kinds of file by suffix, in the order of lists."""
    _find()
    return dict(sorted(_EXPORTS.items(), key=lambda item: (item[1].place, item[0])))


def options() -> dict[str, tuple[Option, list[str]]]:
    """Return all options by name, each with the kinds of file that take it."""
    found: dict[str, tuple[Option, list[str]]] = {}
    for kind, export in exports().items():
        for option in export.options:
            found.setdefault(option.name, (option, []))[1].append(kind)
    return found


class DamagedError(Exception):
    """What is wrong with a file that is read, as the end of a sentence."""


@dataclass(frozen=True)
class Output:
    """A kind of file with its options, all checked."""

    export: Export
    given: Mapping[str, Any]

    @classmethod
    def of(cls, kind: str, **given: Any) -> Output:
        """Return the output of a kind that `kind_of` gave.

        Args:
            kind: one of `exports`.
            **given: options by name; those that are None have their defaults.

        Raises:
            HierbrushError: an option that the kind does not take, or one that is out of range.
        """
        export = exports()[kind]
        mine = {option.name: option for option in export.options}
        for name, value in given.items():
            if name not in mine and (value is not None or name not in options()):
                raise _refused(name, kind)
        return cls(export, {name: option.check(given.get(name)) for name, option in mine.items()})

    @property
    def kind(self) -> str:
        """The file's suffix."""
        return self.export.kind

    def check(self, paper: Paper, bounds: Sequence[Sequence[float]]) -> None:
        """Refuse what can be seen to fail before anything is written.

        Args:
            paper: what is going to be written on.
            bounds: for each of its boxes what the handle is sure to visit, see `hierbrush.sources.sure_bounds`.

        Raises:
            HierbrushError: such as a picture of too many pixels, or a paper that the machine does not reach all of.
        """
        self.export.check(paper, bounds, **self.given)

    def render(self, sheet: Sheet) -> bytes:
        """Return the content of the file.

        Raises:
            HierbrushError: see `check`, and such as a movement that leaves the machine's work area.
        """
        return self.export.render(sheet, **self.given)

    @property
    def needs_bounds(self) -> bool:
        """Whether `check` needs to know where the handle goes."""
        return self.export.moves

    @property
    def holds_pages(self) -> bool:
        """Whether one file takes many sheets."""
        return self.export.render_all is not None

    def render_all(self, sheets: Iterable[Sheet], title: str = "") -> bytes:
        """Return the content of a file of many sheets, for a kind that `holds_pages`."""
        assert self.export.render_all is not None
        return self.export.render_all(sheets, title, **self.given)


def _refused(name: str, kind: str) -> HierbrushError:
    known = options()
    if name not in known:
        hint = closest(name, list(known)) or f"; there are {', '.join(known)}"
        return HierbrushError(f"{name}: is no option of any kind of file{hint}")
    option, kinds = known[name]
    hint = f"save as .{kinds[0]}" if len(kinds) == 1 else f"only {and_list(kinds)} take {option.what}"
    return HierbrushError(f"{name}: {kind} files {option.lacking}; {hint}")


def and_list(names: Sequence[str], word: str = "and") -> str:
    """Return ``"a, b and c"``."""
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else names[0]


def kind_of(path: Path | None, format: str | None = None, *, argument: str = "path") -> str:  # noqa: A002
    """Return the kind of file that ``format`` names or else the suffix of ``path``.

    Raises:
        HierbrushError: there is no such kind, or neither tells one.
    """
    kinds = list(exports())
    if format is not None:
        kind = format.lower().removeprefix(".") if isinstance(format, str) else format
        return check_choice("format", kind, kinds)
    if path is None:
        raise HierbrushError(f"format: is needed where no name tells it, expected one of {', '.join(kinds)}")
    ending = [kind for kind in kinds if path.name.lower().endswith(f".{kind}") and path.suffix]
    if not ending:
        suffix, suffixes = path.suffix.lower(), [f".{kind}" for kind in kinds]
        what = f"unknown suffix {shown(path.suffix)}" if suffix else "no suffix"
        hint = closest(suffix, suffixes) if suffix else ""
        raise HierbrushError(f"{argument}: {shown(path)} has {what}, expected one of {', '.join(suffixes)}{hint}")
    return max(ending, key=len)


def load(path: str | PathLike[str]) -> Writing | Page:
    """Read back a sheet saved as JSON or npz.

    Raises:
        HierbrushError: the file cannot be read, is damaged or is not a hierbrush file.
    """
    file = check_path("path", path)
    readers = {f".{kind}": export.read for kind, export in exports().items() if export.read is not None}
    read = readers.get(file.suffix.lower())
    if read is None:
        hint = closest(file.suffix.lower(), list(readers)) if file.suffix else ""
        raise HierbrushError(f"path: only {and_list(list(readers))} files can be loaded, not {shown(file)}{hint}")
    content = read_whole(file, most=_MOST_BYTES)
    try:
        return read(content)
    except DamagedError as error:
        raise HierbrushError(f"path: {shown(file)} {error}") from None
    except HierbrushError as error:
        raise HierbrushError(f"path: {shown(file)} is damaged: {error}") from None
