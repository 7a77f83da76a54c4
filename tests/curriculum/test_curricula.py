"""The curricula and the schema that ship."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hierbrush.curriculum import Curriculum, StageMachine, load_curriculum
from hierbrush.curriculum.model import SCHEMA_NAME, json_schema
from hierbrush.resources import folder
from hierbrush.strokes.types import ABBREVIATIONS

FOLDER = folder("curricula")
FILES = sorted(FOLDER.glob("*.yaml"))
MODELINE = f"# yaml-language-server: $schema={SCHEMA_NAME}"


def test_all_are_found() -> None:
    assert {file.stem for file in FILES} >= {"primitives", "dots"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_shipped_curriculum_is_valid(file: Path) -> None:
    curriculum = load_curriculum(file)
    assert curriculum.name == file.stem
    assert all(stage.description for stage in curriculum.stages)
    assert StageMachine(curriculum).start().name == curriculum.stages[0].name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_modeline_names_the_schema(file: Path) -> None:
    assert file.read_text(encoding="utf-8").splitlines()[0] == MODELINE, "the first line tells editors the schema"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_published_schema_accepts_what_the_models_accept(file: Path) -> None:
    schema = json.loads((FOLDER / SCHEMA_NAME).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    asked = "goals" if "goals" in document["stages"][0] else "characters"
    document["stages"][0][asked[:-1]] = document["stages"][0].pop(asked)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_published_schema_is_fresh() -> None:
    published = (FOLDER / SCHEMA_NAME).read_text(encoding="utf-8")
    assert published == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", (
        "stale: hierbrush curriculum schema -o curricula/curriculum.schema.json"
    )


def _properties(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(node, dict):
        return []
    found = [(f"{path}.{key}", value) for key, value in node.get("properties", {}).items()]
    return found + [item for key, value in node.items() for item in _properties(value, f"{path}.{key}")]


def test_every_field_is_described_and_every_number_bounded() -> None:
    properties = _properties(json_schema())
    assert len(properties) > 40
    for path, schema in properties:
        assert schema.get("description"), f"{path} has no description"
        if schema.get("type") in ("number", "integer") and "const" not in schema:
            assert {"minimum", "exclusiveMinimum"} & schema.keys(), f"{path} has no lower bound"
            assert {"maximum", "exclusiveMaximum"} & schema.keys(), f"{path} has no upper bound"


def test_primitives_teaches_everything_in_growing_difficulty() -> None:
    curriculum = load_curriculum(FOLDER / "primitives.yaml")
    assert curriculum.stroke_types == ABBREVIATIONS
    thresholds = [stage.promotion.threshold for stage in curriculum.stages]
    assert thresholds == sorted(thresholds)
    # The scripted follower has .89 (it is what an untrained policy does), a trained one .96.
    assert thresholds[0] > 0.89
    assert thresholds[-1] <= 0.965
    assert curriculum.stages[-1].randomisation.brush > 0
    assert curriculum.stages[-1].goals.basis is not None


def test_a_curriculum_survives_json() -> None:
    for file in FILES:
        curriculum = load_curriculum(file)
        assert Curriculum.model_validate_json(curriculum.model_dump_json()) == curriculum
        assert Curriculum.model_validate(curriculum.model_dump(mode="json")) == curriculum
