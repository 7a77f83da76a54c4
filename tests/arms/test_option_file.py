"""Arm files: an example that works, a schema that holds it, and mistakes with their line and column."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from hierbrush.arms import Arm
from hierbrush.arms.option_file import arm_schema, example, load_arm
from hierbrush.yaml_source import ConfigError

POINTS = [[0.5, 0.1, 0.0], [0.5, -0.1, 0.0], [0.4, -0.1, 0.0], [0.4, 0.1, 0.0]]


def test_the_example_is_the_default_arm(tmp_path: Path) -> None:
    file = tmp_path / "arm.yaml"
    file.write_text(example())
    assert load_arm(file) == Arm()
    jsonschema.validate(yaml.safe_load(example()), arm_schema())


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "arm.yaml"
    text = {"model": "so101", "points": POINTS, "stone": [0.4, -0.2, 0.0], "joint_speed": 1.0}
    file.write_text(yaml.safe_dump(text))
    assert load_arm(file) == Arm("so101", points=tuple(map(tuple, POINTS)), stone=(0.4, -0.2, 0.0), joint_speed=1.0)
    jsonschema.validate(text, arm_schema())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("modle: so101", "arm.yaml:1:1: unknown key 'modle'; did you mean 'model'"),
        ("model: so101\ntravel: high", "arm.yaml:2:9: travel: 'high'"),
        ("points: [[0, 0, 0]]", "arm.yaml:1:9: points"),
        ("model: nobody", "arm.yaml:1:1: 'nobody' is none of"),
    ],
)
def test_mistakes_are_placed(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "arm.yaml").write_text(text)
    with pytest.raises(ConfigError) as found:
        load_arm(tmp_path / "arm.yaml")
    assert told in str(found.value)


def test_a_model_is_looked_for_beside_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "robot"
    folder.mkdir()
    (folder / "crane.urdf").write_text("<robot/>")
    (folder / "arm.yaml").write_text(yaml.safe_dump({"model": "crane.urdf", "points": POINTS}))
    assert load_arm(folder / "arm.yaml").model == str(folder / "crane.urdf")
