"""Whole passages: whether anything in them is refused, how many sheets they fill, and how long they take.

    python benchmarks/bench_passages.py [--output FOLDER] [--limit N]

The passages are the files in ``benchmarks/passages``: classical texts as people copy them, and a page as newspapers
have it. *Written* is ``write_pages`` on ``--paper`` with ``--workers`` processes by the clock, after 永 has been
written once; each different character is written once. *Composed* are characters without a glyph. ``--output`` keeps
every passage as one PDF and its first sheet as PNG, whose time is *pictures*.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path

from hierbrush.writing import Layout, Page, write_character, write_pages
from hierbrush.writing.outputs import Output

PASSAGES = Path(__file__).resolve().parent / "passages"

IN_ROWS = ("报纸", "百家姓", "千字文-简")
"""Passages that are set in rows, as modern texts are."""


def layout_of(name: str, paper: str) -> Layout:
    """Return the layout of a passage: twelve columns of it, or as many rows as the paper holds of that size."""
    return Layout.on(paper, direction="horizontal" if name in IN_ROWS else "vertical", columns=12)


def save(name: str, pages: list[Page], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.pdf").write_bytes(Output.of("pdf").render_all(pages, title=name))
    pages[0].save(folder / f"{name}.png", size=96)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paper", default="A4", help="paper that the passages are written on")
    parser.add_argument("--workers", type=int, default=2, help="processes that share the work")
    parser.add_argument("--output", type=Path, help="folder for a PDF and a picture of each passage")
    parser.add_argument("--limit", type=int, help="only the first so many characters of each passage")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("passage         cells  different  composed  sheets  written s  pictures s")
    write_character("永")
    for file in sorted(PASSAGES.glob("*.txt")):
        start = time.perf_counter()
        text = file.read_text(encoding="utf-8")[: arguments.limit]
        pages = write_pages(text, layout=layout_of(file.stem, arguments.paper), workers=arguments.workers)
        written = time.perf_counter() - start
        start = time.perf_counter()
        if arguments.output is not None:
            save(file.stem, pages, arguments.output)
        pictures = time.perf_counter() - start
        cells = [writing for page in pages for writing in page]
        different = {writing.char: writing.composer != "" for writing in cells}
        name = file.stem + "　" * (6 - len(file.stem))
        print(
            f"{name}{len(cells):9d}{len(different):11d}{sum(different.values()):10d}{len(pages):8d}{written:11.1f}"
            f"{pictures:12.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
