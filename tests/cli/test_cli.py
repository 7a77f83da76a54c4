from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hierbrush.cli import main
from hierbrush.writing import GcodeOptions, Page, load, write, write_character, write_text


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


def test_write_tells_what_is_composed_by_guess(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(["write", "永龘𪅵", "-o", str(tmp_path / "x.svg"), "--policy", "scripted"], capsys)
    assert (status, err) == (0, "hierbrush: composed by guess, look whether they are right: 𪅵\n")


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
        (["evaluate", "--goal", "glyph", "--composer", "learned"], "--composer: nothing is composed with --goal glyph"),
        (["write", "永", "-o", "x.png", "--goal", "glyph", "--composer", "learned"], "--composer: nothing is composed"),
        (["write", "永", "-o", "x.png", "--goal", "glyf"], "did you mean 'glyph'?"),
        (["write", "永", "-o", "-"], "--format: is needed"),
        (["write", "永", "-o", "x.png", "--format", "svg"], "--format: tells what -o - writes"),
        (["write", "永", "-o", "x.png", "--gcode-lift", "3"], "--gcode: none of the files is G-code"),
        (["write", "永", "-o", "x.gcode", "--gcode-lift", "-3"], "gcode: lift: -3.0, expected mm from 0.1"),
        (["write", "永", "-o", "x.gcode", "--gcode-feed", "nan"], "gcode: write_feed: nan, expected mm/min"),
        (["write", "永", "-o", "x.gcode", "--gcode-work", "50", "50"], "gcode: the movement needs x"),
        (["write", "永", "-o", "x.gcode", "--gcode", "no.yaml"], "no.yaml: no such file"),
        (["write", "永", "-o", "x.gcode", "--gcode-dialect", "merlin"], "'merlin' is not one of 'grbl'"),
        (["write", "永", "-o", "x.png", "--seed", "-1"], "'--seed': -1 is not in the range"),
        (["write", "永", "-o", "x.png", "--cell", "60000"], "layout: cell: 60.0, expected metres from 0.001 to 2"),
        (["write", "永" * 992, "-o", "x.png"], "size: 256 makes a png of"),
        (["write", "永" * 992, "-o", "x.gcode"], "gcode: the movement needs y"),
        (["evaluate", "--seed", "-1"], "'--seed': -1 is not in the range"),
        (["evaluate", "--seed", str(2**63)], "'--seed': 9223372036854775808 is not in the range"),
        (["evaluate", "--workers", "0"], "'--workers': 0 is not in the range"),
        (["evaluate", "--brush-error", "1"], "'--brush-error': 1.0 is not in the range"),
        (["evaluate", "--brush-error", "nan", "--limit", "1"], "brush_error: nan, expected a share"),
        (["evaluate", "--handle-error", "-1"], "'--handle-error': -1.0 is not in the range"),
        (["evaluate", "--handle-correlation", "-1"], "'--handle-correlation': -1.0 is not in the range"),
        (["evaluate", "--handle-correlation", "inf", "--limit", "1"], "handle_correlation: inf, expected seconds"),
        (["evaluate", "--handle-feedback", "1.5"], "'--handle-feedback': 1.5 is not in the range"),
        (["evaluate", "--json", "no/x.json"], "--json: cannot write 'no/x.json': there is no folder 'no'"),
        (["evaluate", "--sheet", "no/x.png"], "--sheet: cannot write 'no/x.png'"),
        (["evaluate", "--goal", "decomposition", "--brush-error", "0.1"], "--brush-error"),
        (["write", "永a", "-o", "x.png"], "U+0061"),
        (["write", "\udcff永", "-o", "x.png"], "U+DCFF"),
        (["write", "永", "-o", "x.png", "--policy", "scriptd"], "did you mean 'scripted'?"),
        (["write", "永", "-o", "x.png", "--brush", "rond"], "did you mean 'round'?"),
        (["write", "永", "-o", "x.png", "--layout", "diagonal"], "layout: direction: 'diagonal'"),
        (["write", "永", "-o", "x.png", "--size", "5000"], "from 32 to 1024"),
        (["write", "永", "-o", "x.png", "--size", "big"], "'big' is not a valid integer"),
        (["write", "永", "-o", "x.svg", "--size", "64"], "--size: none of the files has pixels"),
        (["write", "永", "-o", "/proc/x.png"], "cannot write '/proc/x.png'"),
        (["write", "永", "-o", "no/such/folder/x.png"], "cannot write 'no/such/folder/x.png'"),
        (["evaluate", "--split", "tset"], "did you mean 'test'?"),
        (["evaluate", "--limit", "0"], "'--limit': 0 is not in the range x>=1"),
        (["evaluate", "--text", "永", "--limit", "1"], "--limit: has no meaning beside --text"),
        (["evaluate", "--json", "x.txt"], "--json: 'x.txt' must end in .json"),
        (["write", "-o", "x.png"], "TEXT: is missing; give the text, or a file of it with --file"),
        (["write", "永", "--file", "-", "-o", "x.png"], "--file: is read instead of TEXT"),
        (["write", "--file", "no.txt", "-o", "x.png"], "--file: cannot read 'no.txt'"),
        (["write", "永", "--encoding", "big5", "-o", "x.png"], "--encoding: is that of --file"),
        (["write", "永", "-o", "x.png", "--rows", "3"], "--rows: are those of a sheet of --paper"),
        (["write", "永", "-o", "x.png", "--paper", "A4", "--per-line", "3"], "--per-line: on a sheet of --paper use"),
        (["write", "永", "-o", "x.png", "--paper", "A44"], "did you mean 'A4'?"),
        (["write", "永", "-o", "x.png", "--grid", "rice"], "'rice' is not one of 'square'"),
        (["write", "永" * 200, "-o", "-", "--format", "png", "--paper", "A4"], "-o -: the text fills 3 sheets"),
        (["write", "永" * 200, "-o", "x.png", "--paper", "四尺", "--size", "1024"], "size: 1024 makes a png of"),
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


def test_one_output_that_fails_does_not_take_the_others_along(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["a.png", "no/b.png", "c.pgn", "/proc/d.svg", "e.svg", "f.gcode"]
    arguments = ["--size", "64", "--gcode-work", "90", "90"]
    status, out, err = run(["write", "永", *(word for name in names for word in ("-o", name)), *arguments], capsys)
    assert (status, out.split()) == (2, ["a.png", "e.svg"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "e.svg"]
    lines = err.splitlines()
    assert len(lines) == 4
    for line, part in zip(lines, ("'c.pgn'", "'no/b.png'", "gcode: ", "'/proc/d.svg'"), strict=True):
        assert line.startswith("hierbrush: error: ")
        assert part in line


def test_what_is_written_without_asking_is_the_glyph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    assert run(["write", "世光凸爬縣塞", "-o", str(file)], capsys)[0] == 0
    page = load(file)
    assert isinstance(page, Page)
    assert [writing.goal for writing in page] == ["glyph"] * 6
    assert min(writing.scores.iou for writing in page) > 0.9
    # What evaluate says of them is about these very pictures.
    scores = tmp_path / "scores.json"
    assert run(["evaluate", "--text", "世光凸爬縣塞", "--workers", "1", "--json", str(scores)], capsys)[0] == 0
    told = json.loads(scores.read_text())["rows"]["learned"]["by_character"]
    for writing in page:
        assert told[writing.char][0] == pytest.approx(writing.scores.iou, abs=1e-4)


def test_a_file_flows_over_sheets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.txt").write_bytes("一二，三abc十".encode("gb18030"))
    asked = ["write", "--file", "t.txt", "--encoding", "gb18030", "--policy", "scripted", "--workers", "1"]
    paper = ["--paper", "A4", "--rows", "2", "--columns", "2", "--grid", "米"]
    assert run([*asked, "-o", "x.json"], capsys)[0] == 2
    files = ["-o", "x.json", "-o", "x.pdf"]
    status, out, err = run([*asked, *paper, *files, "--missing", "blank"], capsys)
    assert (status, out.split(), err) == (0, ["x-1.json", "x-2.json", "x-3.json", "x.pdf"], "")
    pages = [load(name) for name in out.split()[:3]]
    assert [page.text for page in pages] == ["一\n二，", "三\u3000\n\u3000\u3000", "十"]
    assert Path("x.pdf").read_bytes().count(b"/MediaBox") == 3


def test_standard_input_is_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hierbrush", "write", "--file", "-", "-o", "x.json", "--layout", "horizontal"]
    text = "床前明月光，疑是地上霜。"
    subprocess.run(command, input=text.encode("big5"), check=True, capture_output=True, cwd=tmp_path)
    assert load(tmp_path / "x.json").text == text


def test_a_sheet_that_cannot_be_written_keeps_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x-1.svg").mkdir()
    asked = ["write", "一二三", "--paper", "A4", "--rows", "1", "--columns", "1", "--policy", "scripted"]
    status, out, err = run([*asked, "-o", "x.svg", "-o", "y.svg", "--workers", "1"], capsys)
    assert (status, out.split()) == (2, ["y-1.svg", "y-2.svg", "y-3.svg"])
    assert err == "hierbrush: error: -o: cannot write 'x-1.svg': it is a folder\n"


def test_the_hierarchy_shows_composing_unless_told_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, goal in (([], "decomposition"), (["--goal", "glyph"], "glyph")):
        file = tmp_path / "x.json"
        asked = ["write", "林", "-o", str(file), "--hierarchy", str(tmp_path / "how.png"), *arguments]
        assert run(asked, capsys)[0] == 0
        assert load(file).goal == goal


def test_standard_output_takes_any_kind(tmp_path: Path) -> None:
    for kind in ("png", "svg", "gcode"):
        command = [sys.executable, "-m", "hierbrush", "write", "一", "-o", "-", "--format", kind]
        result = subprocess.run([*command, "-o", "aside.json"], capture_output=True, check=True, cwd=tmp_path)
        assert result.stdout == write_character("一").save(tmp_path / f"x.{kind}").read_bytes()
        assert result.stderr == b"aside.json\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of its own")
def test_bytes_are_not_poured_over_a_terminal(tmp_path: Path) -> None:
    import pty

    theirs, ours = pty.openpty()
    command = [sys.executable, "-m", "hierbrush", "write", "一", "-o", "-", "--format", "png"]
    result = subprocess.run(command, stdout=ours, stderr=subprocess.PIPE, check=False)
    os.close(ours)
    os.close(theirs)
    assert result.returncode == 2
    assert result.stderr.startswith(b"hierbrush: error: -o -: png is no text")
    assert result.stderr.count(b"\n") == 1


def test_ctrl_c_keeps_what_is_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_BATCH", 2)
    real = write.write_strokes
    calls: list[int] = []

    def write_strokes(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(write, "write_strokes", write_strokes)
    files = [str(tmp_path / "x.json"), str(tmp_path / "x.svg")]
    arguments = ["-o", files[0], "-o", files[1], "--policy", "scripted", "--workers", "1"]
    status, out, err = run(["write", "一二三一十口山", *arguments], capsys)
    assert (status, out.split()) == (130, files)
    assert err == "hierbrush: interrupted; saving the first 5 of 7 characters, as a page\n"
    assert load(files[0]).text == "一二三一十"
    calls[:] = [1, 1]  # at once: there is nothing to keep
    (tmp_path / "x.json").unlink()
    status, out, err = run(["write", "一二三一十口山", *arguments], capsys)
    assert (status, out, err.split("\n")[1:]) == (130, "", ["hierbrush: error: interrupted", ""])  # after the ^C
    assert not (tmp_path / "x.json").exists()


def test_a_long_text_shows_its_progress_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []

    class Bar:
        def __init__(self, *, total: int, disable: bool | None, **named: Any) -> None:
            assert disable is None  # which tqdm takes for: where standard error is a terminal
            self.total = total

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *error: object) -> None: ...

        def update(self, done: int) -> None:
            told.append((done, self.total))

    monkeypatch.setattr("tqdm.tqdm", Bar)
    monkeypatch.setattr(write, "_BATCH", 2)
    with pytest.raises(SystemExit):
        main(["write", "一二三一十", "-o", str(tmp_path / "x.json"), "--policy", "scripted", "--workers", "1"])
    assert told == [(2, 4), (2, 4)]


@pytest.mark.parametrize("encoding", ["gbk", "cp1252", "ascii"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["write", "--help"], 0),
        (["write", "歡한", "-o", "x.png"], 2),
        (["write", "⿰木月", "-o", "⿰木月-ü-永.json"], 0),
        (["evaluate", "--help"], 0),
        (["evaluate", "--split", "測試"], 2),
        (["evaluate", "--text", "永", "--workers", "1"], 0),
        (["doctor"], 0),
        (["runs", "無"], 2),
        (["curriculum", "check", "無한ü.yaml"], 2),
        (["machine", "check", "無한ü.yaml"], 2),
        (["train", "無한ü.yaml"], 2),
    ],
    ids=str,
)
def test_a_terminal_of_any_encoding_gets_no_traceback(
    arguments: list[str], status: int, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = [BytesIO(), BytesIO()]
    for name, buffer in zip(("stdout", "stderr"), raw, strict=True):
        monkeypatch.setattr(sys, name, TextIOWrapper(buffer, encoding=encoding, write_through=True))
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == status
    # Where there is no locale Python says ASCII, and click takes the terminal for one of UTF-8, as most are.
    out, err = (buffer.getvalue().decode("utf-8" if encoding == "ascii" else encoding) for buffer in raw)
    assert "Traceback" not in out + err
    assert len(err.splitlines()) == (1 if status else 0)
    assert out if status == 0 else err.startswith("hierbrush: error: ")


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "gbk"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_command_runs_in_any_locale(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hierbrush", "write", "歡a", "-o", "歡한.png"]
    result = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **environment}, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(b"hierbrush: error: ")
    assert result.stderr.count(b"\n") == 1


def test_machine_files_are_checked_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["machine", "example", "-o", "machine.yaml"], capsys)[:2] == (0, "machine.yaml\n")
    assert run(["machine", "check", "machine.yaml"], capsys)[1] == "machine.yaml: fine: dialect grbl\n"
    assert json.loads(run(["machine", "schema"], capsys)[1])["properties"]["dialect"]["default"] == "grbl"
    Path("wrong.yaml").write_text("lfit: 3\n")
    status, out, err = run(["machine", "check", "wrong.yaml", "machine.yaml"], capsys)
    assert (status, out) == (2, "machine.yaml: fine: dialect grbl\n")
    assert err == "hierbrush: error: wrong.yaml:1:1: unknown key 'lfit'; did you mean 'lift'?\n"
    # A flag counts more than the file.
    arguments = ["--gcode", "machine.yaml", "--gcode-dialect", "klipper", "--gcode-dip", "250", "90", "-4"]
    assert run(["write", "一", "-o", "x.gcode", *arguments], capsys)[0] == 0
    machine = GcodeOptions(dialect="klipper", dip_x=250, dip_y=90, dip_z=-4)
    assert Path("x.gcode").read_bytes() == write_character("一").save("y.gcode", gcode=machine).read_bytes()


def test_a_shell_can_complete() -> None:
    environment = {
        **os.environ,
        "_HIERBRUSH_COMPLETE": "bash_complete",
        "COMP_WORDS": "hierbrush ev",
        "COMP_CWORD": "1",
    }
    start = "import sys; sys.argv[0] = 'hierbrush'; from hierbrush.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", start], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.stdout.strip() == "plain,evaluate"


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["configs/primitive.yaml"], "did you mean 'primitives'?"),
        (["primitives", "--set", "training.stepz=1"], "did you mean 'steps'?"),
        (["primitives", "--set", "curriculum=dotz"], "did you mean 'dots'?"),
        (["primitives", "--set", "phases.1.curriculum=dotz"], "did you mean 'dots'?"),
        (["joint", "--set", "composer.lr=fast"], "composer.lr=fast"),
        (["joint", "--set", "curriculum=dotz"], "did you mean 'dots'?"),
    ],
)
def test_a_mistake_in_a_configuration_is_told_without_torch_and_ray(arguments: list[str], message: str) -> None:
    code = (
        "import sys\n"
        "for name in ('ray', 'torch', 'gymnasium', 'matplotlib'): sys.modules[name] = None\n"
        "from hierbrush.cli import main\n"
        "main(['train', *sys.argv[1:]])"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert message in result.stderr


def test_a_machine_needs_no_extra(tmp_path: Path) -> None:
    (tmp_path / "machine.yaml").write_text("dialect: klipper\n")
    code = (
        "import sys\n"
        "for name in ('ray', 'torch', 'pydantic', 'gymnasium', 'matplotlib'): sys.modules[name] = None\n"
        "from hierbrush.cli import main\n"
        "main(['machine', 'check', 'machine.yaml'])"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (result.stdout, result.stderr) == ("machine.yaml: fine: dialect klipper\n", "")


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


def cpu_seconds(*arguments: str, compiled: Path, runs: int = 3) -> float:
    # As an installation starts that has been used before: tests may run where nothing keeps compiled modules.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, *arguments]
    times = []
    for _ in range(1 + runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times[1:])


def test_starting_takes_no_time(tmp_path: Path) -> None:
    seconds = partial(cpu_seconds, compiled=tmp_path / "compiled")
    bare = seconds("-c", "pass")
    # Seconds, and as many times Python's own start for a slow machine.
    assert seconds("-c", "import hierbrush") - bare < max(0.06, 6 * bare)
    assert seconds("-m", "hierbrush", "write", "--help") - bare < max(0.2, 16 * bare)
    written = seconds("-m", "hierbrush", "write", "永", "-o", str(tmp_path / "x.png"))
    assert written < max(1.0, 40 * bare)


def test_write_takes_taiwans_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bi.json"
    assert run(["write", "必", "-o", str(file), "--order", "tw", "--policy", "scripted"], capsys)[0] == 0
    (written,) = json.loads(file.read_text(encoding="utf-8"))["characters"]
    types = [stroke["stroke_type"] for stroke in written["strokes"]]
    assert types == ["D", "BXG", "D", "D", "P"]
    code, _, err = run(["write", "花", "-o", str(file), "--order", "tw"], capsys)
    assert code == 2
    assert "has 8 strokes in Taiwan" in err
    assert run(["write", "必", "-o", str(file), "--order", "jp"], capsys)[0] == 2
