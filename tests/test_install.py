"""What a user gets: the Makefile's promises, the data folders in wheel and checkout, and the NumPy twin's warning."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import hierbrush.resources
from hierbrush.errors import HierbrushError
from hierbrush.resources import FOLDERS, folder

ROOT = Path(__file__).resolve().parent.parent


def test_the_checkout_serves_its_own_folders() -> None:
    for name in FOLDERS:
        assert folder(name) == ROOT / name


def test_a_packaged_copy_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "hierbrush"
    monkeypatch.setattr(hierbrush.resources, "_PACKAGE", package)
    with pytest.raises(HierbrushError, match="lies neither in the package nor in a checkout"):
        folder("configs")
    (tmp_path / "site" / "configs").mkdir(parents=True)
    assert folder("configs") == tmp_path / "site" / "configs"
    (package / "_data" / "configs").mkdir(parents=True)
    assert folder("configs") == package / "_data" / "configs"


def test_an_unknown_folder_is_named() -> None:
    with pytest.raises(HierbrushError, match=r"'config' is not one of .*did you mean 'configs'"):
        folder("config")


def tracked_copy(target: Path) -> Path:
    """Copy what the repository tracks, so that a build leaves nothing in the checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    return target


def build_wheel(source: Path, out: Path, **environment: str) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        str(source),
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        str(out),
    ]
    built = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **environment}
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


SCRIPT = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import hierbrush.sim
print(hierbrush.__file__)
print(hierbrush.sim.CORE)
for warning in caught:
    print("warning:", warning.message)
from hierbrush.resources import FOLDERS, folder
for name in FOLDERS:
    print(folder(name))
hierbrush.write_character("一").save("yi.png", size=32)
hierbrush.write_character("一").save("yi.html")
"""


def run_installed(site: Path, cwd: Path) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@pytest.mark.parametrize("compiler", ["cc", pytest.param("false", marks=pytest.mark.slow)])
def test_a_wheel_holds_everything_with_or_without_a_compiler(compiler: str, tmp_path: Path) -> None:
    source = tracked_copy(tmp_path / "source")
    wheel = build_wheel(source, tmp_path / "out", CC=compiler)
    names = zipfile.ZipFile(wheel).namelist()
    assert "hierbrush/py.typed" in names
    assert "hierbrush/characters/data/characters.bin" in names
    for path in (source / "hierbrush" / "studio" / "page").iterdir():
        assert f"hierbrush/studio/page/{path.name}" in names
    assert not [name for name in names if name.startswith(("tests/", "hierbrush_build/")) or "/build/lib" in name]
    for name in FOLDERS:
        for path in (source / name).rglob("*"):
            assert path.is_dir() or f"hierbrush/_data/{path.relative_to(source)}" in names
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    where, core, *rest = run_installed(site, tmp_path)
    assert where == str(site / "hierbrush" / "__init__.py")
    warnings, folders = rest[: -len(FOLDERS)], rest[-len(FOLDERS) :]
    assert folders == [str(site / "hierbrush" / "_data" / name) for name in FOLDERS]
    if compiler == "cc":
        assert (core, warnings) == ("c", [])
    else:
        assert core == "numpy"
        assert len(warnings) == 1
        assert "compiler" in warnings[0]


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A copy of the checkout, and the Python of a new environment that it is installed into as ``make`` does."""
    source = tracked_copy(tmp_path_factory.mktemp("source"))
    # setuptools comes from this environment, hierbrush goes into the new one.
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    assert "$(INSTALL) --editable .\n" in (ROOT / "Makefile").read_text()
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "-q",
        "--no-deps",
        "--editable",
        str(source),
    ]
    own = [path for path in sys.path if path.endswith("site-packages")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(own)}
    subprocess.run([*command, "--no-build-isolation"], check=True, capture_output=True, env=environment)
    return source, python


@pytest.mark.slow
def test_an_editable_install_reads_the_checkout(editable: tuple[Path, Path], tmp_path: Path) -> None:
    source, python = editable
    code = "from hierbrush.resources import FOLDERS, folder; print(*map(folder, FOLDERS))"
    result = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert result.stdout.split() == [str(source / name) for name in FOLDERS]


@pytest.mark.slow
def test_a_type_checker_finds_an_editable_install(editable: tuple[Path, Path], tmp_path: Path) -> None:
    _, python = editable
    (tmp_path / "mine.py").write_text(
        'import hierbrush\n\nreveal_type(hierbrush.write_character("永"))\nhierbrush.write_character(3)\n'
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "mine.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert 'mine.py:3: note: Revealed type is "hierbrush.writing.result.Writing"' in done.stdout, done.stdout
    assert 'mine.py:4: error: Argument 1 to "write_character" has incompatible type "int"' in done.stdout
    assert "Found 1 error in 1 file" in done.stdout


def make(*arguments: str) -> str:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    result = subprocess.run(
        ["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_make_installs_once(tmp_path: Path) -> None:
    # The folder's name must not look like the commands that are searched for.
    tmp_path = tmp_path / "x"
    fresh = make("demo", f"VENV={tmp_path}/venv")
    assert len(re.findall("pip .*install", fresh)) == 1
    assert "[dev" not in fresh
    for name in ("bin/python", ".core", ".dev"):
        (tmp_path / "venv" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "venv" / name).touch()
    for target in ("demo", "test"):
        assert "pip" not in make(target, f"VENV={tmp_path}/venv")
    os.utime(tmp_path / "venv" / ".core", (0, 0))
    assert "pip" in make("demo", f"VENV={tmp_path}/venv")


def test_ci_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text()


def test_no_package_index_is_fixed_anywhere() -> None:
    for name in ("Makefile", "pyproject.toml", ".ci/run"):
        assert "index-url" not in (ROOT / name).read_text()
