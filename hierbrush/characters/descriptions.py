"""What ideographs are made of, by tables that know no strokes: for characters that the library holds no glyph of."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hierbrush.errors import HierbrushError

FILE = Path(__file__).resolve().parent / "data" / "descriptions.txt"

PARTS = dict.fromkeys("⿰⿱⿴⿵⿶⿷⿸⿹⿺⿻", 2) | dict.fromkeys("⿲⿳", 3)
"""Number of parts that each operator puts together."""

RADICALS = str.maketrans(
    "⺁⺂⺃⺄⺅⺆⺇⺉⺎⺏⺐⺒⺓⺔⺕⺖⺘⺙⺛⺜⺝⺞⺟⺠⺡⺢⺣⺤⺥⺦⺧⺨⺩⺪⺫⺬⺭⺯⺰⺲⺶⺷⺹⺺⺻⺾⺿⻀⻁⻂⻃⻄⻅⻆⻇⻈⻉⻊⻋⻌⻍⻎⻏⻐⻑⻒⻓⻔⻕⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳𠂊𤣩𥫗𦍌𦥑𧾷㇐㇑㇒㇓㇔㇚㇟",
    "厂乛乚乙亻冂几刂兀尢尢巳幺彑彐忄扌攵旡日月歹母民氵氺灬爫爫丬牛犭王疋罒示礻糹纟罒羊羊耂肀聿艹艹艹虎衤覀西见角角讠贝足车辶辶辶阝钅長镸长门阜阝雨青韦页风飞食食飠饣首马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟⺈王⺮羊臼足一丨丿丿丶亅乚",
)
"""Radicals that Unicode keeps apart from the characters that they are, and does not fold by normalisation; and forms of
radicals that stand among the ideographs, and strokes that are characters."""

Structure = str | tuple[str, tuple["Structure", ...]]
"""A part's name, or an operator and what it puts together."""


class DescriptionTable:
    """Descriptions of some 100,000 ideographs, read as a whole in a tenth of a second.

    Args:
        path: a text file: name, tab, descriptions with tabs between them. Parts that are no character have names of
            several letters, which stand in braces within descriptions.

    Raises:
        HierbrushError: the file is missing or broken.
    """

    def __init__(self, path: Path = FILE) -> None:
        try:
            rows = path.read_text(encoding="utf-8").splitlines()
            self._lines = dict(row.split("\t", 1) for row in rows if not row.startswith("#"))
        except (OSError, ValueError) as error:
            raise HierbrushError(f"{path}: cannot be read: {error}; reinstall hierbrush") from None

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, name: object) -> bool:
        return name in self._lines

    def of(self, name: str) -> tuple[Structure, ...]:
        """Return what a character or part is made of, one structure for each way that is known; the best known first.

        A structure that is a name alone says that the part is written as that one.
        """
        lines = self._lines.get(name, "")
        return tuple(_structure(line) for line in lines.split("\t")) if lines else ()


@lru_cache(maxsize=1)
def load_descriptions() -> DescriptionTable:
    """Return the table that ships with hierbrush, read once a process."""
    return DescriptionTable()


def _structure(line: str) -> Structure:
    return _read(line, 0)[0]


def _read(line: str, at: int) -> tuple[Structure, int]:
    """Return the structure that begins at a place in a line, and where it ends."""
    char = line[at]
    if char == "{":
        end = line.index("}", at)
        return line[at + 1 : end], end + 1
    if char not in PARTS:
        return char, at + 1
    parts = []
    at += 1
    for _ in range(PARTS[char]):
        part, at = _read(line, at)
        parts.append(part)
    return (char, tuple(parts)), at
