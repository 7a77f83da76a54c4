"""Checkpoints damaged at random in their folder: the state that was saved, or one line and the one before; never else.

HIERBRUSH_FUZZ_SECONDS says how long it runs, HIERBRUSH_FUZZ_SEED where it begins.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from hierbrush.errors import HierbrushError
from hierbrush.learning.runs.storage import Store, open_store

SECONDS = float(os.environ.get("HIERBRUSH_FUZZ_SECONDS", "2"))
SEED = int(os.environ.get("HIERBRUSH_FUZZ_SEED", "0"))
FILES = ("algorithm_state.pkl", "learner_group/learner/rl_module/module_state.pkl", "metrics.jsonl", "times.json")


def write(steps: int) -> Callable[[Path], None]:
    def into(folder: Path) -> None:
        for name in FILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(random.Random(f"{name} {steps}").randbytes(300))

    return into


def any_file(chance: random.Random, checkpoint: Path) -> Path:
    return chance.choice(sorted(path for path in checkpoint.rglob("*") if path.is_file()))


def flip_a_bit(chance: random.Random, checkpoint: Path) -> None:
    path = any_file(chance, checkpoint)
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def cut_short(chance: random.Random, checkpoint: Path) -> None:
    path = any_file(chance, checkpoint)
    os.truncate(path, chance.randrange(path.stat().st_size))


def make_longer(chance: random.Random, checkpoint: Path) -> None:
    with any_file(chance, checkpoint).open("ab") as stream:
        stream.write(bytes(chance.randrange(1, 9)))


def make_enormous(chance: random.Random, checkpoint: Path) -> None:
    os.truncate(any_file(chance, checkpoint), 2**40)  # a hole: nothing is on the disk


def overwrite(chance: random.Random, checkpoint: Path) -> None:
    path = any_file(chance, checkpoint)
    path.write_bytes(chance.choice([bytes(path.stat().st_size), b"{}", b"[" * 10_000, b"null", b'"\xff', b"1" * 5000]))


def remove(chance: random.Random, checkpoint: Path) -> None:
    any_file(chance, checkpoint).unlink()


def remove_a_folder(chance: random.Random, checkpoint: Path) -> None:
    shutil.rmtree(chance.choice([path for path in checkpoint.rglob("*") if path.is_dir()]))


def rename(chance: random.Random, checkpoint: Path) -> None:
    path = any_file(chance, checkpoint)
    path.rename(path.with_name("else"))


def swap(chance: random.Random, checkpoint: Path) -> None:
    one, other = chance.sample([checkpoint / name for name in FILES], 2)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def take_from_the_one_before(chance: random.Random, checkpoint: Path) -> None:
    before = checkpoint.with_name("step-000000000200")
    name = chance.choice([*FILES, "complete.json"])
    shutil.copyfile(before / name, checkpoint / name)


def be_the_one_before(chance: random.Random, checkpoint: Path) -> None:
    shutil.rmtree(checkpoint)
    shutil.copytree(checkpoint.with_name("step-000000000200"), checkpoint)


def add_a_file(chance: random.Random, checkpoint: Path) -> None:
    (checkpoint / chance.choice(["state.msgpack", "learner_group/state.pkl", "\n", "x" * 200])).write_bytes(b"more")


def link(chance: random.Random, checkpoint: Path) -> None:
    path = any_file(chance, checkpoint)
    path.unlink()
    path.symlink_to(chance.choice(["nowhere", "/dev/zero", "/etc/passwd", ".", path.name]))


def put_something_else(chance: random.Random, checkpoint: Path) -> None:
    path = any_file(chance, checkpoint)
    path.unlink()
    chance.choice([os.mkfifo, os.mkdir])(path)


def be_a_file(chance: random.Random, checkpoint: Path) -> None:
    shutil.rmtree(checkpoint)
    checkpoint.write_bytes(b"step")


def be_empty(chance: random.Random, checkpoint: Path) -> None:
    shutil.rmtree(checkpoint)
    checkpoint.mkdir()


def list_something_else(chance: random.Random, checkpoint: Path) -> None:
    listed = json.loads((checkpoint / "complete.json").read_bytes())
    name = chance.choice(["../step-000000000200/times.json", "/etc/passwd", "a\0b", "", ".", "..", "x" * 5000, "no"])
    facts = chance.choice([[0, ""], [2**80, "é"], None, [], "12", {"a": 1}, [-1, 5], [1e400, None]])
    what = chance.choice(["add", "steps", "files", "one", "deep"])
    if what == "add":
        listed["files"][name] = facts
    elif what == "one":
        listed["files"][chance.choice(FILES)] = facts
    elif what == "deep":
        (checkpoint / "complete.json").write_text('{"files": ' * 50_000)
        return
    else:
        listed[what] = facts
    (checkpoint / "complete.json").write_text(json.dumps(listed))


DAMAGES = (
    *(flip_a_bit, cut_short, make_longer, make_enormous, overwrite, remove, remove_a_folder, rename, swap),
    *(take_from_the_one_before, be_the_one_before, add_a_file, link, put_something_else, be_a_file, be_empty),
    list_something_else,
)


def taken(store: Store) -> tuple[int, dict[str, bytes], list[str]]:
    """Return the steps and the files of the newest checkpoint that is not refused, and what was told of the others."""
    told = []
    for steps in reversed(store.complete()):
        try:
            with store.fetch(steps) as folder:
                return steps, {name: (folder / name).read_bytes() for name in FILES}, told
        except HierbrushError as error:
            told += [str(error), store.set_aside(steps)]
    return 0, {}, told


def test_what_is_damaged_is_never_taken_for_another_state(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    open_store(whole, None).begin()
    for steps in (100, 200, 300):
        open_store(whole, None).save(steps, write(steps), keep=3)
    saved = {}
    for steps in (100, 200, 300):
        with open_store(whole, None).fetch(steps) as folder:
            saved[steps] = {name: (folder / name).read_bytes() for name in FILES}
    until = time.monotonic() + SECONDS
    calls, told, seed = 0, 0, SEED
    while calls < len(DAMAGES) or time.monotonic() < until:
        chance = random.Random(seed)
        run = tmp_path / "run"
        shutil.copytree(whole, run)
        damage = DAMAGES[calls] if calls < len(DAMAGES) else chance.choice(DAMAGES)
        where = "checkpoints" if chance.random() < 0.5 else "bucket"
        uri = None
        if where == "bucket":
            (run / "bucket").mkdir()
            (run / "checkpoints").rename(run / "bucket" / "checkpoints")
            uri = (run / "bucket").as_uri()
        folder = (run / "bucket" if uri else run) / "checkpoints"
        damage(chance, folder / "step-000000000300")
        store = open_store(run, uri)
        steps, files, sentences = taken(store)
        assert steps >= 200, (seed, damage)
        assert files == saved[steps], (seed, damage)
        assert all(len(each.splitlines()) == 1 and len(each) < 1000 for each in sentences), (seed, damage, sentences)
        told += steps == 200
        # What goes on from there is kept, however many of the damaged ones are newer.
        store.save(250, write(250), keep=1)
        newest = 300 if steps == 300 else 250
        assert open_store(run, uri).complete()[-1] == newest, (seed, damage)
        shutil.rmtree(run)
        calls, seed = calls + 1, seed + 1
    print(f"{calls} damages, {told} told and passed over, 0 tracebacks, 0 taken for another state")
