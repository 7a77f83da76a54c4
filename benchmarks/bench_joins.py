"""How well a running hand's joined strokes are found and foretold.

    python benchmarks/bench_joins.py ZhiMangXing.ttf --learn 100 --characters 50

An inventory of joins is learned from training characters of the font. On test characters: pairs of strokes that are
surely found and that the regular character keeps apart, and those of them that are ``joined`` by the font's ink. What
the inventory foretells without the ink: the share of joins that it finds (``recall``), how many of those that it
foretells are there (``precision``), beside joining all pairs (``always``). Of the characters that hold such pairs, IoU
of our ink with the font's glyph where each stroke is written for itself (``separate``), where joined ones are written
without lifting (``joined``), and where those are that were foretold.
"""  # fmt: skip

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench_fonts import characters_of, written

from hierbrush.characters import load_library
from hierbrush.metrics import stroke_iou
from hierbrush.styles.fonts import Font
from hierbrush.styles.join_inventory import JoinInventory, sure_pairs
from hierbrush.styles.joins import joins_in, merged
from hierbrush.styles.registration import Picture, register


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("font", type=Path, nargs="?")
    parser.add_argument("--learn", type=int, default=100)
    parser.add_argument("--characters", type=int, default=50)
    parser.add_argument("--split", default="test", choices=("test", "validation"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where to save the inventory")
    arguments = parser.parse_args()
    if arguments.font is None:
        print("no font is named, so nothing is measured")
        return
    inventory = JoinInventory.learn(arguments.font, arguments.learn)
    if arguments.keep:
        inventory.save(arguments.keep)
    print(inventory)
    print("commonest:", ", ".join(f"{a}+{b} {joined} of {seen}" for (a, b), joined, seen in inventory.types()[:12]))
    tell(Font(arguments.font), inventory, arguments.characters, arguments.split, arguments.seed)


def tell(font: Font, inventory: JoinInventory, count: int, part: str, seed: int) -> None:
    """Print what holds on characters of one split."""
    library, usable, pairs = load_library(), 0, 0
    there, foretold, both = 0, 0, 0
    ious: list[list[float]] = []
    chars = characters_of(font, count, part, seed)
    for char in chars:
        goals = [stroke.goal() for stroke in library[char].strokes]
        picture = Picture(font.ink(char))
        found = register(picture, library[char])
        expected = np.array([goal.skeleton for goal in goals], np.float64)
        sure = set(sure_pairs(found, expected))
        if not sure:
            continue
        usable, pairs = usable + 1, pairs + len(sure)
        joins = {n: join for n, join in joins_in(picture, expected, found.ribbons).items() if n in sure}
        guess = inventory.joins_of(goals).keys() & sure
        there, foretold, both = there + len(joins), foretold + len(guess), both + len(joins.keys() & guess)
        placed = inventory.joins_between(found.goals, guess)
        ways = (list(found.goals), merged(found.goals, joins)[0], merged(found.goals, placed)[0])
        ious.append([stroke_iou(written(way), picture.ink.coverage) for way in ways])
    separate, joined, told = np.mean(ious, axis=0)
    precision, recall, always = both / max(foretold, 1), both / max(there, 1), there / max(pairs, 1)
    print(f"{usable} of {len(chars)} {part}, {pairs} pairs, {there} joined, foretold {foretold}, right {both}")
    print(f"foretold: precision {precision:.2f}, recall {recall:.2f}, F1 {2 * both / max(foretold + there, 1):.2f}; "
          f"always: precision {always:.2f}, recall 1, F1 {2 * always / (1 + always):.2f}; never: recall 0")  # fmt: skip
    print(f"IoU: separate {separate:.3f}, joined {joined:.3f}, with foretold joins {told:.3f}")


if __name__ == "__main__":
    main()
