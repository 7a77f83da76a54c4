"""Damaged files of every kind that is read: bytes flipped, cut, spliced, numbers and names exchanged.

What comes back is an object or one line. Whatever can be loaded is also used, as a user would.
"""

from __future__ import annotations

import io
import json
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

import hierbrush
from hierbrush.characters.library import DATA_FILE, CharacterLibrary
from hierbrush.composer import stored
from hierbrush.composer.brief import brief_of
from hierbrush.composer.compose import compose
from hierbrush.composer.composers import WEIGHTS as COMPOSER
from hierbrush.composer.policy import ComposerPolicy, load_composer_card, parameter_shapes
from hierbrush.strokes.learned import WEIGHTS as POLICIES
from hierbrush.strokes.learned import LearnedPolicy

NUMBERS = (
    -1,
    0,
    1,
    2**31,
    2**63,
    2**64,
    -(2**63),
    10**30,
    1e308,
    -0.5,
    True,
    None,
    "x",
    [],
    {},
    [[]],
    "\x1b[2J\n",
    "永",
)


def flipped(data: bytes, rng: random.Random) -> bytes:
    """Return bytes of which some are exchanged, cut out, doubled or filled in."""
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(max(1, min(len(content), rng.choice((64, 2000, len(content) or 1)))))
        kind = rng.randrange(6)
        if kind < 3:
            content[at : at + 1] = bytes([rng.choice((0, 0xFF, 0x7F, rng.randrange(256)))])
        elif kind == 3:
            del content[at : at + rng.choice((1, 1, 7, 300))]
        elif kind == 4:
            content[at:at] = content[max(0, at - 40) : at]
        else:
            del content[rng.randrange(len(content) + 1) :]
    return bytes(content)


def exchanged(document: Any, rng: random.Random) -> Any:
    """Return a JSON document with a few of its values exchanged, left out or nested too deep."""
    document = json.loads(json.dumps(document))
    for _ in range(rng.choice((1, 1, 2, 3))):
        holder: Any = document
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.85:
                holder = holder[key]
                continue
            if rng.random() < 0.2:
                del holder[key]
            else:
                holder[key] = rng.choice(NUMBERS)
            break
    return document


def spoiled_json(data: bytes, rng: random.Random) -> bytes:
    """Return a JSON file with its bytes or its values damaged."""
    kind = rng.randrange(8)
    if kind == 0:
        return flipped(data, rng)
    if kind == 1:
        word = rng.choice((b"[" * 200_000, b'{"a":' * 50_000, b"1" * 100_000, b"1e99999", b"NaN", b"\xff", b"null"))
        at = rng.choice((0, data.index(b":") + 1, len(data)))
        return data[:at] + word + data[at:]
    return json.dumps(exchanged(json.loads(data), rng)).encode()


def spoiled_tensors(data: bytes, rng: random.Random) -> bytes:
    """Return a safetensors file with its bytes, its header or the layout of its tensors damaged."""
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    kind = rng.randrange(5)
    if kind == 0:
        return flipped(data, rng)
    if kind == 1:
        names = list(header)
        first, second = rng.choice(names), rng.choice(names)
        header[first], header[second] = header[second], header[first]
    elif kind == 2:
        name = rng.choice(list(header))
        header[rng.choice(("layers.10000000.x", "layers.-1.up.bias", "", "a/b/c", "x" * 4000, "永\n"))] = header.pop(
            name
        )
    elif kind == 3:
        body = flipped(body, rng)[: len(body)].ljust(len(body), b"\x7f")
    else:
        header = exchanged(header, rng)
    text = json.dumps(header).encode()
    if rng.random() < 0.05:
        text = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return len(text).to_bytes(8, "little") + text + body


def spoiled_npz(data: bytes, rng: random.Random) -> bytes:
    """Return an npz file with its bytes, an array or an array's header damaged."""
    if rng.random() < 0.3:
        return flipped(data, rng)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as entries:
        chosen = rng.choice(entries.namelist())
        with zipfile.ZipFile(target, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as written:
            for name in entries.namelist():
                content = entries.read(name)
                if name == chosen:
                    content = _spoiled_array(content, rng)
                if name != chosen or rng.random() < 0.9:
                    written.writestr(name, content)
    return target.getvalue()


def _spoiled_array(content: bytes, rng: random.Random) -> bytes:
    kind = rng.randrange(5)
    if kind == 0:
        return flipped(content, rng)
    if kind == 1:
        shape = rng.choice(("(99999999999,)", "(-1,)", "(1,2", "(1,)*9**9", "((((", "(" * 300, "(True,)", "(1e9,)"))
        descr = rng.choice(("'<f8'", "'|O'", "'<U99999999'", "[('a','<f8')]", "'V0'", "'<M8[D]'", "'<f2'"))
        header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content[128:]
    array = np.load(io.BytesIO(content))
    if kind == 2 and array.dtype.kind == "U":
        array = np.array(json.dumps(exchanged(json.loads(str(array)), rng)))
    elif kind == 3 and array.dtype.kind in "fi":
        array = array.astype(rng.choice(("<f2", "<i2", "<c8", "U8", "?")))
    elif array.size:
        array = array.reshape(-1)[: rng.randrange(array.size + 1)]
    target = io.BytesIO()
    np.save(target, array)
    return target.getvalue()


def _use(writing: Any) -> None:
    """Do what a user does with a loaded file."""
    writing.image(64)
    writing.trajectory  # noqa: B018
    repr(writing)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes, Any, Callable[[Path], object]]]:
    """Each kind of file: suffix, a good one, how it is damaged, and what reads it."""
    character = hierbrush.write_character("一", goal="glyph", policy="scripted")
    page = hierbrush.write_text("一二", goal="glyph", policy="scripted")
    folder = tmp_path_factory.mktemp("good")
    goals = [stroke.goal for stroke in character.strokes]
    brief = brief_of("一")

    def archive(path: Path) -> None:
        _use(hierbrush.load(path))

    def policy(path: Path) -> None:
        # The layout is the only thing that a character's observation depends on.
        hierbrush.strokes.rollout.write_strokes(goals, hierbrush.BrushModel(), policy=LearnedPolicy.load(path))

    def composer(path: Path) -> None:
        for composition in compose([brief], ComposerPolicy.load(path)):
            composition.goals()

    def strings(path: Path) -> None:
        with stored.read(path, "things") as (tensors, found):
            tensors["numbers"], found["names"]

    def card(path: Path) -> None:
        load_composer_card(path.with_suffix(".safetensors"))

    def library(path: Path) -> None:
        characters = CharacterLibrary(path)
        for char in "一永":
            characters[char].strokes[0].goal()
            characters.decomposition(char)

    rng = np.random.default_rng(0)
    single = {
        f"policy.{k}.{role}": rng.normal(0, 0.1, shape).astype(np.float32)
        for k, role, shape in ((0, "weight", (8, 64)), (0, "bias", 8), (2, "weight", (3, 8)), (2, "bias", 3))
    }
    network = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in parameter_shapes(32, 1, 8).items()}
    things = folder / "things.safetensors"
    stored.write(things, {"numbers": np.arange(3, dtype=np.float32)}, {"names": ["永"]})
    found = {
        "archive.json": (character.save(folder / "a.json").read_bytes(), spoiled_json, archive),
        "page.json": (page.save(folder / "b.json").read_bytes(), spoiled_json, archive),
        "archive.npz": (character.save(folder / "a.npz").read_bytes(), spoiled_npz, archive),
        "page.npz": (page.save(folder / "b.npz").read_bytes(), spoiled_npz, archive),
        "policies.safetensors": (POLICIES.read_bytes(), spoiled_tensors, policy),
        "policy.safetensors": (save(single), spoiled_tensors, policy),
        "composer.safetensors": (save(network), spoiled_tensors, composer),
        "things.safetensors": (things.read_bytes(), spoiled_tensors, strings),
        "card.json": (COMPOSER.with_suffix(".json").read_bytes(), spoiled_json, card),
        "characters.bin": (DATA_FILE.read_bytes(), flipped, library),
    }
    return {name: (Path(name).suffix, *each) for name, each in found.items()}


@pytest.mark.parametrize("group", ["archives", "weights", "data"])
def test_files(fuzz, group: str, tmp_path: Path, kinds: dict[str, Any]) -> None:
    groups = {"json": "archives", "npz": "archives"}
    wanted = [
        name
        for name in kinds
        if ("data" if name.startswith(("things", "card", "chara")) else groups.get(name.split(".")[1], "weights"))
        == group
    ]
    things = {"names": ["永"]}
    for rng in fuzz.cases(least=30):
        name = rng.choice(wanted)
        suffix, good, spoil, read = kinds[name]
        file = tmp_path / f"x{suffix}"
        file.write_bytes(spoil(good, rng))
        if name == "things.safetensors":
            file.with_suffix(".json").write_bytes(spoiled_json(json.dumps(things).encode(), rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # weights that overflow
            fuzz.call(lambda: name, read, file)  # noqa: B023
