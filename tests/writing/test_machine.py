from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from hierbrush.errors import HierbrushError
from hierbrush.writing import GcodeOptions
from hierbrush.writing.machine import example, load_machine, machine_schema


def test_the_example_is_the_default_machine(tmp_path: Path) -> None:
    file = tmp_path / "machine.yaml"
    file.write_text(example())
    assert load_machine(file) == GcodeOptions()
    jsonschema.validate(yaml.safe_load(example()), machine_schema())


def test_a_file_says_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "machine.yaml"
    file.write_text("dialect: klipper\nwork_x: [0, 420]\nbefore: |\n  G28\n  M3 S90\n")
    assert load_machine(file) == GcodeOptions(dialect="klipper", work_x=(0, 420), before=("G28", "M3 S90"))
    jsonschema.validate(yaml.safe_load(file.read_text()), machine_schema())


def test_every_mistake_is_told_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "machine.yaml"
    file.write_text("lfit: 3\nwrite_feed: fast\nwork_y: [5, 1]\ndialect: grbl\n")
    with pytest.raises(HierbrushError) as caught:
        load_machine(file)
    assert str(caught.value).splitlines() == [
        f"{file}:1:1: unknown key 'lfit'; did you mean 'lift'?",
        f"{file}:2:13: write_feed: 'fast', expected mm/min from 1 to 600000",
        f"{file}:3:9: work_y: [5, 1], expected the lowest position before the highest",
    ]


@pytest.mark.parametrize("wrong", [{"lfit": 3}, {"dialect": "merlin"}, {"lift": 0}, {"work_x": [1]}, {"after": 3}])
def test_the_schema_refuses_what_the_reader_does(wrong: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "machine.yaml"
    file.write_text(yaml.safe_dump(wrong))
    with pytest.raises(HierbrushError):
        load_machine(file)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, machine_schema())
