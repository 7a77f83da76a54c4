"""Pictures of the strokes that the classifier and cnchar disagree about."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from hierbrush.characters.library import CharacterLibrary, Glyph
from hierbrush_build.characters.labels import CrossValidation

_CELL = 96
_CAPTION = 16
_COLUMNS = 14
_MOST = 112


def write_confusion_sheets(folder: Path, library: CharacterLibrary, validation: CrossValidation) -> list[Path]:
    """Write one PNG for every pair of confused types, the most frequent first, and return the paths.

    Each cell shows the character in grey, the stroke in red with a blue dot at its start, and the share of the votes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for (given, taken), cases in sorted(validation.confusions.items(), key=lambda item: (-len(item[1]), item[0])):
        shown = sorted(cases, key=lambda case: -case[2])[:_MOST]
        rows = -(-len(shown) // _COLUMNS)
        sheet = Image.new("RGB", (_COLUMNS * _CELL, rows * (_CELL + _CAPTION)), "white")
        for number, (char, index, share) in enumerate(shown):
            cell = _cell(library[char], index, f"{index + 1} {share:.2f}")
            sheet.paste(cell, (number % _COLUMNS * _CELL, number // _COLUMNS * (_CELL + _CAPTION)))
        paths.append(folder / f"{len(cases):03}-{given}-taken-for-{taken}.png")
        sheet.save(paths[-1])
    return paths


def _cell(glyph: Glyph, index: int, caption: str) -> Image.Image:
    side = 2 * _CELL
    image = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(image)
    for stroke in glyph.strokes:
        pen.polygon([(float(x), float(y)) for x, y in stroke.outline * side], fill=(205, 205, 205))
    stroke = glyph.strokes[index]
    pen.polygon([(float(x), float(y)) for x, y in stroke.outline * side], fill=(220, 40, 40))
    x, y = (float(value) * side for value in stroke.median[0])
    pen.ellipse([x - 5, y - 5, x + 5, y + 5], fill="blue")
    cell = Image.new("RGB", (_CELL, _CELL + _CAPTION), "white")
    cell.paste(image.resize((_CELL, _CELL)), (0, 0))
    ImageDraw.Draw(cell).text((2, _CELL + 2), caption, fill="black")
    return cell
