"""Builds component library and layouts from the drawings of training characters.

``python -m hierbrush.composer.build``, five minutes and 6 GB. How BLAS rounds depends on its number of threads, and
so do the last digits of the layouts, by 6e-8 at most.
"""

from __future__ import annotations

from hierbrush.characters.repertoire import IN_PLACE
from hierbrush.composer import joints, layout, stored
from hierbrush.composer.drawings import further_drawings, training_drawings
from hierbrush.composer.library import FILE, build


def main() -> None:
    """Build the files."""
    drawings = [*training_drawings(), *further_drawings()]
    # A component cut out of a larger character fills a part of its box only: no example of how parts share a whole one.
    tensors, names = layout.build([drawing for drawing in drawings if drawing.repertoire.typeface != IN_PLACE])
    stored.write(layout.FILE, tensors, {"names": names})
    components = build(drawings, layout.Layouts(tensors, names))
    stored.write(FILE, components.tensors(), components.strings())
    stored.write(joints.FILE, joints.build(drawings, components), {"strokes": len(components.strokes)})
    print(f"{FILE}: {len(drawings)} drawings, {len(components.forms)} forms, {len(components.char)} occurrences")


if __name__ == "__main__":
    main()
