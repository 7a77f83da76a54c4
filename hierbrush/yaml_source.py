"""YAML files read with positions, so that every error says where it is and what would have been right.

A file becomes a :class:`Document`: plain Python data plus, for every key and value, where it was written. ``--set``
arguments change a document and become the origin of what they set. :func:`validate` turns a document into a pydantic
model and reports all that is wrong at once::

    curricula/mine.yaml:12:7: unknown key 'treshold'; did you mean 'threshold'?
    --set stages.0.goals.count=0: stages[0].goals.count should be greater than or equal to 1, got 0

Scalars follow the core schema of YAML 1.2, as editors do: ``1e-4`` is a number, ``no`` and ``1_000`` are text.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from hierbrush.arguments import check_kind, check_path
from hierbrush.errors import HierbrushError, closest, one_line, shown
from hierbrush.files import UnreadableError, read_whole
from hierbrush.full_width import Slip, slips

if TYPE_CHECKING:
    from pydantic import BaseModel

MAX_BYTES = 256 * 1024  # the pure Python scanner needs about two seconds for this much
MAX_DEPTH = 24
MAX_VALUES = 20_000  # after aliases are followed: what stops "billion laughs"
MAX_TEXT = MAX_BYTES  # characters of all keys and values, after aliases are followed
_MAX_BITS = 256  # of a whole number: no setting has more, and longer ones cannot be printed
MAX_PROBLEMS = 20
_MOST_TOLD = 100  # problems that are worded: each looks for the nearest key

_ModelT = TypeVar("_ModelT", bound="BaseModel")
Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``where`` is ``file:line:col`` or the ``--set`` argument."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class ConfigError(HierbrushError):
    """A configuration that cannot be used: a line for each problem.

    Attributes:
        problems: what is wrong, in the order of the file; Chinese punctuation, which explains others, comes first.
        untold: how many problems there are besides.
    """

    def __init__(self, problems: Sequence[Problem], untold: int = 0) -> None:
        self.problems, self.untold = tuple(problems), untold
        more = len(self.problems[MAX_PROBLEMS:]) + untold
        lines = [str(problem) for problem in self.problems[:MAX_PROBLEMS]]
        super().__init__(*lines, *([f"... and {more} more"] if more else []))

    def __reduce__(self) -> tuple[Any, ...]:
        return ConfigError, (self.problems, self.untold)


@dataclass(frozen=True)
class Origin:
    """Where a value was written. ``order`` sorts file positions in file order and ``--set`` arguments after them."""

    where: str
    order: tuple[int, int, int]


@dataclass(frozen=True)
class Document:
    """Plain data and where it came from.

    Attributes:
        data: mappings, lists, text, numbers, booleans and None only.
        values: origin of every value by its location, e.g. ``("stages", 0, "goals")``; ``()`` is the whole document.
        keys: origin of every mapping key by the location of its value.
        slips: characters of a Chinese keyboard that YAML took for text, and where.
    """

    data: dict[str, Any]
    values: Mapping[Location, Origin] = field(repr=False)
    keys: Mapping[Location, Origin] = field(repr=False)
    slips: Sequence[tuple[Slip, Origin]] = field(default=(), repr=False)

    def origin(self, location: Location, *, key: bool = False) -> Origin:
        """Return the origin of the value (or the key) at ``location``, or of the nearest value around it."""
        if key and location in self.keys:
            return self.keys[location]
        while location not in self.values:
            location = location[:-1]
        return self.values[location]


def read_yaml(path: str | PathLike[str]) -> Document:
    """Read one YAML file whose top level is a mapping.

    Raises:
        ConfigError: the file cannot be read, is no regular file, is not UTF-8 text, is larger than ``MAX_BYTES``, is
            not well-formed, has a duplicate key, a tag, a cyclic alias or, once its aliases are followed, more than
            ``MAX_VALUES`` values or ``MAX_TEXT`` characters. Where Chinese punctuation is the cause, it is named.
        HierbrushError: ``path`` is no path.
    """
    file = check_path("path", path)
    name = one_line(str(file), 300)
    text = _read_text(file, name)
    origins = _FileOrigin(name)
    found = [(slip, origins.place(slip.line, slip.column)) for slip in slips(text)]
    try:
        data, values, keys = _parse(text, origins)
    except _SyntaxError as error:
        raise _with_slips([(error.order, error.problem)], found, error.first_line) from None
    if data is None:
        raise ConfigError([Problem(f"{name}:1:1", "the file is empty; expected keys and values")])
    if not isinstance(data, dict):
        problem = Problem(values[()].where, f"expected keys and values, got {_kind(data)}")
        raise _with_slips([((0, 0, 0), problem)], found, 0)
    return Document(data, values, keys, found)


_Located = tuple[tuple[int, int, int], Problem]


def _with_slips(located: Sequence[_Located], found: Sequence[tuple[Slip, Origin]], first_line: int = -1) -> ConfigError:
    """Return problems and the slips that explain them.

    Args:
        located: problems, each with what it is sorted by.
        found: all slips of the file.
        first_line: where the structure begins that a syntax error is about; -1 for problems of values.
    """
    lines = {order[1] for order, _ in located if order[0] == 0}
    lines |= set(range(first_line, max(lines, default=0) + 1)) if first_line >= 0 else set()
    told = [(slip, origin) for slip, origin in found if slip.certain or slip.line in lines]
    causes = {slip.line for slip, _ in told}
    others = [item for item in located if item[0][0] or item[0][1] not in causes]
    problems = [Problem(origin.where, slip.message) for slip, origin in told]
    problems += [problem for _, problem in sorted(others, key=lambda item: item[0])]
    return ConfigError(list(dict.fromkeys(problems)))


def apply_overrides(document: Document, overrides: Iterable[str]) -> Document:
    """Return ``document`` with ``KEY=VALUE`` arguments applied in turn; the last one wins.

    ``KEY`` is a dotted path, with list positions as numbers from 0: ``stages.0.promotion.threshold=0.9``. ``VALUE`` is
    read as YAML, so ``1e-4`` is a number and ``[H, S]`` a list. Sections that the document leaves out are made.

    Raises:
        ConfigError: an argument without ``=``, with a value that is no YAML, or with a key inside something that has
            no keys. Unknown keys are left to :func:`validate`, which knows the model.
    """
    problems: list[Problem] = []
    for number, argument in enumerate(overrides):
        check_kind("overrides", argument, str, "KEY=VALUE arguments")
        origin = Origin(f"--set {one_line(argument, 200)}", (1, number, 0))
        try:
            document = _with(document, *_parse_override(argument, origin), origin)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return document


def substitute(document: Document, key: str, value: Any, source: Location) -> Document:
    """Return ``document`` with another value at a dotted key, which counts as written where ``source`` is.

    Raises:
        ConfigError: the key leads into something that has no keys, or to an item that a list does not have.
    """
    return _with(document, _location(key), value, document.origin(source))


def _with(document: Document, location: Location, value: Any, origin: Origin) -> Document:
    data = json.loads(json.dumps(document.data))  # a deep copy that also parts what aliases share
    values, keys = dict(document.values), dict(document.keys)
    location = _assign(data, location, value, origin)
    for table in (values, keys):
        for inside in [known for known in table if known[: len(location)] == location]:
            del table[inside]
    while location and location not in keys:  # what was set, and the sections made on the way to it
        values[location] = keys[location] = origin
        location = location[:-1]
    return Document(data, values, keys, document.slips)


def validate(document: Document, model: type[_ModelT]) -> _ModelT:
    """Return ``document`` as a ``model``, strictly: text is no number, a number no boolean.

    Raises:
        ConfigError: with every problem the model finds, in the order of the file, then of the ``--set`` arguments.
    """
    # Imported here, for a machine's file is read without the extra that brings pydantic.
    from pydantic import ValidationError

    try:
        # Through JSON, because pydantic's strict mode for Python objects refuses a list where the model has a tuple.
        return model.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
    schema = model.model_json_schema()
    holders = {details["loc"][:length] for details in found for length in range(len(details["loc"]))}
    # "Too short" is also said of a list only because its items were refused.
    causes = [dict(details) for details in found if details["type"] != "too_short" or details["loc"] not in holders]
    causes.sort(key=lambda details: _origin(document, details).order)
    located = [
        (_origin(document, details).order, _problem(document, schema, details)) for details in causes[:_MOST_TOLD]
    ]
    raise ConfigError(_with_slips(located, document.slips).problems, len(causes[_MOST_TOLD:]))


def load_model(path: str | PathLike[str], model: type[_ModelT], overrides: Iterable[str] = ()) -> _ModelT:
    """Read a YAML file, apply ``--set`` arguments and return it as a ``model``.

    Raises:
        ConfigError: see :func:`read_yaml`, :func:`apply_overrides` and :func:`validate`.
    """
    return validate(apply_overrides(read_yaml(path), overrides), model)


# Reading ------------------------------------------------------------------------------------------------------------


def _read_text(path: Path, name: str) -> str:
    try:
        raw = read_whole(path, most=MAX_BYTES)
    except UnreadableError as error:
        reason = f"cannot be read: {error.reason}" if os.path.lexists(path) else f"no such file{_beside(path)}"
        raise ConfigError([Problem(name, reason)]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        where = f"{name}:{_line_and_column(before)}"
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        raise ConfigError([Problem(where, message)]) from None


def _beside(path: Path) -> str:
    try:
        others = [other for other in path.parent.glob("*.yaml") if closest(path.stem, [other.stem])]
    except (OSError, ValueError):  # a name too long, a NUL in it
        return ""
    # Stems first: a common ".yaml" would make strangers of four letters look alike.
    return closest(path.name, [other.name for other in others])


def _line_and_column(before: str) -> str:
    line_start = before.rfind("\n") + 1
    return f"{before.count(chr(10)) + 1}:{len(before) - line_start + 1}"


@dataclass(frozen=True)
class _FileOrigin:
    name: str

    def at(self, mark: yaml.Mark) -> Origin:
        return self.place(mark.line, mark.column)

    def place(self, line: int, column: int) -> Origin:
        return Origin(f"{self.name}:{line + 1}:{column + 1}", (0, line, column))


@dataclass(frozen=True)
class _ArgumentOrigin:
    origin: Origin

    def at(self, mark: yaml.Mark) -> Origin:
        del mark  # a position inside one argument would help nobody
        return self.origin


class _SyntaxError(ConfigError):
    """One mistake in a text that is no YAML, and the first line of the structure that it is about."""

    def __init__(self, origin: Origin, message: str, first_line: int) -> None:
        self.problem, self.order, self.first_line = Problem(origin.where, message), origin.order, first_line
        super().__init__([self.problem])


_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """PyYAML's pure Python parser with the scalars of YAML 1.2 and a limit to nesting."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own name)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            problem = f"nested more than {MAX_DEPTH} levels deep"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _first)


def _parse(
    text: str, origins: _FileOrigin | _ArgumentOrigin
) -> tuple[Any, dict[Location, Origin], dict[Location, Origin]]:
    """Return the text's data, the origins of its values and the origins of its keys."""
    start = yaml.Mark("", 0, 0, 0, None, 0)
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, {(): origins.at(start)}, {}
        builder = _Builder(origins)
        data = builder.build(node, (), ())
    except yaml.reader.ReaderError as error:
        line, column = _line_and_column(text[: error.position]).split(":")
        mark = yaml.Mark("", error.position, int(line) - 1, int(column) - 1, None, 0)
        message = f"character U+{int(error.character):04X} is not allowed in a YAML file"
        raise ConfigError([Problem(origins.at(mark).where, message)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or start
        first = min(mark.line, (error.context_mark or mark).line)
        raise _SyntaxError(origins.at(mark), _syntax_message(error), first) from None
    except (ValueError, OverflowError):
        # PyYAML takes "\UFFFFFFFF" and a version of five thousand digits at their word.
        mark = loader.get_mark() if loader else start
        raise _SyntaxError(origins.at(mark), "a number or an escape sequence is too large", mark.line) from None
    finally:
        if loader:
            loader.dispose()
    if builder.problems:
        raise ConfigError(builder.problems)
    return data, builder.values, builder.keys


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "not well-formed YAML"
    if r"'\t'" in problem:
        return "a tab cannot indent or separate in YAML; use spaces"
    if "expected a single document" in (error.context or ""):
        return "a second document starts here; expected one document in a file"
    problem = problem.replace("'<stream end>'", "the end of the file")
    return f"{problem} ({error.context})" if error.context else problem


class _Builder:
    """Builds plain data from YAML nodes and notes where each part came from."""

    def __init__(self, origins: _FileOrigin | _ArgumentOrigin) -> None:
        self.values: dict[Location, Origin] = {}
        self.keys: dict[Location, Origin] = {}
        self.problems: list[Problem] = []
        self._origins = origins
        self._characters = 0

    def build(self, node: yaml.Node, location: Location, around: tuple[int, ...]) -> Any:
        if len(self.values) >= MAX_VALUES:
            message = f"more than {MAX_VALUES} values, aliases included"
            raise yaml.MarkedYAMLError(problem=message, problem_mark=node.start_mark)
        if id(node) in around:
            raise yaml.MarkedYAMLError(problem="an alias that contains itself", problem_mark=node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            self._count(node)
        self.values[location] = self._origins.at(node.start_mark)
        around = (*around, id(node))
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node, location, around)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.build(item, (*location, index), around) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind in ("null", "bool", "int", "float", "str"):
            return self._scalar(node, kind)
        self._problem(node, f"the tag {node.tag.replace(_TAG, '!!')} is not supported; remove it")
        return None

    def _mapping(self, node: yaml.MappingNode, location: Location, around: tuple[int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, "a key must be plain text")
                continue
            self._count(key_node)
            key = self._text(key_node)
            inside = (*location, key)
            if key in result:
                first = self.keys[inside].where
                self._problem(key_node, f"duplicate key {shown(key)}, first at {first}; remove one of them")
                continue
            self.keys[inside] = self._origins.at(key_node.start_mark)
            result[key] = self.build(value_node, inside, around)
        return result

    def _count(self, node: yaml.ScalarNode) -> None:
        # An alias costs a few bytes in the file and its whole text wherever the values go.
        self._characters += len(node.value)
        if self._characters > MAX_TEXT:
            message = f"more than {MAX_TEXT} characters of text, aliases included"
            raise yaml.MarkedYAMLError(problem=message, problem_mark=node.start_mark)

    def _text(self, node: yaml.ScalarNode) -> str:
        text = str(node.value)
        if _SURROGATE.search(text):
            self._problem(node, "an escape sequence makes half of a surrogate pair, expected a whole character")
        return text

    def _scalar(self, node: yaml.ScalarNode, kind: str) -> Any:
        text = self._text(node)
        try:
            if kind == "null":
                return None
            if kind == "bool":
                return {"true": True, "false": False}[text.lower()]
            if kind == "int":
                return _whole(text)
            if kind == "float":
                return _finite(text)
        except (ValueError, KeyError):
            self._problem(node, f"{_shortened(text)} cannot be read as {kind}")
        return text

    def _problem(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(self._origins.at(node.start_mark).where, message))


def _whole(text: str) -> int:
    number = int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
    if number.bit_length() > _MAX_BITS:
        raise ValueError(text)
    return number


def _finite(text: str) -> float | int:
    number = float(text)
    if number - number != 0:
        raise ValueError(text)
    # As in JSON Schema, 1e6 is an integer: editors accept it where a count is wanted, and so do we.
    if "e" in text.lower() and number.is_integer() and abs(number) < 2**53:
        return int(number)
    return number


# Overrides ----------------------------------------------------------------------------------------------------------


def _parse_override(argument: str, origin: Origin) -> tuple[Location, Any]:
    path, equals, text = argument.partition("=")
    parts = path.split(".")
    if not equals or not all(part == part.strip() != "" for part in parts):
        further = "; '＝' (U+FF1D) is not '='" if "＝" in path else ""
        message = f"expected KEY=VALUE with a dotted key, like 'training.lr=1e-4'{further}"
        raise ConfigError([Problem(origin.where, message)])
    return _location(path), _parse(text, _ArgumentOrigin(origin))[0]


def _location(path: str) -> Location:
    return tuple(int(part) if re.fullmatch(r"[0-9]{1,9}", part) else part for part in path.split("."))


def _assign(data: dict[str, Any], location: Location, value: Any, origin: Origin) -> Location:
    """Set the value at ``location`` inside ``data``, making the mappings on the way that are not there.

    Returns the location with each part as what it turned out to be: a list's position or a mapping's key.
    """

    def refuse(message: str) -> ConfigError:
        return ConfigError([Problem(origin.where, message)])

    holder: Any = data
    walked: Location = ()
    for depth, part in enumerate(location):
        last = depth == len(location) - 1
        here = dotted(walked)
        if isinstance(holder, list):
            if not isinstance(part, int):
                raise refuse(f"{here} is a list; expected a position from 0 to {len(holder) - 1}, got {shown(part)}")
            if part >= len(holder):
                raise refuse(f"{here} has {len(holder)} items, counted from 0; there is no item {part}")
        elif isinstance(holder, dict):
            part = str(part)
            if not last and holder.get(part) is None:
                holder[part] = {}
        else:
            raise refuse(f"{here} is {_shortened(holder)}, which has no keys")
        walked = (*walked, part)
        if last:
            holder[part] = value
        else:
            holder = holder[part]
    return walked


# Problems of a model ------------------------------------------------------------------------------------------------


# pydantic words these for JSON or Python; an author writes YAML.
_TYPE_MESSAGES = {
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), "should be a mapping of keys to values"),
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), "should be a list"),
    "string_type": "should be text",
}

_PYDANTIC_WORDS = re.compile(r"^(Input|String|Tuple|List|Dictionary|Value) (?=should)| after validation, not \d+$")


def dotted(location: Iterable[str | int]) -> str:
    """Return a location as an author reads it: ``stages[0].goals.count``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _origin(document: Document, details: Mapping[str, Any]) -> Origin:
    """Return where what a pydantic error is about was written."""
    location = tuple(details["loc"])
    if details["type"] == "extra_forbidden":
        return document.origin(location, key=True)
    if details["type"] == "missing":
        return document.origin(location[:-1])
    return document.origin(_present(document, location), key=location[-1:] == ("[key]",))


def _problem(document: Document, schema: dict[str, Any], details: dict[str, Any]) -> Problem:
    """Return one pydantic error as a problem."""
    location = tuple(details["loc"])
    where, kind = _origin(document, details).where, details["type"]
    if kind == "extra_forbidden":
        known = _known_keys(schema, location[:-1])
        hint = closest(str(location[-1]).lower(), known) or f"; known keys: {', '.join(known)}"
        return Problem(where, f"unknown key {shown(location[-1])}{hint}")
    if kind == "missing":
        inside = f" in {dotted(_present(document, location[:-1]))}" if len(location) > 1 else ""
        what = f"item {location[-1]}" if isinstance(location[-1], int) else f"key {shown(location[-1])}"
        return Problem(where, f"missing {what}{inside}")
    name = one_line(dotted(_present(document, location)) or "the document", 200)
    if kind == "value_error":  # raised by a validator of ours, which says what would have been right
        return Problem(where, f"{name}: {details['ctx']['error']}")
    message = _TYPE_MESSAGES.get(kind) or _PYDANTIC_WORDS.sub("", str(details["msg"]))
    got = details.get("input")
    hint = _nearest_choice(got, str(details.get("ctx", {}).get("expected", "")))
    return Problem(where, f"{name} {message}, got {_shortened(got)}{hint}")


def _present(document: Document, location: Location) -> Location:
    """Leave out what pydantic adds to a location and the author never wrote, such as the tag of a union's member."""
    kept: Location = ()
    holder: Any = document.data
    for part in location:
        inside_list = isinstance(holder, list) and isinstance(part, int)
        if inside_list or (isinstance(holder, dict) and part in holder):
            kept, holder = (*kept, part), holder[part]
    return kept


def _nearest_choice(got: Any, expected: str) -> str:
    choices = re.findall(r"'([^']*)'", expected)
    return closest(got.lower(), choices) if isinstance(got, str) and choices else ""


def _known_keys(schema: dict[str, Any], location: Location) -> list[str]:
    """Return the keys that the JSON Schema knows in the object at ``location``."""
    nodes = list(_expanded(schema, schema))
    for part in location:
        following: list[dict[str, Any]] = []
        for node in nodes:
            below = node.get("properties", {}).get(part, node.get("additionalProperties"))
            if isinstance(part, int):
                positions = node.get("prefixItems", [])
                below = positions[part] if part < len(positions) else node.get("items")
            if isinstance(below, dict):
                following += _expanded(below, schema)
        nodes = following or nodes  # nothing below: the tag of a union's member, which is not in the document
    return sorted({key for node in nodes for key in node.get("properties", {})})


def _expanded(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Follow ``$ref``, ``anyOf``, ``oneOf`` and ``allOf`` to the objects that they stand for."""
    if "$ref" in node:
        yield from _expanded(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
        return
    yield node
    for word in ("anyOf", "oneOf", "allOf"):
        for member in node.get(word, []):
            yield from _expanded(member, schema)


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else f"{_shortened(value)}"


def _shortened(value: Any, limit: int = 40) -> str:
    if isinstance(value, dict | list):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
