"""A stroke type for every stroke: cnchar's letters, merged letters parted by shape, the rest classified by shape.

The classifier votes among the seven nearest labelled strokes. Its features are rounded to small integers, so that all
distances are exact in float32 whatever the order of summation: the labels do not depend on the machine's BLAS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from hierbrush_build.characters.corrections import Correction
from hierbrush_build.characters.sources import Sources

NEIGHBOURS = 7
FOLDS = 5
SAMPLES = 49

# cnchar's letters. Where a letter merges types, the table gives the one that the shape rules below start from.
# "d" is called ㇀ in cnchar's own table but is a left dot (忄 火), hence D.
LETTER_TYPES = {
    "a": "HZZP", "b": "SZ", "c": "HZ", "d": "D", "e": "HP", "f": "S", "g": "SG", "h": "ST", "i": "T", "j": "H",
    "k": "D", "l": "N", "m": "PD", "n": "PZ", "o": "HZWG", "p": "HZT", "q": "HZZZ", "r": "HZG", "s": "P", "t": "WG",
    "u": "SWG", "v": "HZW", "w": "HPWG", "x": "SZZ", "y": "XG", "z": "SZWG",
}  # fmt: skip
MERGED_LETTERS = frozenset("belosvwxy")
_LETTERS = "".join(sorted(set(LETTER_TYPES) - {"d"}))

# Components whose ㇈-like stroke is the 横斜钩 of the standard; shapes of the two run into each other.
_SLANTED_HOOK = frozenset("气氣风風飞飛凤鳳卂虱夙")

# A letter with fewer strokes has no neighbours to speak for it (凸 is the only ㇎).
_RARE = 10

# Disagreements of these pairs are about a hook that the font leaves out (七) and not about the order of strokes.
_HOOKS = frozenset({("u", "b")})


@dataclass(frozen=True)
class Label:
    """A stroke's type and where it comes from (one of `data_file.LABEL_SOURCES`)."""

    stroke_type: str
    source: str


@dataclass(frozen=True)
class CrossValidation:
    """How the classifier does on characters that it has not seen.

    Attributes:
        strokes: labelled strokes judged.
        confusions: ``(given type, predicted type) -> [(char, stroke index, share of the votes)]``, the wrong ones only.
        counts: strokes of each given type.
        relabelled: strokes whose cnchar letter gave way to a unanimous vote.
    """

    strokes: int
    confusions: Mapping[tuple[str, str], Sequence[tuple[str, int, float]]]
    counts: Mapping[str, int]
    relabelled: Sequence[tuple[str, int]]

    @property
    def accuracy(self) -> float:
        """Share of strokes whose predicted type is the given one, cnchar's letters taken as they are."""
        return 1 - sum(len(cases) for cases in self.confusions.values()) / self.strokes

    @property
    def cleaned_accuracy(self) -> float:
        """The same share when the relabelled strokes are left out."""
        relabelled = set(self.relabelled)
        wrong = sum((char, at) not in relabelled for cases in self.confusions.values() for char, at, _ in cases)
        return 1 - wrong / (self.strokes - len(relabelled))

    def recall(self) -> dict[str, float]:
        """Share of each type's strokes that were recognised."""
        wrong = dict.fromkeys(self.counts, 0)
        for (given, _), cases in self.confusions.items():
            wrong[given] += len(cases)
        return {kind: 1 - wrong[kind] / count for kind, count in self.counts.items()}


def resample(median: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return ``count`` points of a polyline, equally spaced by arc length."""
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(median, axis=0), axis=1))])
    where = np.linspace(0.0, travelled[-1], count)
    return np.stack([np.interp(where, travelled, median[:, axis]) for axis in (0, 1)], axis=1)


def features(lines: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the classifier's features of resampled medians [n, 49, 2] in font units: float32 [n, 57] of integers.

    Twelve tangents, thirteen points about the box's centre in units of its larger side, length, box, end points.
    """
    points = lines[:, ::4]
    steps = np.diff(points, axis=1)
    tangents = steps / np.maximum(np.linalg.norm(steps, axis=2, keepdims=True), 1e-6)
    low, high = lines.min(axis=1), lines.max(axis=1)
    size = np.maximum((high - low).max(axis=1), 1.0)[:, None, None]
    offsets = (points - (low + high)[:, None] / 2) / size
    length = np.linalg.norm(np.diff(lines, axis=1), axis=2).sum(axis=1)
    scaled = [
        tangents.reshape(len(lines), -1),
        2 * offsets.reshape(len(lines), -1),
        np.minimum(length, 1600.0)[:, None] / 512,
        (high - low) / 512,
        points[:, 0] / 1024,
        points[:, -1] / 1024,
    ]
    table: NDArray[np.float32] = np.rint(24 * np.concatenate(scaled, axis=1)).astype(np.float32)
    return table


def vote(
    known: NDArray[np.float32], classes: NDArray[np.int64], asked: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each row of ``asked`` the class of most of its nearest rows of ``known``, and the share of votes.

    The nearest neighbour's vote counts 1.3, which decides ties.
    """
    halves = (known * known).sum(axis=1) / 2
    winners = np.empty(len(asked), np.int64)
    shares = np.empty(len(asked))
    for start in range(0, len(asked), 1024):
        rows = asked[start : start + 1024]
        distance = halves - rows @ known.T
        # Among equal distances the earlier row comes first, also at the last place: which of several equals a partition
        # keeps depends on the processor, but not their value.
        farthest = np.partition(distance, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1 : NEIGHBOURS]
        row, column = np.nonzero(distance <= farthest)
        order = np.lexsort((column, distance[row, column], row))
        rank_in_row = np.arange(len(order)) - np.searchsorted(row[order], row[order])
        near = column[order][rank_in_row < NEIGHBOURS].reshape(-1, NEIGHBOURS)
        votes = np.zeros((len(rows), int(classes.max()) + 1))
        for rank in range(NEIGHBOURS):
            votes[np.arange(len(rows)), classes[near[:, rank]]] += 1.3 if rank == 0 else 1.0
        winners[start : start + 1024] = votes.argmax(axis=1)
        shares[start : start + 1024] = votes.max(axis=1) / (NEIGHBOURS + 0.3)
    return winners, shares


def label(sources: Sources, corrections: Mapping[str, Correction]) -> tuple[dict[str, list[Label]], CrossValidation]:
    """Label every stroke of ``sources.paths`` (corrected characters in their corrected order)."""
    chars = [char for char, paths in sources.paths.items() for _ in paths]
    places = [place for paths in sources.paths.values() for place in range(len(paths))]
    lines = np.array([resample(path.median, SAMPLES) for paths in sources.paths.values() for path in paths])
    table = features(lines)
    by_hand = {char: correction.types for char, correction in corrections.items() if correction.types}
    given = np.full(len(chars), -1)
    for row, (char, place) in enumerate(zip(chars, places, strict=True)):
        letters = sources.letters.get(char, "")
        if char not in by_hand and len(letters) == len(sources.paths[char]):
            given[row] = _LETTERS.index(letters[place].replace("d", "k"))

    contradicted = np.array(
        [row >= 0 and contradicts(_LETTERS[row], line) for row, line in zip(given.tolist(), lines, strict=True)]
    )
    # Every labelled stroke is judged by the characters of the other folds.
    fold = np.array([sha256(char.encode()).digest()[1] % FOLDS for char in chars])
    predicted = np.full(len(chars), -1)
    shares = np.zeros(len(chars))
    for held_out in range(FOLDS):
        judged = (given >= 0) & (fold == held_out)
        taught = (given >= 0) & (fold != held_out) & ~contradicted
        if judged.any() and taught.sum() > NEIGHBOURS:
            predicted[judged], shares[judged] = vote(table[taught], given[taught], table[judged])
    given_before = given.copy()
    unanimous = (given >= 0) & (predicted >= 0) & (predicted != given) & (shares > 0.99)
    common = np.bincount(given[given >= 0], minlength=len(_LETTERS)) >= _RARE
    credible = np.array(
        [
            before >= 0 and after >= 0 and common[before] and (_LETTERS[before], _LETTERS[after]) not in _HOOKS
            for before, after in zip(given.tolist(), predicted.tolist(), strict=True)
        ]
    )
    doubtful = {chars[row] for row in np.flatnonzero((unanimous & credible) | contradicted)}
    relabelled = np.array([char in doubtful for char in chars]) & credible & (predicted != given)
    given[relabelled] = predicted[relabelled]

    asked = given < 0
    classified = given.copy()
    if asked.any():
        classified[asked], _ = vote(table[~asked], given[~asked], table[asked])

    slanted = {char for char in sources.paths if _contains(char, _SLANTED_HOOK, sources.parts)}
    labels: dict[str, list[Label]] = {char: [] for char in sources.paths}
    for row, (char, place) in enumerate(zip(chars, places, strict=True)):
        if char in by_hand:
            labels[char].append(Label(by_hand[char][place], "corrected"))
            continue
        letter = _LETTERS[classified[row]]
        source = "classified" if asked[row] or relabelled[row] else "resolved" if letter in MERGED_LETTERS else "cnchar"
        labels[char].append(Label(resolve(letter, lines[row], char in slanted), source))

    confusions: dict[tuple[str, str], list[tuple[str, int, float]]] = {}
    counts: dict[str, int] = {}
    judged = (given_before >= 0) & (predicted >= 0)
    for row in np.flatnonzero(judged).tolist():
        kind = resolve(_LETTERS[given_before[row]], lines[row], chars[row] in slanted)
        counts[kind] = counts.get(kind, 0) + 1
        if predicted[row] != given_before[row]:
            other = resolve(_LETTERS[predicted[row]], lines[row], chars[row] in slanted)
            confusions.setdefault((kind, other), []).append((chars[row], places[row], float(shares[row])))
    moved = [(chars[row], places[row]) for row in np.flatnonzero(relabelled)]
    return labels, CrossValidation(int(judged.sum()), confusions, dict(sorted(counts.items())), moved)


def resolve(letter: str, line: NDArray[np.float64], slanted_hook: bool) -> str:
    """Return the stroke type of one cnchar letter, parting merged letters by shape.

    Args:
        letter: cnchar's.
        line: the median, [49, 2] in font units (y up), equally spaced.
        slanted_hook: whether the character holds 气, 风 or another component written with 横斜钩.

    The thresholds lie in gaps of the measured shapes, except for P and SP, which run into each other.
    """
    heading = _heading(line)
    width, height = np.maximum(np.ptp(line, axis=0), 1.0)
    if letter == "b":  # 西 has a round bend, 山 a corner
        return "SW" if _sharpest(heading) < 75 else "SZ"
    if letter == "e":  # 宀 and 皮 only hook back, 又 and 夕 fall away
        corner = int(np.argmax(line[:, 0]))
        return "HG" if (line[corner, 1] - line[-1, 1]) / width < 0.32 else "HP"
    if letter == "l":  # the head of 辶's last stroke rises
        return "TN" if heading[:8].mean() < 0 else "N"
    if letter == "o":
        if slanted_hook:
            return "HXG"
        corner = int(np.argmax(line[:20, 0]))  # 乙 runs back to the left
        return "HXWG" if (line[24:, 0].min() - line[corner, 0]) / width < -0.2 else "HZWG"
    if letter == "s":  # 月 and 厂 start straight down
        return "SP" if np.mean(np.abs(heading - 90) < 12) >= 0.3 and height > 150 else "P"
    if letter == "v":  # 凹 has two corners, 朵 a corner and a bend
        return "HZZ" if -(heading[4:] - heading[:-4]).min() > 80 else "HZW"
    if letter == "w":  # 乃 reaches out further below than above, 阝 does not
        reach = (line[24:, 0].max() - line[:20, 0].max()) / width
        return "HZZZG" if reach > 0.36 or width / height > 0.6 else "HPWG"
    if letter == "x":  # 专 has a long first section and a falling last one; the head may slant, so it is passed over
        first = 6 + int(np.argmax(heading[6:] < 45))
        fall = np.degrees(np.arctan2(line[42, 1] - line[48, 1], line[48, 0] - line[42, 0]))
        return "SZP" if first > 23 and fall > 105 else "SZZ"
    if letter == "y":  # 心's hook turns up before its end, 戈's falls all the way
        return "BXG" if heading[30:38].mean() < -5 else "XG"
    return LETTER_TYPES[letter]


def contradicts(letter: str, line: NDArray[np.float64]) -> bool:
    """Whether a stroke cannot be what cnchar's letter says: an upright 横, a level 竖, a straight 横折.

    Then the two sources write the character in different orders, as they do 門 and 韋.
    """
    across, down = np.abs(line[-1] - line[0])
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    straight = np.hypot(across, down) / max(length, 1e-6)
    if letter == "j":
        return bool(down > across or straight < 0.8)
    if letter == "f":
        return bool(across > down or straight < 0.8)
    return letter == "c" and bool(straight > 0.95)


def _heading(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees, 0 to the right and 90 down, unwrapped."""
    step = np.diff(line, axis=0)
    heading: NDArray[np.float64] = np.degrees(np.unwrap(np.arctan2(-step[:, 1], step[:, 0])))
    return heading


def _sharpest(heading: NDArray[np.float64]) -> float:
    """Largest turn within a twelfth of the stroke's length."""
    return float(np.abs(heading[4:] - heading[:-4]).max())


def _contains(
    char: str, wanted: frozenset[str], parts: Mapping[str, Sequence[Sequence[tuple[str, int]]]], depth: int = 6
) -> bool:
    if char in wanted:
        return True
    return depth > 0 and any(
        part != char and _contains(part, wanted, parts, depth - 1) for split in parts.get(char, ()) for part, _ in split
    )
