"""What the page can ask for: writing, files, goals from pictures and fonts, trainings. JSON in, JSON or a file out."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hierbrush.arguments import check_choice, check_whole
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import write_atomically
from hierbrush.studio.episodes import Policies, sampled
from hierbrush.studio.order import MOST_CHARACTERS, Order, check_number_of_sheets
from hierbrush.studio.runs import COMPOSER, PRIMITIVES, Runs

if TYPE_CHECKING:
    from hierbrush.writing import Sheet

_KEPT = 12
"""Orders whose sheets are kept, so that a download writes nothing anew."""

_PATIENCE = 120.0
"""Seconds that a request waits for those before it."""

_MOST_EPISODES = 24

_MOST_GOALS = 20
"""Pictures and fonts that are kept; the oldest makes room."""

_TYPES = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "gif": "image/gif",
    "json": "application/json",
    "gcode": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
}


class BusyError(Exception):
    """Too many others are being served."""


class Desk:
    """Answers the page; safe for any number of threads, one of which works at a time.

    Args:
        runs: folder whose trainings may be opened, or None.
    """

    def __init__(self, runs: Path | None = None) -> None:
        self.runs = Runs(runs)
        self._turn = threading.Lock()
        self._sheets: OrderedDict[Order, list[Sheet]] = OrderedDict()
        self._goals: OrderedDict[str, Path] = OrderedDict()
        self._names: dict[str, str] = {}
        self._folder: TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove the files that the page sent."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
            self._goals.clear()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=_PATIENCE):
            raise BusyError
        try:
            yield
        finally:
            self._turn.release()

    def warm(self) -> None:
        """Read everything that a first request needs, before it comes."""
        with suppress(HierbrushError):  # the page will tell
            self.write({"text": "永"})

    def about(self) -> dict[str, Any]:
        """Return what can be chosen."""
        from hierbrush import __version__
        from hierbrush.composer.composers import COMPOSERS
        from hierbrush.ink import DIPS, PLAIN
        from hierbrush.ink import PRESETS as INKS
        from hierbrush.sim.model import PRESETS
        from hierbrush.sources import BOLDEST, LIGHTEST
        from hierbrush.strokes.rollout import POLICIES
        from hierbrush.writing.grid import GRIDS
        from hierbrush.writing.layout import DIRECTIONS, PAPERS
        from hierbrush.writing.outputs import exports

        return {
            "version": __version__,
            "goals": _goal_names(),
            "composers": list(COMPOSERS),
            "brushes": list(PRESETS),
            "inks": [PLAIN, *INKS],
            "dips": list(DIPS),
            "policies": [name for name in POLICIES if name != "zero"],
            "directions": list(DIRECTIONS),
            "papers": list(PAPERS),
            "grids": list(GRIDS),
            "weight": [LIGHTEST, BOLDEST],
            "formats": [
                {"kind": kind, "sized": any(option.name == "size" for option in export.options)}
                for kind, export in exports().items()
            ],
            "most": MOST_CHARACTERS,
            "runs": self.runs.listed(),
            "curricula": _curricula(),
        }

    def _order(self, document: Mapping[str, Any]) -> Order:
        """Return the order in a request; a training is named there by its name below the folder of runs."""
        fields = dict(document)
        for name in ("policy", "composer"):
            value = fields.get(name)
            if isinstance(value, str) and value.startswith("run:"):
                home = self.runs.home(value.removeprefix("run:"))
                fields[name] = str(home if name == "policy" else home / COMPOSER)
            elif isinstance(value, str) and value not in _known(name):
                raise HierbrushError(f"{name}: {shown(value)} is not one of {', '.join(_known(name))}")
        for name in ("goal", "style"):
            if isinstance(fields.get(name), str):
                fields[name] = self._place_of(name, fields[name])
        return Order.from_json(fields)

    def _place_of(self, argument: str, value: str) -> str:
        """Return what a goal or style is: a source's name, or the place of a file that the page sent."""
        if value in self._goals:
            return str(self._goals[value])
        if argument == "goal" and value in _goal_names():
            return value
        known = ", ".join([*(_goal_names() if argument == "goal" else ()), "a file that was dropped on the page"])
        raise HierbrushError(f"{argument}: {shown(value)} is not one of {known}")

    def _written(self, order: Order) -> list[Sheet]:
        with self._alone():
            written = replace(order, ink=None)  # the movement does not depend on the ink
            if written not in self._sheets:
                try:
                    self._sheets[written] = written.sheets()
                except HierbrushError as error:
                    raise HierbrushError(self._as_users_know_it(str(error))) from None
            self._sheets.move_to_end(written)
            while len(self._sheets) > _KEPT:
                self._sheets.popitem(last=False)
            return self._sheets[written]

    def write(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Write a text: the data that the player shows, sheet by sheet, and the call that makes the same.

        Raises:
            HierbrushError: the text or a choice cannot be used; the message says why.
        """
        from hierbrush.ink import ink_of
        from hierbrush.writing.exports.html import player_data

        order = self._order(document)
        sheets = self._written(order)
        with self._alone():
            return {
                "sheets": [player_data(sheet, ink_of(order.ink)) for sheet in sheets],
                "python": self._as_users_know_it(order.python()),
            }

    def _as_users_know_it(self, code: str) -> str:
        """Return code in which files that the page sent have the names that they had there."""
        for place, name in self._names.items():
            code = code.replace(repr(place), repr(name))
        return code

    def export(self, document: Mapping[str, Any]) -> tuple[bytes, str, str]:
        """Return a file of a text: its content, its type and its name.

        Args:
            document: an order with ``format``, and optionally ``sheet`` (from 0) and ``size`` (pixels of a box).

        Raises:
            HierbrushError: it cannot be written, or not as such a file.
        """
        from hierbrush.writing.outputs import Output, exports

        fields = dict(document)
        kind = check_choice("format", fields.pop("format", None), exports())
        number, size = fields.pop("sheet", 0), fields.pop("size", None)
        order = self._order(fields)
        takes_ink = any(option.name == "ink" for option in exports()[kind].options)
        output = Output.of(kind, size=size, **({"ink": order.ink} if takes_ink else {}))
        sheets = self._written(order)
        sheet = check_number_of_sheets(number, sheets)
        with self._alone():
            content = output.render_all(sheets) if output.holds_pages else output.render(sheet)
        return content, _TYPES.get(kind, "application/octet-stream"), f"hierbrush.{kind}"

    def goal(self, content: bytes, name: str) -> dict[str, Any]:
        """Take a picture, a font or a style; the answer's ``goal`` names it in orders, as goal or style.

        Raises:
            HierbrushError: it is neither, or this installation writes after neither.
        """
        from hierbrush.sources import Request
        from hierbrush.sources.source import chain

        begun = (kind for begin, kind in _BEGINNINGS.items() if content.startswith(begin))
        found = ("style", ".style") if name.endswith(".style") else next(begun, None)
        if found is None:
            raise HierbrushError(f"file: {shown(name)} is neither a font (TTF, OTF, WOFF) nor a picture (PNG, JPEG, …)")
        what, suffix = found
        with self._alone():
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="hierbrush-studio-")
            place = Path(self._folder.name, f"{secrets.token_hex(8)}{suffix}")
            try:
                chain(Request(style=str(place)) if what == "style" else Request(goal=place))
            except HierbrushError:
                raise HierbrushError(
                    f"file: {shown(name)} is a {what}, and this hierbrush cannot write after a {what} yet"
                ) from None
            write_atomically(place, content)
            self._goals[place.stem] = place
            self._names[str(place)] = name
            while len(self._goals) > _MOST_GOALS:
                self._goals.popitem(last=False)[1].unlink(missing_ok=True)
        return {"goal": place.stem, "name": name, "kind": what}

    def run(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a training's learning curves.

        Raises:
            HierbrushError: there is no such training.
        """
        return self.runs.curves(document.get("run"))

    def episodes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Draw goals of a curriculum's stage and write each with every policy that is asked for.

        Args:
            document: ``curriculum``, one of hierbrush's own or of a run's; ``stage`` from 0; ``policies``, one or two;
                ``count`` and ``seed``.

        Raises:
            HierbrushError: there is no such curriculum, stage or policy, or the extra that reads curricula is missing.
        """
        policies = document.get("policies", ["learned"])
        if not isinstance(policies, list) or not 1 <= len(policies) <= 2:
            raise HierbrushError(f"policies: {shown(policies)}, expected a list of one or two")
        hands = [self._hand(policy) for policy in policies]
        with self._alone():
            return sampled(
                check_choice("curriculum", document.get("curriculum"), _curricula()),
                check_whole("stage", document.get("stage", 0), 0, 100),
                hands,
                count=check_whole("count", document.get("count", 6), 1, _MOST_EPISODES),
                seed=check_whole("seed", document.get("seed", 0), 0, 2**31),
            )

    def _hand(self, name: object) -> Policies:
        """Return who writes: a policy, or what a training left, which may be primitives, a composer or both."""
        if not isinstance(name, str) or not name.startswith("run:"):
            return Policies(policy=check_choice("policies", name, _known("policy")))
        home = self.runs.home(name.removeprefix("run:"))
        parts = {
            "policy": str(home) if (home / PRIMITIVES).is_file() else None,
            "composer": str(home / COMPOSER) if (home / COMPOSER).is_file() else None,
        }
        if not any(parts.values()):
            raise HierbrushError(f"policies: the training {shown(name)} has left no weights yet")
        return Policies(**{part: place for part, place in parts.items() if place is not None})


def _known(name: str) -> list[str]:
    from hierbrush.composer.composers import COMPOSERS
    from hierbrush.strokes.rollout import POLICIES

    return list(POLICIES if name == "policy" else COMPOSERS)


def _curricula() -> list[str]:
    from hierbrush.resources import folder

    return sorted(file.stem for file in folder("curricula").glob("*.yaml"))


def _goal_names() -> list[str]:
    """Return the sources that need no file."""
    from hierbrush.sources import Request, kind, names

    return [name for name in names() if kind(name).accepts(Request(goal=name))]


# What a file begins with, what it is, and the suffix by which sources know it.
_BEGINNINGS = {
    b"\x89PNG": ("picture", ".png"),
    b"\xff\xd8\xff": ("picture", ".jpg"),
    b"GIF8": ("picture", ".gif"),
    b"BM": ("picture", ".bmp"),
    b"II*\0": ("picture", ".tif"),
    b"MM\0*": ("picture", ".tif"),
    b"RIFF": ("picture", ".webp"),
    b"\0\1\0\0": ("font", ".ttf"),
    b"true": ("font", ".ttf"),
    b"OTTO": ("font", ".otf"),
    b"ttcf": ("font", ".ttc"),
    b"wOFF": ("font", ".woff"),
    b"wOF2": ("font", ".woff2"),
}
