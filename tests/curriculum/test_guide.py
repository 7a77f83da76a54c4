"""What docs/curricula.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hierbrush.curriculum import ConfigError, load_curriculum
from hierbrush.curriculum.model import Brush, Episode, Goals, Promotion, Randomisation, Reward, Stage

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "curricula.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", GUIDE, flags=re.S)
CURRICULA = [text for language, text in BLOCKS if language == "yaml" and text.startswith("format:")]


def test_the_first_attempt_fails_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # The modeline of step 1 is the first line of the file that is checked.
    Path("my-dots.yaml").write_text("# modeline\n" + CURRICULA[0], encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_curriculum("my-dots.yaml")
    for line in str(caught.value).splitlines():
        assert f"hierbrush: error: {line}\n" in GUIDE


def test_the_second_attempt_is_the_curriculum_that_ships_but_for_descriptions(tmp_path: Path) -> None:
    path = tmp_path / "my-dots.yaml"
    path.write_text(CURRICULA[1], encoding="utf-8")
    mine = load_curriculum(path)
    shipped = load_curriculum(Path(__file__).resolve().parents[2] / "curricula" / "dots.yaml")
    plain = [stage.model_copy(update={"description": ""}) for stage in shipped.stages]
    assert list(mine.stages) == plain


def test_the_table_has_every_key() -> None:
    sections = {"goals": Goals, "brush": Brush, "randomisation": Randomisation, "episode": Episode, "reward": Reward}
    for name, model in {**sections, "promotion": Promotion}.items():
        (keys,) = re.findall(rf"^\| `{name}` \| (.*?) \|", GUIDE, flags=re.M)
        assert re.findall(r"`(\w+)`", keys) == list(model.model_fields)
        assert name in Stage.model_fields


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    (code,) = [text for language, text in BLOCKS if language == "python"]
    names: dict[str, object] = {}
    exec(code, names)
    assert len(names["goals"]) == 16  # type: ignore[arg-type]
    assert names["event"] is None
