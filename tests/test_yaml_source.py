from __future__ import annotations

import os
import pickle
import re
import tracemalloc
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hierbrush.errors import HierbrushError
from hierbrush.yaml_source import (
    MAX_BYTES,
    MAX_PROBLEMS,
    ConfigError,
    load_model,
    read_yaml,
    validate,
)


class Forbidding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Optimiser(Forbidding):
    kind: Literal["adam", "sgd"] = "adam"
    lr: float = Field(gt=0)


def _even(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd; expected an even number")
    return number


class Config(Forbidding):
    training: Optimiser
    others: tuple[Optimiser, ...] = ()
    named: dict[str, Optimiser] = {}
    maybe: Optimiser | None = None
    steps: Annotated[int, AfterValidator(_even)] = 0
    flag: bool = False
    text: str = ""
    folder: Path = Path("runs")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def write_file(content: str | bytes) -> str:
        raw = content if isinstance(content, bytes) else content.encode()
        Path("c.yaml").write_bytes(raw)
        return "c.yaml"

    return write_file


def problems(path: str, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_model(path, Config, overrides)
    assert isinstance(caught.value, HierbrushError)
    return str(caught.value).split("\n")


def test_reads_a_valid_file(write: Any) -> None:
    path = write("training: {lr: 1e-4}\nsteps: 1e6\nothers:\n- kind: sgd\n  lr: 2\nfolder: a/b\n")
    config = load_model(path, Config)
    assert config.training.lr == 1e-4
    assert (config.steps, type(config.steps)) == (1_000_000, int)
    assert config.others == (Optimiser(kind="sgd", lr=2.0),)
    assert config.folder == Path("a/b")


def test_scalars_follow_yaml_1_2(write: Any) -> None:
    text = (
        "a: no, b: 1_000, c: 010, d: 0x1f, e: 1:30, f: .5, g: 1E3, h: ~, i: TRUE, j: '1', k: 2001-01-01, l: .nan, m: "
    )
    assert read_yaml(write("{" + text + "}")).data == {
        "a": "no", "b": "1_000", "c": 10, "d": 31, "e": "1:30", "f": 0.5, "g": 1000, "h": None, "i": True, "j": "1",
        "k": "2001-01-01", "l": ".nan", "m": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "c.yaml:1:1: the file is empty; expected keys and values"),
        ("# only a comment\n", "c.yaml:1:1: the file is empty; expected keys and values"),
        ("- 1\n", "c.yaml:1:1: expected keys and values, got a list"),
        ("hello", "c.yaml:1:1: expected keys and values, got 'hello'"),
        ("a:\n\tb: 1", "c.yaml:2:1: a tab cannot indent or separate in YAML; use spaces"),
        ("a: 永\nb: x".encode("gbk"), "c.yaml:1:4: byte 0xd3 is not UTF-8 text; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "c.yaml:1:1: byte 0xff is not UTF-8 text; save the file as UTF-8"),
        (b"a: 1\nb: \x07", "c.yaml:2:4: character U+0007 is not allowed in a YAML file"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "c.yaml:4:3: duplicate key 'c', first at c.yaml:3:3; remove one of them"),
        ("a: 1\n---\nb: 2", "c.yaml:2:1: a second document starts here; expected one document in a file"),
        ("a: [1, 2", "c.yaml:1:9: expected ',' or ']', but got the end of the file (while parsing a flow sequence)"),
        ("a: b: c", "c.yaml:1:5: mapping values are not allowed here"),
        ("a: *b", "c.yaml:1:4: found undefined alias 'b'"),
        ("a: &a [*a]", "c.yaml:1:4: an alias that contains itself"),
        ("a: &a {b: *a}", "c.yaml:1:4: an alias that contains itself"),
        ("[" * 100_000, "c.yaml:1:25: nested more than 24 levels deep"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "c.yaml:1:4: the tag !!python/object/apply:os.system is not supported",
        ),
        ("? [a]\n: b", "c.yaml:1:3: a key must be plain text"),
        ("a: 1e999", "c.yaml:1:4: '1e999' cannot be read as float"),
        ("a: " + "9" * 5000, "c.yaml:1:4: '999999999999999999999999999999999999... cannot be read as int"),
        ("a: !!int abc", "c.yaml:1:4: 'abc' cannot be read as int"),
        ("a: !!bool abc", "c.yaml:1:4: 'abc' cannot be read as bool"),
        (b"x" * (MAX_BYTES + 1), "c.yaml: cannot be read: it is larger than 256 KiB"),
    ],
)
def test_unreadable_files_give_one_clear_error(write: Any, content: str | bytes, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(write(content))
    (problem,) = caught.value.problems
    assert str(problem).startswith(expected[:60])
    assert len(str(problem)) < 160


def test_alias_bomb_is_bounded(write: Any) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="more than 20000 values, aliases included"):
        read_yaml(write("\n".join(lines)))


def test_aliases_of_a_long_text_are_bounded(write: Any) -> None:
    lines = ["a: &a " + "x" * 100_000, "b: [" + ", ".join(["*a"] * 10_000) + "]"]
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError, match=r"^c\.yaml:1:4: more than 262144 characters of text, aliases included$"):
            load_model(write("\n".join(lines)), Config)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_a_file_of_mistakes_is_told_without_wording_all_of_them(write: Any) -> None:
    many = problems(write("{" + ", ".join(f"key{n}: 1" for n in range(9_000)) + "}"))
    assert len(many) == MAX_PROBLEMS + 1
    assert many[0].startswith("c.yaml:1:1: missing key 'training'")
    assert many[-1] == "... and 8981 more"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a: "\\UFFFFFFFF"', "c.yaml:1:7: a number or an escape sequence is too large"),
        ('a: "\\ud800"', "c.yaml:1:4: an escape sequence makes half of a surrogate pair"),
        ('"\\udc00": 1', "c.yaml:1:1: an escape sequence makes half of a surrogate pair"),
        ("%YAML " + "9" * 5000 + ".1\n---\na: 1", "c.yaml:1:"),
        ("a: 0x" + "f" * 100, "c.yaml:1:4: '0xfff"),
        ("k\u200by: 1", "c.yaml:1:1: unknown key 'k\\u200by'"),
        ("x" * 1000 + ": 1", "c.yaml:1:1: unknown key 'xxxx"),
    ],
)
def test_odd_texts_give_one_clear_error(write: Any, content: str, expected: str) -> None:
    lines = problems(write(content))
    assert any(line.startswith(expected) for line in lines), lines
    assert all(len(line) <= 700 and line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # the colon: alone on its line, swallowed by the line before, in a list, in braces, at the end
        ("training: {lr: 1}\nsteps：2", ["c.yaml:2:6: '：' (U+FF1A) is text to YAML; write ':' and a space after it"]),
        ("training：\n  lr: 1", ["c.yaml:1:9: '：'"]),
        ("text: a\nsteps：2\ntraining: {lr: 1}", ["c.yaml:2:6: '：'"]),
        ("training: {lr：1}", ["c.yaml:1:14: '：'"]),
        ("training: {lr: 1}\nothers:\n- lr：1\n", ["c.yaml:3:5: '：'"]),
        # spaces: that indent, that separate
        ("training:\n\u3000\u3000lr: 1", ["c.yaml:2:1: U+3000 is no space of YAML's; use ordinary spaces"]),
        ("training:\n  lr:\u30001", ["c.yaml:2:6: U+3000"]),
        ("training:\n\u00a0 lr: 1", ["c.yaml:2:1: U+00A0"]),
        ("training: {lr: 1}\nothers:\n-\u3000lr: 1", ["c.yaml:3:2: U+3000"]),
        # commas, brackets, quotes, digits, dashes, where a list or a value begins
        ("training: {lr: 1，kind: sgd}", ["c.yaml:1:17: '，' (U+FF0C) is text to YAML; write ','"]),
        ("training: ｛lr: 1}", ["c.yaml:1:11: '｛' (U+FF5B)"]),
        ("training: {lr: 1}\nothers: （）", ["c.yaml:2:9: '（' (U+FF08) is text to YAML; write '['"]),
        ("training: {lr: 1, kind: “sgd”}", ["c.yaml:1:25: '“' (U+201C) is text to YAML"]),
        ("training: {lr: １}", ["c.yaml:1:16: '１' (U+FF11) is text to YAML; write '1'"]),
        ("training: {lr: 1}\nothers:\n－ lr: 1", ["c.yaml:3:1: '－' (U+FF0D)"]),
        ("training: {lr: 1}\nothers: [{lr: 1}］\n", ["c.yaml:2:17: '］'"]),
        ("training: {lr: 1}\n＃ a remark: 1", ["c.yaml:2:1: '＃' (U+FF03) is text to YAML; write '#'"]),
        # tabs
        ("training:\n\tlr: 1", ["c.yaml:2:1: a tab cannot indent"]),
        ("training:\n  lr: 1\n \tkind: sgd", ["c.yaml:3:2: a tab cannot indent"]),
    ],
)
def test_what_a_chinese_keyboard_types_is_named_where_it_stands(write: Any, content: str, expected: list[str]) -> None:
    lines = problems(write(content))
    assert all(any(line.startswith(start) for line in lines) for start in expected), lines
    assert lines[0].startswith(expected[0])


def test_chinese_texts_keep_their_punctuation(write: Any) -> None:
    text = (
        "# 注释：“全角”，（可以）\n"
        "training: {lr: 1}  # 学习率：一\n"
        "text: “横、竖”：见（说明），１２３\n"
        "folder: '：，　'\n"
    )
    assert load_model(write(text), Config).text == "“横、竖”：见（说明），１２３"
    # And do not hide what is really wrong further down.
    assert problems(write(text + "steps: x\n")) == ["c.yaml:5:8: steps should be a valid integer, got 'x'"]
    block = "text: |\n  steps：2\n  ，\u3000\n"
    assert problems(write("training: {lr: 1}\n" + block + "steps: x\n")) == [
        "c.yaml:5:8: steps should be a valid integer, got 'x'"
    ]


def test_a_full_width_equals_sign_is_named(write: Any) -> None:
    lines = problems(write("training: {lr: 1}"), "steps＝2")
    assert lines == [
        "--set steps＝2: expected KEY=VALUE with a dotted key, like 'training.lr=1e-4'; '＝' (U+FF1D) is not '='"
    ]


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    place = {"folder": tmp_path, "pipe": tmp_path / "pipe.yaml", "device": Path("/dev/zero")}[kind]
    if kind == "pipe":
        os.mkfifo(place)
    what = "a folder" if kind == "folder" else "a pipe or a device"
    with pytest.raises(ConfigError) as caught:
        read_yaml(place)
    assert str(caught.value) == f"{place}: cannot be read: it is {what}, expected a file"


@pytest.mark.parametrize("path", [None, 3, b"c.yaml", ["c.yaml"]])
def test_what_is_no_path_is_named(path: Any) -> None:
    with pytest.raises(HierbrushError, match=r"^path: .*, expected a path$"):
        read_yaml(path)


def test_the_error_survives_the_way_from_another_process(write: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        load_model(write("a: 1\nb: 2"), Config)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.problems) == (str(caught.value), caught.value.problems)


def test_harmless_aliases_and_byte_order_mark_are_read(write: Any) -> None:
    document = read_yaml(write(b"\xef\xbb\xbfa: &a {b: 1}\r\nc: [*a, *a]\r\n"))
    assert document.data == {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}


@pytest.mark.parametrize("path", ["missing.yaml", ".", "nul\0.yaml"])
def test_paths_that_cannot_be_read(write: Any, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: ".replace("\0", r"\x00"))


def test_missing_file_names_the_nearest(write: Any) -> None:
    write("a: 1")
    with pytest.raises(ConfigError, match=r"^cc\.yaml: no such file; did you mean 'c\.yaml'\?$"):
        read_yaml("cc.yaml")


def test_every_problem_is_reported_in_file_order(write: Any) -> None:
    path = write(
        """\
steps: 3
training: {lr: -1, kid: sgd}
others:
  - lr: true
    kind: Adm
  - kind: sgd
named:
  first: {lr: 1, zzzzz: 2}
maybe: {Lr: 1}
flag: yes
text: 5
trainning: 1
folder: [1]
"""
    )
    assert problems(path) == [
        "c.yaml:1:8: steps: 3 is odd; expected an even number",
        "c.yaml:2:16: training.lr should be greater than 0, got -1",
        "c.yaml:2:20: unknown key 'kid'; did you mean 'kind'?",
        "c.yaml:4:9: others[0].lr should be a valid number, got true",
        "c.yaml:5:11: others[0].kind should be 'adam' or 'sgd', got 'Adm'; did you mean 'adam'?",
        "c.yaml:6:5: missing key 'lr' in others[1]",
        "c.yaml:8:18: unknown key 'zzzzz'; known keys: kind, lr",
        "c.yaml:9:8: missing key 'lr' in maybe",
        "c.yaml:9:9: unknown key 'Lr'; did you mean 'lr'?",
        "c.yaml:10:7: flag should be a valid boolean, got 'yes'",
        "c.yaml:11:7: text should be text, got 5",
        "c.yaml:12:1: unknown key 'trainning'; did you mean 'training'?",
        "c.yaml:13:9: folder should be text, got a list of 1",
    ]


def test_sections_of_the_wrong_kind(write: Any) -> None:
    assert problems(write("training:\nothers: {a: 1}\nnamed: []")) == [
        "c.yaml:1:10: training should be a mapping of keys to values, got null",
        "c.yaml:2:9: others should be a list, got a mapping of 1",
        "c.yaml:3:8: named should be a mapping of keys to values, got a list of 0",
    ]


def test_missing_key_at_the_top(write: Any) -> None:
    assert problems(write("\n# nothing\nsteps: 2")) == ["c.yaml:3:1: missing key 'training'"]


def test_long_lists_of_problems_are_cut(write: Any) -> None:
    lines = problems(write("training: {lr: 1}\n" + "".join(f"zz{n}: 1\n" for n in range(100))))
    assert len(lines) == MAX_PROBLEMS + 1
    assert lines[-1] == "... and 80 more"


def test_problem_in_an_alias_points_at_the_anchor(write: Any) -> None:
    assert problems(write("others:\n- &a {lr: -2}\ntraining: *a")) == [
        "c.yaml:2:11: training.lr should be greater than 0, got -2",
        "c.yaml:2:11: others[0].lr should be greater than 0, got -2",
    ]


def test_overrides_apply_in_order_and_make_sections(write: Any) -> None:
    path = write("others: [{lr: 1}, {lr: 2}]")
    config = load_model(
        path, Config, ["training.lr=3", "training.lr=1e-4", "others.1.kind=sgd", "maybe={lr: 5}", "text='a=b'"]
    )
    assert config.training.lr == 1e-4
    assert config.others == (Optimiser(lr=1), Optimiser(lr=2, kind="sgd"))
    assert config.maybe == Optimiser(lr=5)
    assert config.text == "a=b"


def test_override_of_an_alias_changes_one_place_only(write: Any) -> None:
    config = load_model(write("training: &a {lr: 1}\nmaybe: *a"), Config, ["maybe.lr=2"])
    assert config.training.lr == 1
    assert config.maybe == Optimiser(lr=2)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.lr", "expected KEY=VALUE with a dotted key, like 'training.lr=1e-4'"),
        ("=1", "expected KEY=VALUE with a dotted key, like 'training.lr=1e-4'"),
        ("training..lr=1", "expected KEY=VALUE with a dotted key, like 'training.lr=1e-4'"),
        ("training .lr=1", "expected KEY=VALUE with a dotted key, like 'training.lr=1e-4'"),
        ("training.lr=[1", "expected ',' or ']', but got the end of the file (while parsing a flow sequence)"),
        ("training.lr=abc", "training.lr should be a valid number, got 'abc'"),
        ("training.lr=", "training.lr should be a valid number, got null"),
        ("training.lrr=1", "unknown key 'lrr'; did you mean 'lr'?"),
        ("trainin.lr=1", "unknown key 'trainin'; did you mean 'training'?"),
        ("training.lr.x=1", "training.lr is 1, which has no keys"),
        ("others.2.lr=1", "others has 2 items, counted from 0; there is no item 2"),
        ("others.x=1", "others is a list; expected a position from 0 to 1, got 'x'"),
        ("others=[{lr: 0}]", "others[0].lr should be greater than 0, got 0"),
        ("named.0={lr: 0}", "named.0.lr should be greater than 0, got 0"),
        ("steps=3", "steps: 3 is odd; expected an even number"),
    ],
)
def test_override_errors_name_the_argument(write: Any, override: str, message: str) -> None:
    path = write("training: {lr: 1}\nothers: [{lr: 1}, {lr: 2}]")
    assert problems(path, override) == [f"--set {override}: {message}"]


def test_file_and_override_problems_together(write: Any) -> None:
    assert problems(write("training: {lr: 1}\nstepz: 2"), "training.lr=-1") == [
        "c.yaml:2:1: unknown key 'stepz'; did you mean 'steps'?",
        "--set training.lr=-1: training.lr should be greater than 0, got -1",
    ]


def test_override_mends_a_problem_of_the_file(write: Any) -> None:
    assert load_model(write("training: {lr: -1}"), Config, ["training.lr=1"]).training.lr == 1


YAML_1_2_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+")


def written_as_text(text: str) -> bool:
    """Whether PyYAML, which writes YAML 1.1, quotes what YAML 1.2 reads as a number; 1e5 is one there and text here."""
    return not YAML_1_2_NUMBER.fullmatch(text) or yaml.safe_load(text) != text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=8).filter(written_as_text),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc.[]0 永", min_size=1), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def test_numbers_of_yaml_1_2_are_numbers(write: Any) -> None:
    assert read_yaml(write("a: [0E0, 1e-4, +.0, 0o17, '0E0']")).data == {"a": [0, 1e-4, 0, 15, "0E0"]}


@settings(max_examples=60, deadline=None)
@given(data=st.dictionaries(st.text("abcxyz", min_size=1), json_values, min_size=1, max_size=4), flow=st.booleans())
def test_reads_back_what_yaml_writes(
    data: dict[str, Any], flow: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "roundtrip.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow), encoding="utf-8")
    document = read_yaml(path)
    assert document.data == data
    assert validate(document, AnyData).model_dump() == data


class AnyData(BaseModel):
    model_config = ConfigDict(extra="allow")


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=60) | st.text("[]{}&*!|>:-? \n\t'\"#%@ab1,", max_size=60).map(str.encode))
def test_no_input_crashes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(content)
    try:
        load_model(path, Config)
    except ConfigError as error:
        assert all(str(problem).startswith(str(path)) for problem in error.problems)  # noqa: PT017
