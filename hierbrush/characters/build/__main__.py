"""``python -m hierbrush.characters.build``: make the character file from the three packages."""

from __future__ import annotations

from pathlib import Path

import click

from hierbrush.characters.build.labels import label
from hierbrush.characters.build.sources import read_sources
from hierbrush.characters.data_file import LABEL_SOURCES, Part, Record, write
from hierbrush.characters.library import DATA_FILE
from hierbrush.strokes.types import NUMBER

NOTICE = (
    "Outlines and medians: hanzi-writer-data 2.0.1, from Make Me a Hanzi, from fonts (C) 1999 Arphic Technology Co., "
    "Ltd., under the Arphic Public License. Changed by the hierbrush project in November 2026: packed into one file, "
    "stroke types and decompositions added, stroke order of some characters corrected. This file as a whole may be "
    "passed on under the Arphic Public License. Stroke types: from cnchar-order 3.2.6 (MIT). Decompositions: from "
    "cjk-semantic-split 0.6.0 (MIT). No warranty."
)


@click.command()
@click.option("--hanzi-writer-data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--cnchar-order", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--cjk-semantic-split", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), default=DATA_FILE, show_default=True)
def main(hanzi_writer_data: Path, cnchar_order: Path, cjk_semantic_split: Path, out: Path) -> None:
    """Build the character file and print what it holds."""
    sources = read_sources(hanzi_writer_data, cnchar_order, cjk_semantic_split)
    labels = label(sources)
    records = []
    for char, paths in sources.paths.items():
        types = tuple(NUMBER[kind] for kind, _ in labels[char])
        origins = tuple(LABEL_SOURCES.index(source) for _, source in labels[char])
        records.append(Record(char, paths, types, origins, Part(ord(char), strokes=tuple(range(len(paths))))))
    write(out, records, NOTICE)
    click.echo(f"{out}: {len(records)} characters, {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
