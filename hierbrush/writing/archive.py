"""JSON and npz: a sheet with everything needed to get an equal one back.

Both hold the trajectory too, for whoever replays it; loading works it out again from the strokes instead of trusting
the copy. The npz keeps the strokes of all characters in flat tables: ragged ones (``path``, ``reference``) end to end,
with the rows of each stroke in ``path_rows`` and ``reference_rows``.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_choice, check_number
from hierbrush.characters import Component
from hierbrush.errors import shown
from hierbrush.ink.stone import InkStone
from hierbrush.metrics import SIDE
from hierbrush.sim import BrushModel, NeuralBrush
from hierbrush.sources import BOLDEST, LIGHTEST, Plan, names
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.writing.layout import Layout
from hierbrush.writing.outputs import DamagedError
from hierbrush.writing.passage import BLANK, rows_of
from hierbrush.writing.result import Page, Sheet, Writing, WrittenStroke
from hierbrush.writing.trajectory import MotionLimits

_FORMAT, _VERSION = "hierbrush-writing", 2
_MOST_BYTES = 256 * 2**20
_MOST_METRES = 10.0
_DEEPEST = 64  # levels of a decomposition; a deeper file would exhaust the stack
_GOAL_ARRAYS = ("skeleton", "half_width", "outline")


_Parameters = TypeVar("_Parameters", BrushModel, MotionLimits, InkStone)


def to_json(sheet: Sheet) -> bytes:
    """Return the JSON file of a sheet, UTF-8."""
    document = _header(sheet)
    document["characters"] = [
        {
            **_plan_json(cell.writing.plan),
            **_dips_json(cell.writing),
            "strokes": [_stroke_json(stroke) for stroke in cell.writing.strokes],
        }
        for cell in sheet.cells
    ]
    rows = sheet.trajectory
    columns = [rows["t"].round(4), *(rows[name].round(7) for name in "xyz"), rows["down"], rows["stroke"], rows["dip"]]
    document["trajectory"] = {
        "columns": list(rows.dtype.names or ()),
        "rows": list(zip(*(column.tolist() for column in columns), strict=True)),
    }
    return (json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n").encode()


def to_npz(sheet: Sheet) -> bytes:
    """Return the npz file of a sheet; no array in it needs pickle."""
    header = _header(sheet)
    header["characters"] = [
        {
            **_plan_json(cell.writing.plan),
            **_dips_json(cell.writing),
            "stroke_types": [stroke.stroke_type for stroke in cell.writing.strokes],
        }
        for cell in sheet.cells
    ]
    strokes = [stroke for cell in sheet.cells for stroke in cell.writing.strokes]
    file = BytesIO()
    np.savez_compressed(
        file,
        header=np.array(json.dumps(header, ensure_ascii=False)),
        trajectory=sheet.trajectory,
        path=np.concatenate([stroke.path for stroke in strokes]),
        path_rows=np.array([len(stroke.path) for stroke in strokes], np.int32),
        reference=np.concatenate([stroke.reference for stroke in strokes]),
        reference_rows=np.array([len(stroke.reference) for stroke in strokes], np.int32),
        skeleton=np.stack([stroke.goal.skeleton for stroke in strokes]),
        half_width=np.stack([stroke.goal.half_width for stroke in strokes]),
        outline=np.stack([stroke.goal.outline for stroke in strokes]),
    )
    return file.getvalue()


def from_json(content: bytes) -> Writing | Page:
    """Return the sheet in a JSON file.

    Raises:
        DamagedError: or HierbrushError: it is no such file.
    """
    return _sheet(_read_json(content))


def from_npz(content: bytes) -> Writing | Page:
    """Return the sheet in an npz file.

    Raises:
        DamagedError: or HierbrushError: it is no such file.
    """
    return _sheet(_read_npz(content))


def _header(sheet: Sheet) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "text": sheet.text,
        "goal": sheet.goal,
        "policy": sheet.policy,
        "seed": sheet.seed,
        "brush": asdict(sheet.brush),
        "motion": asdict(sheet.motion),
        "layout": asdict(sheet.layout) if isinstance(sheet, Page) else None,
        **({} if sheet.stone is None else {"stone": asdict(sheet.stone)}),
    }


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "character": plan.char,
        "composer": plan.composer,
        "decomposition": _tree_json(plan.decomposition),
        "order": plan.order,
        # Where the strokes' references are the glyph's outlines, they stand with the strokes.
        "glyph": None if plan.glyph is None or plan.is_reference else [_short(outline) for outline in plan.glyph],
        "unknown": plan.unknown,
        "weight": plan.weight,
        **_copied_json(plan),
    }


def _dips_json(writing: Writing) -> dict[str, Any]:
    """Return before which strokes the brush was dipped, unless before each."""
    return {} if all(writing.stroke_dips) else {"dips": list(writing.stroke_dips)}


def _copied_json(plan: Plan) -> dict[str, Any]:
    """Return what only characters have that are copied from elsewhere than our glyphs."""
    told: dict[str, Any] = {} if plan.source == _by_composer(plan.composer) else {"goal": plan.source}
    if plan.picture is not None:
        told["picture"] = b64encode(zlib.compress(plan.picture.tobytes())).decode()
    if plan.confidence is not None:
        told["confidence"] = plan.confidence
    return told


def _by_composer(composer: str) -> str:
    """Return the source of a character whose file does not name it."""
    return "decomposition" if composer else "glyph"


def _tree_json(node: Component) -> dict[str, Any]:
    if node.is_leaf:
        return {"name": node.name, "strokes": node.strokes}
    return {"name": node.name, "operator": node.operator, "parts": [_tree_json(child) for child in node.children]}


def _stroke_json(stroke: WrittenStroke) -> dict[str, Any]:
    return {
        "stroke_type": stroke.stroke_type,
        "path": stroke.path.tolist(),
        "reference": _short(stroke.reference),
        **{name: _short(getattr(stroke.goal, name)) for name in _GOAL_ARRAYS},
    }


def _short(array: NDArray[np.float32]) -> list[Any]:
    """Return nested lists whose numbers have the fewest digits that give the float32 back."""
    if array.ndim == 1:
        return [float(str(value)) for value in array]
    return [_short(row) for row in array]


def _read_json(content: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise DamagedError(f"holds {constant}, expected finite numbers")

    try:
        document = json.loads(content.decode(), parse_constant=refuse)
    except UnicodeDecodeError:
        raise DamagedError("is not UTF-8 text") from None
    except RecursionError:
        raise DamagedError("is nested deeper than any sheet") from None
    except json.JSONDecodeError as error:
        raise DamagedError(f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError as error:
        raise DamagedError(f"holds a number that cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise DamagedError("is not a hierbrush file: expected a JSON object")
    return document


def _read_npz(content: bytes) -> dict[str, Any]:
    try:
        tables = _arrays(content)
        document = json.loads(str(_get(tables, "header")[()]))
    except DamagedError:
        raise
    except Exception as error:  # NumPy and zipfile raise nearly anything on damaged files, the tokenizer's errors too
        raise DamagedError(f"is not a readable npz file: {error}") from None
    if not isinstance(document, dict):
        raise DamagedError("is not a hierbrush file: its header is no JSON object")
    rows = {name: _split(tables, name) for name in ("path", "reference")}
    goals = {name: _get(tables, name) for name in _GOAL_ARRAYS}
    total = len(rows["path"])
    if any(table.ndim < 1 or len(table) != total for table in goals.values()) or len(rows["reference"]) != total:
        raise DamagedError("is damaged: its tables differ in their number of strokes")
    at = 0
    for character in _list(document, "characters"):
        types = _list(character, "stroke_types")
        if at + len(types) > total:
            raise DamagedError("is damaged: it names more strokes than its tables hold")
        character["strokes"] = [
            {
                "stroke_type": stroke_type,
                "path": rows["path"][index],
                "reference": rows["reference"][index],
                **{name: table[index] for name, table in goals.items()},
            }
            for index, stroke_type in enumerate(types, start=at)
        ]
        at += len(types)
    return document


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file that unpacks to no more than a sheet may have."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _MOST_BYTES:
        raise DamagedError("unpacks to more than any sheet (256 MiB)")
    with np.load(BytesIO(content), allow_pickle=False) as entries:
        # What is no array comes as bytes.
        return {name: array for name in entries.files if isinstance(array := entries[name], np.ndarray)}


def _split(tables: Mapping[str, NDArray[Any]], name: str) -> list[NDArray[Any]]:
    table, counts = _get(tables, name), _get(tables, f"{name}_rows")
    if counts.ndim != 1 or counts.dtype.kind not in "iu" or table.ndim != 2 or (counts < 1).any():
        raise DamagedError(f"is damaged: {name} and {name}_rows do not belong together")
    ends = counts.astype(np.int64).cumsum()
    if len(counts) == 0 or ends[-1] != len(table):
        raise DamagedError(f"is damaged: {name} and {name}_rows do not belong together")
    return np.split(table, ends[:-1])


def _sheet(document: dict[str, Any]) -> Writing | Page:
    if document.get("format") != _FORMAT:
        raise DamagedError(f'is not a hierbrush file: expected "format": "{_FORMAT}"')
    if document.get("version") != _VERSION:
        raise DamagedError(f"is of version {shown(document.get('version'))}; this hierbrush reads version {_VERSION}")
    numbers = document.get("brush")
    kind = NeuralBrush if isinstance(numbers, dict) and "network" in numbers else BrushModel
    brush, motion = _parameters(document, "brush", kind), _parameters(document, "motion", MotionLimits)
    seed = document.get("seed")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise DamagedError("is damaged: seed must be a whole number from 0 to 2**63 - 1")
    common = {
        "brush": brush,
        "motion": motion,
        "seed": seed,
        "policy": _text(document, "policy"),
        "stone": _parameters(document, "stone", InkStone) if document.get("stone") is not None else None,
    }
    check_choice("goal", document.get("goal"), names())
    writings = [_writing(character, common) for character in _list(document, "characters")]
    text, layout = _text(document, "text"), document.get("layout")
    units = [text] if layout is None else [unit.text for row in rows_of(text) for unit in row if unit.text != BLANK]
    if not writings or "".join(writing.char for writing in writings) != "".join(units):
        raise DamagedError("is damaged: its text is not the text of its characters")
    if layout is None:
        if len(writings) > 1:
            raise DamagedError("is damaged: several characters need a layout")
        return writings[0]
    if not isinstance(layout, dict):
        raise DamagedError("is damaged: layout must be an object or null")
    return Page(text, writings, Layout.from_mapping(layout))


def _parameters(document: dict[str, Any], name: str, model: type[_Parameters]) -> _Parameters:
    """Return the dataclass whose fields the document's object ``name`` holds; the class checks their values."""
    fields = document.get(name)
    if not isinstance(fields, dict):
        raise DamagedError(f"is damaged: {name} must be an object")
    try:
        return model(**{str(field): _untupled(value) for field, value in fields.items()})
    except TypeError as error:
        raise DamagedError(f"is damaged: {name}: {error}") from None


def _writing(character: Any, common: dict[str, Any]) -> Writing:
    char, strokes = _text(character, "character"), _list(character, "strokes")
    if not char or not strokes:
        raise DamagedError(f"is damaged: expected a character with strokes, found {shown(char)} with {len(strokes)}")
    goals, references, paths = [], [], []
    for stroke in strokes:
        arrays = {name: _array(stroke, name, np.float32) for name in _GOAL_ARRAYS}
        goals.append(StrokeGoal(_text(stroke, "stroke_type"), **arrays))
        references.append(_array(stroke, "reference", np.float32, columns=2, rows=3))
        paths.append(_array(stroke, "path", np.float64, columns=3, rows=2))
    composer, order = _text(character, "composer"), character.get("order")
    numbers = list(range(len(goals)))
    tree = _tree(_get(character, "decomposition"), _DEEPEST)
    if list(tree.strokes) != numbers or (order is not None and _sorted_numbers(order) != numbers):
        raise DamagedError("is damaged: decomposition or order does not number the strokes of the character")
    # On one page some characters may be copied and others composed.
    source = check_choice("goal", character.get("goal", _by_composer(composer)), names())
    picture = _picture(character.get("picture"))
    glyph: tuple[NDArray[np.float32], ...] | None = tuple(references)
    if composer or picture is not None or order is None:
        outlines = character.get("glyph")
        glyph = None if outlines is None else tuple(_outlines(character, len(goals)))
    if (glyph is None) != (order is None):
        raise DamagedError("is damaged: order and glyph do not belong together")
    unknown = tuple(_text({"unknown": name}, "unknown") for name in _list(character, "unknown"))
    known_order = None if order is None else tuple(order)
    # Files of earlier versions have none.
    weight = check_number("weight", character.get("weight", 1.0), LIGHTEST, BOLDEST, "times the usual width")
    plan = Plan(
        char, tuple(goals), tuple(references), tree, source, composer, known_order, glyph, unknown, weight, picture,
        _confidence(character.get("confidence")),
    )  # fmt: skip
    return Writing(plan, stroke_paths=paths, dips=character.get("dips"), **common)


def _picture(packed: Any) -> NDArray[np.uint8] | None:
    if packed is None:
        return None
    unpack = zlib.decompressobj()
    try:
        content = unpack.decompress(b64decode(packed, validate=True), SIDE * SIDE + 1)
    except (TypeError, ValueError, zlib.error):
        content = b""
    if len(content) != SIDE * SIDE:
        raise DamagedError(f"is damaged: picture is not {SIDE} x {SIDE} packed bytes")
    return np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)


def _confidence(value: Any) -> float | None:
    return None if value is None else check_number("confidence", value, 0.0, 1.0, "a share")


def _outlines(character: Any, count: int) -> Iterator[NDArray[np.float32]]:
    outlines = _list(character, "glyph")
    if len(outlines) != count:
        raise DamagedError("is damaged: glyph and strokes differ in number")
    for outline in outlines:
        yield _array({"glyph": outline}, "glyph", np.float32, columns=2, rows=3)


def _tree(node: Any, depth: int) -> Component:
    name = _text(node, "name")
    if depth == 0:
        raise DamagedError("is damaged: decomposition is nested deeper than any character")
    if "parts" not in node:
        strokes = _sorted_numbers(_list(node, "strokes"))
        return Component(name, "", tuple(strokes))
    children = tuple(_tree(part, depth - 1) for part in _list(node, "parts"))
    return Component(
        name, _text(node, "operator"), tuple(sorted(stroke for child in children for stroke in child.strokes)), children
    )


def _sorted_numbers(values: Any) -> list[int]:
    if not isinstance(values, list) or any(isinstance(value, bool) or not isinstance(value, int) for value in values):
        raise DamagedError("is damaged: expected a list of stroke numbers")
    return sorted(values)


def _array(
    stroke: Any, name: str, dtype: type[np.floating[Any]], columns: int | None = None, rows: int = 0
) -> NDArray[Any]:
    value = _get(stroke, name)
    try:
        array = np.asarray(value)
        # Strings, booleans and objects would convert too.
        if array.dtype.kind not in "fiu":
            raise ValueError
        array = array.astype(dtype)
    except (ValueError, TypeError, OverflowError):
        raise DamagedError(f"is damaged: {name} is no table of numbers") from None
    if not np.isfinite(array).all() or np.abs(array).max(initial=0.0) > _MOST_METRES:
        raise DamagedError(f"is damaged: {name} holds values outside -{_MOST_METRES:g} to {_MOST_METRES:g}")
    if columns is not None and (array.ndim != 2 or array.shape[1] != columns or len(array) < rows):
        raise DamagedError(f"is damaged: {name} has shape {array.shape}, expected [at least {rows}, {columns}]")
    return array


def _untupled(value: Any) -> Any:
    """JSON knows no tuples; a brush has no lists."""
    return tuple(value) if isinstance(value, list) else value


def _get(mapping: Any, name: str) -> Any:
    if not isinstance(mapping, Mapping) or name not in mapping:
        raise DamagedError(f"is damaged: {name} is missing")
    return mapping[name]


def _text(mapping: Any, name: str) -> str:
    value = _get(mapping, name)
    if not isinstance(value, str):
        raise DamagedError(f"is damaged: {name} must be text")
    return value


def _list(mapping: Any, name: str) -> Sequence[Any]:
    value = _get(mapping, name)
    if not isinstance(value, list):
        raise DamagedError(f"is damaged: {name} must be a list")
    return value
