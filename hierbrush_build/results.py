"""Tables in Markdown pages: of results, made of the figures that commands leave as JSON, and of settings.

``docs/results/NAME.yaml`` says which command measures and how its figures become a table; ``docs/results/NAME.json``
holds what was measured, with the command, the commit and the day. A page shows the table between two lines::

    <!-- results: NAME -->
    <!-- /results -->

and the settings of a kind of training (`hierbrush_build.settings`) between ``<!-- settings: KIND -->`` and
``<!-- /settings -->``. ``python -m hierbrush_build.results`` (``make results``) writes all tables anew; with names it
measures these first, which takes as long as their commands take. A table's file has

* ``command``, with ``FILE`` where it writes its JSON, which else is read from its standard output;
* ``columns``, the heads, and ``rows``; cells of both are format strings on the figures, such as
  ``{rows[learned][iou][mean]:.3f}``, or ``{figures[any name]}``; numbers have no zero before the point;
* ``figures``, the name of another table whose figures it shows, in place of ``command``;
* ``drop``, names of figures that are not kept, such as those of every single character; ``.NAME`` only at the top.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any

from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.files import read_json, write_atomically
from hierbrush.resources import commit
from hierbrush.yaml_source import read_yaml
from hierbrush_build.settings import settings

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "results"

_BLOCK = re.compile(r"(<!-- (results|settings): ([\w-]+) -->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)


class _Figures(Formatter):
    """Format strings whose numbers have no zero before the point, as tables of shares are printed here."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return a figure as text."""
        text: str = super().format_field(value, format_spec)
        return text.removeprefix("0") if text.startswith("0.") else text


def names() -> list[str]:
    """Return the names of all tables."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def pages() -> list[Path]:
    """Return the pages that may show tables."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "benchmarks").glob("*.md"))]


def table(name: str) -> str:
    """Return a table in Markdown, and a line that says where its figures come from.

    Raises:
        HierbrushError: there is no such table, or a cell names a figure that was not measured.
    """
    described = _described(name)
    measured = read_json(FOLDER / f"{described.get('figures', name)}.json", most=1 << 24, argument="results")
    cells = (described["columns"], *described["rows"])
    lines = [[_cell(name, cell, measured["figures"]) for cell in row] for row in cells]
    lines.insert(1, ["---"] * len(lines[0]))
    told = f"`{measured['command']}`, commit {measured['commit'][:7]}, {measured['date']}"
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + f"\n({told})\n"


def _described(name: str) -> dict[str, Any]:
    if name not in names():
        raise HierbrushError(f"results: there is no table {shown(name)}{closest(name, names())}")
    return dict(read_yaml(FOLDER / f"{name}.yaml").data)


def _cell(name: str, cell: str, figures: dict[str, Any]) -> str:
    try:
        return _Figures().vformat(cell, (), {"figures": figures, **figures})
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise HierbrushError(f"results: {name}.yaml: {shown(cell)} names no figure of {name}.json: {error!r}") from None


def shown_in(text: str) -> Iterator[str]:
    """Yield the names of the results that a page shows."""
    return (found[3] for found in _BLOCK.finditer(text) if found[2] == "results")


def renewed(text: str) -> str:
    """Return a page with its tables made anew."""
    made = {"results": table, "settings": settings}
    return _BLOCK.sub(lambda found: f"{found[1]}{made[found[2]](found[3])}{found[5]}", text)


def measure(name: str) -> None:
    """Run a table's command and keep its figures."""
    described = _described(name)
    if "figures" in described:
        raise HierbrushError(f"results: {name} shows the figures of {described['figures']}; measure that")
    command = described["command"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        arguments = [str(file) if part == "FILE" else part for part in shlex.split(command)]
        if arguments[0] in ("hierbrush", "python"):
            arguments[:1] = [sys.executable, "-m", "hierbrush"] if arguments[0] == "hierbrush" else [sys.executable]
        printed = subprocess.run(arguments, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        figures = json.loads(file.read_text(encoding="utf-8") if file.exists() else printed)
    measured = {
        "command": command.replace(" --json FILE", "").replace(" --json", ""),
        "commit": commit() or "unknown",
        "date": datetime.now(UTC).date().isoformat(),
        "figures": kept(figures, described.get("drop", ())),
    }
    write_atomically(FOLDER / f"{name}.json", (json.dumps(measured, ensure_ascii=False, indent=1) + "\n").encode())


def kept(figures: dict[str, Any], drop: Sequence[str]) -> dict[str, Any]:
    """Return figures without those that a table's ``drop`` names."""
    left: dict[str, Any] = _without(figures, set(drop))
    return {name: value for name, value in left.items() if f".{name}" not in drop}


def _without(figures: Any, dropped: set[str]) -> Any:
    if isinstance(figures, dict):
        return {name: _without(value, dropped) for name, value in figures.items() if name not in dropped}
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is named, then write all tables anew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="tables whose commands are run first")
    options = parser.parse_args(arguments)
    try:
        for name in options.names:
            measure(name)
        for page in pages():
            text = page.read_text(encoding="utf-8")
            if renewed(text) != text:
                write_atomically(page, renewed(text).encode())
                print(page.relative_to(ROOT))
    except HierbrushError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
