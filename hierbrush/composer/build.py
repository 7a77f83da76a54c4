"""Builds component library and layouts from training characters: ``python -m hierbrush.composer.build``, minutes."""

from __future__ import annotations

import json

from numpy import array, float32
from safetensors.numpy import save

from hierbrush.characters import load_library, split
from hierbrush.composer import layout
from hierbrush.composer.library import FILE, build
from hierbrush.composer.place import measured_place


def main() -> None:
    """Build the files."""
    library = load_library()
    characters = {}
    for char in library:
        if split(char) == "train":
            strokes = library[char].strokes
            places = array([measured_place(stroke.goal()) for stroke in strokes], float32)
            characters[char] = library.decomposition(char), library.stroke_types(char), places
    components = build(characters)
    FILE.write_bytes(save(components.tensors()))
    text = json.dumps(components.strings(), ensure_ascii=False, separators=(",", ":"))
    FILE.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    tensors, names = layout.build(characters)
    layout.FILE.write_bytes(save(tensors))
    layout.FILE.with_suffix(".json").write_text(
        json.dumps({"names": names}, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    print(f"{FILE}: {len(characters)} characters, {len(components.forms)} forms, {len(components.char)} occurrences")


if __name__ == "__main__":
    main()
