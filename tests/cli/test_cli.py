from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hierbrush.cli import main
from hierbrush.writing import load, write_character, write_text


def run(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    out, err = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, out, err


def test_write_makes_every_file_and_prints_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / f"yong.{suffix}") for suffix in ("png", "svg", "json")]
    status, out, err = run(["write", "永", *(word for file in files for word in ("-o", file)), "--size", "64"], capsys)
    assert (status, out.split(), err) == (0, files, "")
    with Image.open(files[0]) as picture:
        assert picture.size == (64, 64)
    assert load(files[2]) == write_character("永")  # both with the default goal


def test_write_sets_several_characters_on_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "line.npz"
    arguments = ["write", "永和九", "-o", str(file), "--layout", "horizontal", "--cell", "60", "--per-line", "2"]
    assert run(arguments, capsys)[0] == 0
    page = load(file)
    assert page.text == "永和九"
    assert [round(cell.x, 3) for cell in page.cells] == [0.02, 0.086, 0.02]
    assert page != write_text("永和九")


def test_write_draws_the_hierarchy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "how.png"
    status, out, _ = run(["write", "⿰木月", "--hierarchy", str(file)], capsys)
    assert (status, out.split()) == (0, [str(file)])
    with Image.open(file) as image:
        assert image.width > 4 * 320
        picture = np.asarray(image).reshape(-1, 3)
    for colour in ((0, 114, 178), (213, 94, 0), (30, 30, 30)):
        assert (np.abs(picture.astype(int) - colour).max(axis=1) < 8).sum() > 1000


@pytest.mark.slow
def test_evaluate_compares_composers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--json", str(tmp_path / "x.json"), "--sheet", str(tmp_path / "x.png")]
    arguments = ["evaluate", "--goal", "decomposition", "--text", "湖林国", "--workers", "1", *files]
    status, out, _ = run(arguments, capsys)
    assert status == 0
    for name in ("learned", "component means", "nearest character", "fixed splits", "known", "top-1 ±2 %"):
        assert name in out
    rows = json.loads((tmp_path / "x.json").read_text())["rows"]
    assert rows["learned"]["all"]["top1"] >= rows["fixed splits"]["all"]["top1"]
    assert rows["learned"]["all"]["centre_error"] < rows["fixed splits"]["all"]["centre_error"]
    with Image.open(tmp_path / "x.png") as image:
        assert image.width > 1000


def test_evaluate_prints_the_table_and_writes_json_and_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--json", str(tmp_path / "x.json"), "--sheet", str(tmp_path / "x.png")]
    status, out, _ = run(["evaluate", "--limit", "3", *files], capsys)
    assert status == 0
    for name in ("scripted", "disc oracle", "zero", "random", "stroke IoU", "character IoU", "XOR/area", "Chamfer"):
        assert name in out
    document = json.loads((tmp_path / "x.json").read_text())
    rows = document["rows"]
    assert len(document["characters"]) == 3
    assert rows["learned"]["iou"]["mean"] > rows["disc oracle"]["iou"]["mean"] > rows["scripted"]["iou"]["mean"]
    assert rows["scripted"]["iou"]["mean"] > rows["random"]["iou"]["mean"]
    char = document["characters"][0]
    assert rows["learned"]["by_character"][char][0] == pytest.approx(
        write_character(char, goal="glyph").scores.iou, abs=1e-5
    )
    with Image.open(tmp_path / "x.png") as image:
        picture = np.asarray(image)
    assert picture.shape[1] > 3 * 256
    assert ((picture[..., 0] > 150) & (picture[..., 1] < 100)).sum() > 500


def test_doctor_names_core_data_and_versions(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(["doctor"], capsys)
    assert status == 0
    lines = dict(line.split(None, 1) for line in out.splitlines())
    assert lines["core"].startswith(("C", "NumPy twin"))
    assert lines["numpy"] == np.__version__
    assert lines["characters"] == "9,574"
    assert lines["[dev]"] == "complete"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(["--help"], capsys)
    assert status == 0
    for name in ("write", "evaluate", "train", "curriculum", "doctor"):
        assert f"\n  {name} " in out
    assert run(["--version"], capsys)[1].startswith("hierbrush, version ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["wriet"], "no command 'wriet'; did you mean 'write'?"),
        (["write", "永"], "Missing option '-o'"),
        (["write", "永", "-o", "x.pgn"], "did you mean '.png'?"),
        (["write", "", "-o", "x.png"], "empty"),
        (["write", "永", "--hierarchy", "x.svg"], "--hierarchy: 'x.svg' must end in .png"),
        (["write", "永九", "--hierarchy", "x.png"], "--hierarchy: tells of one character alone"),
        (["evaluate", "--goal", "decompositon"], "did you mean 'decomposition'?"),
        (["evaluate", "--composer", "learned"], "--composer: nothing is composed with --goal glyph"),
        (["evaluate", "--goal", "decomposition", "--brush-error", "0.1"], "--brush-error"),
        (["write", "永a", "-o", "x.png"], "U+0061"),
        (["write", "\udcff永", "-o", "x.png"], "U+DCFF"),
        (["write", "永", "-o", "x.png", "--policy", "scriptd"], "did you mean 'scripted'?"),
        (["write", "永", "-o", "x.png", "--brush", "rond"], "did you mean 'round'?"),
        (["write", "永", "-o", "x.png", "--layout", "diagonal"], "layout: direction 'diagonal'"),
        (["write", "永", "-o", "x.png", "--size", "5000"], "from 32 to 1024"),
        (["write", "永", "-o", "x.png", "--size", "big"], "'big' is not a valid integer"),
        (["write", "永", "-o", "x.svg", "--size", "64"], "--size: none of the files has pixels"),
        (["write", "永", "-o", "/proc/x.png"], "cannot write '/proc/x.png'"),
        (["write", "永", "-o", "no/such/folder/x.png"], "cannot write 'no/such/folder/x.png'"),
        (["evaluate", "--split", "tset"], "did you mean 'test'?"),
        (["evaluate", "--limit", "0"], "limit: must be at least 1"),
        (["evaluate", "--text", "永", "--limit", "1"], "--limit: has no meaning beside --text"),
        (["evaluate", "--json", "x.txt"], "--json: 'x.txt' must end in .json"),
        (["--verbose"], "No such option"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(arguments, capsys)
    assert (status, out) == (2, "")
    assert err.startswith("hierbrush: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_utf8_are_refused_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hierbrush", "write", b"\xff\xfe", "-o", os.fsencode(tmp_path / "x.png")]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith(b"hierbrush: error: ")
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["train", "curriculum"])
def test_a_missing_extra_is_named(command: str) -> None:
    # None in sys.modules makes an import fail as if the package were not installed.
    code = (
        "import sys\n"
        "for name in ('ray', 'torch', 'pydantic', 'gymnasium', 'matplotlib'): sys.modules[name] = None\n"
        "from hierbrush.cli import main\n"
        f"main([{command!r}, *sys.argv[1:]])"
    )
    arguments = ["check", "x.yaml"] if command == "curriculum" else ["x.yaml"]
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stderr
    assert 'pip install "hierbrush[train]"' in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_the_compiled_core_the_twin_writes_with_one_warning(tmp_path: Path) -> None:
    start = "from hierbrush.cli import main; main()"
    without = f"import sys; sys.modules['hierbrush.sim._core'] = None; {start}"
    results = []
    for name, script in (("twin", without), ("core", start)):
        file = tmp_path / f"{name}.png"
        command = [sys.executable, "-c", script, "write", "一", "-o", str(file), "--size", "32"]
        results.append(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120))
    assert results[0].stderr.startswith("hierbrush: warning: the compiled core is not there")
    assert results[0].stderr.count("\n") == 1
    assert results[1].stderr == ""
    assert (tmp_path / "twin.png").read_bytes() == (tmp_path / "core.png").read_bytes()


def best_seconds(*arguments: str, compiled: Path, runs: int = 3) -> float:
    # As an installation starts that has been used before: tests may run where nothing keeps compiled modules.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, *arguments]
    times = []
    for _ in range(1 + runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def test_starting_takes_no_time(tmp_path: Path) -> None:
    seconds = partial(best_seconds, compiled=tmp_path / "compiled")
    bare = seconds("-c", "pass")
    # Bounds for a quiet machine, and as many times Python's own start for a slow or a busy one.
    assert seconds("-c", "import hierbrush") - bare < max(0.3, 8 * bare)
    assert seconds("-m", "hierbrush", "--help") - bare < max(0.3, 8 * bare)
    written = seconds("-m", "hierbrush", "write", "永", "-o", str(tmp_path / "x.png"))
    assert written < max(1.0, 40 * bare)
