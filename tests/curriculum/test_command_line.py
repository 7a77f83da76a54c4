from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from hierbrush.cli import main
from hierbrush.curriculum.model import json_schema
from hierbrush.resources import folder

DOTS = folder("curricula") / "dots.yaml"
MISSING = (
    "curriculum: there is no file 'gone.yaml'; hierbrush's own curricula are "
    "composer, dots, goals, no-curriculum, primitives, specialists"
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main(["curriculum", *map(str, arguments)])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_check_of_good_files(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("check", DOTS, folder("curricula") / "primitives.yaml") == 0
    out, err = capfd.readouterr()
    assert out.splitlines()[0] == f"{DOTS}: fine: teaches 1 stroke type in the stages large, all-sizes"
    assert err == ""


def test_hierbrushs_own_have_names(capfd: pytest.CaptureFixture[str], elsewhere: Path) -> None:
    for name in ("curricula/dots.yaml", "dots.yaml", "dots"):
        assert run("check", name) == 0
        assert capfd.readouterr().out.startswith(f"{DOTS}: fine")
    assert run("show", "dots") == 0
    assert capfd.readouterr().out == "dots.sheet.png\n"
    # A file that is there goes first, whatever hierbrush has.
    (elsewhere / "dots.yaml").write_text("format: 1")
    assert run("check", "dots.yaml") == 2
    assert "dots.yaml:1:1: missing key" in capfd.readouterr().err
    # A folder of that name does not.
    (elsewhere / "primitives").mkdir()
    assert run("check", "primitives") == 0


def test_check_names_every_problem_of_every_file(capfd: pytest.CaptureFixture[str], elsewhere: Path) -> None:
    broken = DOTS.read_text(encoding="utf-8").replace("threshold: 0.9,", "treshold: 0.9,")
    (elsewhere / "broken.yaml").write_text(broken, encoding="utf-8")
    assert run("check", "broken.yaml", DOTS, "gone.yaml") == 2
    out, err = capfd.readouterr()
    assert out.splitlines() == [f"{DOTS}: fine: teaches 1 stroke type in the stages large, all-sizes"]
    assert err.splitlines() == [
        "hierbrush: error: broken.yaml:14:16: missing key 'threshold' in stages[0].promotion",
        "hierbrush: error: broken.yaml:14:17: unknown key 'treshold'; did you mean 'threshold'?",
        f"hierbrush: error: {MISSING}",
    ]


def test_show_draws_and_names_the_file(capfd: pytest.CaptureFixture[str], elsewhere: Path) -> None:
    assert run("show", DOTS, "--seed", "3") == 0
    assert capfd.readouterr().out == "dots.sheet.png\n"
    with Image.open(elsewhere / "dots.sheet.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1500


LONG = "x" * 260
"""More than a file's name may have; a path's own is_dir raises at it."""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "gone.yaml"), MISSING),
        (("check", "dot"), MISSING.replace("gone.yaml", "dot") + "; did you mean 'dots'?"),
        (("check", "."), MISSING.replace("there is no file 'gone.yaml'", "'.' is a folder")),
        (("show", str(DOTS), "-o", "x.gif"), "--output: 'x.gif' must end in .png, .svg or .pdf"),
        (("show", str(DOTS), "-o", "no/x.png"), "--output: cannot write 'no/x.png': there is no folder 'no'"),
        (("show", str(DOTS), "-o", f"{LONG}/x.png"), f"--output: cannot write '{LONG}/x.png': File name too long"),
        (("show", str(DOTS), "--stroke", "H"), f"--stroke: {str(DOTS)!r} does not teach 'H'; it teaches D"),
        (("show", str(DOTS), "--stroke", "d"), f"--stroke: {str(DOTS)!r} does not teach 'd'; did you mean 'D'?"),
        (("schema", "-o", "no/such/x.json"), "--output: cannot write 'no/such/x.json': No such file or directory"),
    ],
)  # fmt: skip
def test_errors_are_one_line_and_status_2(
    capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert run(*arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err == f"hierbrush: error: {message}\n"


def test_missing_arguments_and_bad_seed(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("check") == 2
    assert run("show", DOTS, "--seed", "-1") == 2
    assert all(line.startswith("hierbrush: error: ") for line in capfd.readouterr().err.splitlines())


def test_schema(capfd: pytest.CaptureFixture[str], elsewhere: Path) -> None:
    assert run("schema") == 0
    printed = capfd.readouterr().out
    assert json.loads(printed) == json_schema()
    assert run("schema", "-o", "s.json") == 0
    assert (elsewhere / "s.json").read_text(encoding="utf-8") == printed
