"""The table of the 38 stroke types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hierbrush.errors import HierbrushError
from hierbrush.strokes.types import ABBREVIATIONS, load_primitive, stroke_type, stroke_types

# The 33 strokes that the project set out with, twelve of them by characters outside Unicode's block.
SEED = dict(
    zip(
        "㇐㇑㇒㇏丶乛㇕㇆㇗㇘𠄌亅𠃋㇙𡿨㇅𠃑乚㇠㇁㇢㇂㇈㇉㇊ㄣ㇇乁⺄㇌㇋㇎𠄎",
        [
            "H",
            "S",
            "P",
            "N",
            "D",
            "HG",
            "HZ",
            "HZG",
            "SZ",
            "SWZ",
            "ST",
            "SG",
            "PZ",
            "ST",
            "PD",
            "HZZ",
            "SZZ",
            "SWG",
            "HXWG",
        ]
        + ["WG", "PG", "XG", "HZWG", "SZWG", "HZT", "SZP", "HP", "HXWG", "HXG", "HPWG", "HZZP", "HZZZ", "HZZZG"],
        strict=True,
    )
)


def test_there_are_38_types_in_the_order_of_unicode() -> None:
    assert len(ABBREVIATIONS) == 38
    assert [kind.abbreviation for kind in stroke_types()] == list(ABBREVIATIONS)
    assert [kind.code_point for kind in stroke_types()] == list(range(0x31C0, 0x31E6))
    assert stroke_type("HZG").glyph == "㇆"
    assert stroke_type("SZP").number == 37


def test_every_glyph_of_the_seed_list_resolves() -> None:
    assert {glyph: stroke_type(glyph).abbreviation for glyph in SEED} == SEED


@pytest.mark.parametrize("name", ["HZG", "hzg", "㇆", "横折钩", "𠃌"])
def test_any_name_of_a_type_finds_it(name: str) -> None:
    assert stroke_type(name) is stroke_type("HZG")


@pytest.mark.parametrize(("name", "hint"), [("HZH", "did you mean 'HZ"), ("横折沟", "did you mean '横折"), ("", "38")])
def test_an_unknown_name_is_answered_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(HierbrushError, match="none of the 38 stroke types") as caught:
        stroke_type(name)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abbreviation: [", r"H\.yaml:\d+:\d+: "),
        ("- H", "expected a mapping"),
        ("abreviation: H", "unknown field 'abreviation'; did you mean 'abbreviation'"),
        ("abbreviation: H", "code_point: None, expected str"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "H.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HierbrushError, match=message):
        load_primitive(path)


def test_importing_strokes_reads_no_yaml() -> None:
    code = "import sys, hierbrush.strokes.types; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
