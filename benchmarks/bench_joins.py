"""How well a running hand's joined strokes are found and foretold.

    python benchmarks/bench_joins.py ZhiMangXing.ttf --learn 100 --characters 50

An inventory of joins is learned from training characters of the font. On test characters whose strokes are found:
``pairs`` that the regular character keeps apart, ``joined`` by the font's ink; ``separate`` and ``joined`` IoU of our
ink with the font's glyph where each stroke is written for itself, and where joined ones are written without lifting.
Then what the inventory foretells without the ink: the share of joins that it finds (``recall``), how many of those that
it writes are there (``precision``), beside joining all pairs, and the IoU with foretold joins.
"""  # fmt: skip

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench_fonts import characters_of, written

from hierbrush.characters import load_library
from hierbrush.metrics import stroke_iou
from hierbrush.styles.fonts import Font
from hierbrush.styles.join_inventory import JoinInventory, is_usable
from hierbrush.styles.joins import joins_in, may_join, merged
from hierbrush.styles.registration import Picture, register


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("font", type=Path, nargs="?")
    parser.add_argument("--learn", type=int, default=100)
    parser.add_argument("--characters", type=int, default=50)
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
    tell(Font(arguments.font), inventory, arguments.characters, arguments.seed)


def tell(font: Font, inventory: JoinInventory, count: int, seed: int) -> None:
    """Print what holds on test characters."""
    library, usable, pairs = load_library(), 0, 0
    there, foretold, both = 0, 0, 0
    ious: list[list[float]] = []
    chars = characters_of(font, count, "test", seed)
    for char in chars:
        goals = [stroke.goal() for stroke in library[char].strokes]
        picture = Picture(font.ink(char))
        found = register(picture, library[char])
        if not is_usable(found):
            continue
        usable += 1
        expected = np.array([goal.skeleton for goal in goals], np.float64)
        pairs += int(may_join(expected).sum())
        joins, guess = joins_in(picture, expected, found.ribbons), inventory.joins_of(goals)
        there, foretold, both = there + len(joins), foretold + len(guess), both + len(joins.keys() & guess.keys())
        placed = {n: join for n, join in inventory.joins_of(found.goals).items() if n in guess}
        ways = (list(found.goals), merged(found.goals, joins)[0], merged(found.goals, placed)[0])
        ious.append([stroke_iou(written(way), picture.ink.coverage) for way in ways])
    separate, joined, told = np.mean(ious, axis=0)
    print(f"{usable} of {len(chars)} characters, {pairs} pairs, joined {there} ({there / max(pairs, 1):.2f})")
    print(f"IoU: separate {separate:.3f}, joined {joined:.3f}, with foretold joins {told:.3f}")
    print(f"foretold {foretold}: recall {both / max(there, 1):.2f}, precision {both / max(foretold, 1):.2f}")


if __name__ == "__main__":
    main()
