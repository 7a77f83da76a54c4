"""What a build holds: coverage, where labels came from, how good they are, and agreement with a reference."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush_build.characters.corrections import Correction
from hierbrush_build.characters.cuts import GlyphCut
from hierbrush_build.characters.decompositions import Decompositions
from hierbrush_build.characters.labels import CrossValidation, Label
from hierbrush_build.characters.orders import as_lines


def make_report(
    labels: Mapping[str, Sequence[Label]], validation: CrossValidation, decompositions: Decompositions
) -> dict[str, Any]:
    """Return the figures of a build as they are written to JSON."""
    strokes = [label for sequence in labels.values() for label in sequence]
    sources = Counter(label.source for label in strokes)
    types = Counter(label.stroke_type for label in strokes)
    cuts = decompositions.cuts
    names = [name for cut in cuts.values() for name in cut.names]
    return {
        "characters": len(labels),
        "strokes": len(strokes),
        "label_sources": dict(sorted(sources.items())),
        "strokes_by_type": {kind: types[kind] for kind in ABBREVIATIONS},
        "cross_validation": {
            "strokes": validation.strokes,
            "accuracy_against_cnchar": round(validation.accuracy, 4),
            "accuracy_without_relabelled": round(validation.cleaned_accuracy, 4),
            "relabelled_strokes": len(validation.relabelled),
            "relabelled_characters": "".join(sorted({char for char, _ in validation.relabelled})),
            "recall": {kind: round(share, 3) for kind, share in sorted(validation.recall().items())},
            "largest_confusions": {
                f"{given} taken for {taken}": len(cases)
                for (given, taken), cases in sorted(validation.confusions.items(), key=lambda item: -len(item[1]))[:20]
            },
        },
        "decompositions": {
            "characters": len(cuts),
            "share": round(len(cuts) / len(labels), 4),
            "origin": dict(sorted(Counter(cut.origin for cut in cuts.values()).items())),
            "operators": dict(sorted(Counter(cut.operator for cut in cuts.values()).items())),
            "named_sides": sum(name is not None for name in names),
            "anonymous_sides": sum(name is None for name in names),
            "anonymous_components": len(decompositions.anonymous),
        },
    }


def agreement(cuts: Mapping[str, GlyphCut], corrections: Mapping[str, Correction], reference: Path) -> dict[str, Any]:
    """Compare top partitions with a reference in Make Me a Hanzi's form; for measuring only.

    Judged are characters whose every stroke has a path in the reference. ``partition`` counts those with the same sets
    of strokes, ``operator`` those with the same operator besides.
    """
    entries = json.loads(reference.read_text(encoding="utf-8"))
    table: dict[str, Counter[str]] = {}
    for char, cut in cuts.items():
        entry = entries.get(char)
        if entry is None or not all(entry["matches"]):
            continue
        matches = entry["matches"]
        if char in corrections:
            matches = [matches[index] for index in corrections[char].order]
        theirs: dict[int, set[int]] = {}
        for index, path in enumerate(matches):
            theirs.setdefault(path[0], set()).add(index)
        row = table.setdefault(entry["ids"][0], Counter())
        same = sorted(map(sorted, theirs.values())) == sorted(map(sorted, cut.strokes))
        row["judged"] += 1
        row["partition"] += same
        row["operator"] += same and cut.operator == entry["ids"][0]
    total = Counter[str]()
    for row in table.values():
        total.update(row)
    rows = {"all": total} | dict(sorted(table.items(), key=lambda item: -item[1]["judged"]))
    return {operator: dict(row) for operator, row in rows.items()}


def as_text(report: Mapping[str, Any]) -> str:
    """Return the report for reading."""
    validation, trees = report["cross_validation"], report["decompositions"]
    weakest = sorted(validation["recall"].items(), key=lambda item: item[1])[:8]
    lines = [
        f"{report['characters']} characters, {report['strokes']} strokes",
        "labels:         " + ", ".join(f"{source} {count}" for source, count in report["label_sources"].items()),
        f"cross-validated by character on {validation['strokes']} strokes: "
        f"{validation['accuracy_against_cnchar']:.2%} against cnchar's letters, "
        f"{validation['accuracy_without_relabelled']:.2%} without {validation['relabelled_strokes']} relabelled ones",
        "weakest:        " + ", ".join(f"{kind} {share:.3f}" for kind, share in weakest),
        f"decompositions: {trees['characters']} ({trees['share']:.1%}), {trees['named_sides']} named and "
        f"{trees['anonymous_sides']} anonymous sides",
    ]
    if "orders" in report:
        lines += as_lines(report["orders"])
    for operator, row in report.get("agreement", {}).items():
        judged = row["judged"]
        lines.append(
            f"agreement {operator:>4}: {judged:5} judged, same partition {row['partition'] / judged:.1%}, "
            f"and operator {row['operator'] / judged:.1%}"
        )
    return "\n".join(lines)
