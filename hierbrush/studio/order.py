"""What the page asks for: one text and how it is written, checked, and the Python call that makes the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from hierbrush.arguments import check_choice, check_kind, check_number, check_whole
from hierbrush.errors import HierbrushError, shown
from hierbrush.ink import ink_of
from hierbrush.options import from_mapping
from hierbrush.strokes.rollout import PLANNED

if TYPE_CHECKING:
    from hierbrush.writing import Layout, Sheet

MOST_CHARACTERS = 600
"""Of a text on the page; `hierbrush write --file` takes longer ones."""

_MOST_PLANNED = 12
"""Of a text whose strokes are searched for, which takes seconds a character."""

_MISSING = ("error", "blank", "box")
_MOST_LINES = 1000


@dataclass(frozen=True)
class Order:
    """A text and the arguments of `write_text` and `Layout` that the page lets choose; lengths in millimetres.

    Raises:
        HierbrushError: a value of the wrong kind or out of range, or a text too long for the page.
    """

    text: str
    goal: str | None = None
    style: str | None = None
    composer: str | None = None
    weight: float = 1.0
    brush: str = "measured"
    policy: str = "learned"
    seed: int = 0
    dip: str = "stroke"
    ink: str | None = None
    missing: str = "error"
    direction: str = "horizontal"
    per_line: int | None = None
    paper: str | None = None
    rows: int | None = None
    columns: int | None = None
    cell: float | None = None
    grid: str | None = None

    def __post_init__(self) -> None:
        check_kind("text", self.text, str, "a string of Chinese characters")
        if not self.text.strip():
            raise HierbrushError("text: is empty, expected Chinese characters such as '永和九年'")
        if len(self.text) > MOST_CHARACTERS:
            raise HierbrushError(
                f"text: {len(self.text):,} characters, expected at most {MOST_CHARACTERS} on this page; "
                "hierbrush write --file takes longer ones"
            )
        if self.policy == PLANNED and len(self.text) > _MOST_PLANNED:
            raise HierbrushError(
                f"text: {len(self.text)} characters, expected at most {_MOST_PLANNED} on this page where every stroke "
                "is searched for; hierbrush write --policy planned takes longer ones"
            )
        for name in ("goal", "style", "composer", "ink", "paper", "grid"):
            if getattr(self, name) is not None:
                check_kind(name, getattr(self, name), str, "a name")
        for name in ("brush", "policy", "dip", "direction"):
            check_kind(name, getattr(self, name), str, "a name")
        check_choice("missing", self.missing, _MISSING)
        ink_of(self.ink)
        object.__setattr__(self, "weight", check_number("weight", self.weight, 0.4, 2.0, "times the usual width"))
        check_whole("seed", self.seed, 0, 2**53)
        for name in ("per_line", "rows", "columns"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1, _MOST_LINES)
        if self.cell is not None:
            object.__setattr__(self, "cell", check_number("cell", self.cell, 1, 2000, "millimetres"))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Order:
        """Return the order in a JSON object.

        Raises:
            HierbrushError: no text, an unknown field, or a value that an order refuses.
        """
        if "text" not in document:
            raise HierbrushError("text: is missing, expected Chinese characters such as '永和九年'")
        return from_mapping("order", cls, document)

    @property
    def alone(self) -> bool:
        """Whether one character is written, which fills its box."""
        from hierbrush.composer.ids import is_ids

        text = self.text.strip()
        set_out = any(value is not None for value in (self.per_line, self.paper, self.cell, self.grid))
        return (len(text) == 1 or is_ids(text)) and not set_out

    def layout(self) -> Layout:
        """Return where the characters stand.

        Raises:
            HierbrushError: there is no such layout.
        """
        from hierbrush.writing import Layout

        arguments = self._layout_arguments()
        if self.paper is None:
            return Layout(**arguments)
        return Layout.on(self.paper, **arguments)

    def _layout_arguments(self) -> dict[str, Any]:
        if self.paper is None and (self.rows is not None or self.columns is not None):
            raise HierbrushError("rows, columns: are those of a sheet of paper; choose a paper")
        if self.paper is not None and self.per_line is not None:
            raise HierbrushError("per_line: on a sheet of paper choose rows and columns")
        names = ("direction", "per_line", "rows", "columns", "grid")
        chosen = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.cell is not None:
            chosen["cell"] = self.cell / 1000
        return chosen

    def _writing_arguments(self) -> dict[str, Any]:
        names = ("goal", "style", "composer", "brush", "policy", "seed", "dip", "weight")
        usual = {field.name: field.default for field in fields(self)}
        return {name: getattr(self, name) for name in names if getattr(self, name) != usual[name]}

    def sheets(self) -> list[Sheet]:
        """Write the text.

        Raises:
            HierbrushError: as `write_character` and `write_pages`.
        """
        from hierbrush.writing import write_character, write_pages

        arguments = self._writing_arguments()
        if self.alone:
            return [write_character(self.text.strip(), **arguments)]
        return [*write_pages(self.text, layout=self.layout(), missing=self.missing, **arguments)]

    def python(self) -> str:
        """Return the lines of Python that write the same."""
        arguments = self._writing_arguments()
        if self.alone:
            call = _call("hierbrush.write_character", [self.text.strip()], arguments)
            return f"import hierbrush\n\nwriting = {call}\n{self._saved('writing', 'writing.png')}\n"
        place = self._layout_arguments()
        if self.paper is not None:
            layout = _call("hierbrush.Layout.on", [self.paper], place)
        else:
            layout = _call("hierbrush.Layout", [place.pop("direction")], place)
        if self.missing != "error":
            arguments["missing"] = self.missing
        call = _call("hierbrush.write_pages", [self.text], arguments, f"layout={layout}")
        return f"import hierbrush\n\npages = {call}\n{self._saved('pages[0]', 'page.png')}\n"

    def _saved(self, sheet: str, name: str) -> str:
        with_ink = "" if ink_of(self.ink) is None else f', ink="{self.ink}"'
        return f'{sheet}.save("{name}"{with_ink})'


def _call(name: str, values: list[str], arguments: Mapping[str, Any], *more: str) -> str:
    given = [*map(repr, values), *more, *(f"{key}={value!r}" for key, value in arguments.items())]
    return f"{name}({', '.join(given)})"


def check_number_of_sheets(index: object, sheets: list[Sheet]) -> Sheet:
    """Return a sheet by its number from 0.

    Raises:
        HierbrushError: there is none.
    """
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(sheets):
        raise HierbrushError(f"sheet: {shown(index)}, expected a whole number from 0 to {len(sheets) - 1}")
    return sheets[index]
