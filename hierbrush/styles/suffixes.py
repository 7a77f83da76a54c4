"""The names' endings by which files that may be copied are told, without loading what reads them."""

import re
from os import PathLike, fspath
from pathlib import Path

FONTS = (".ttf", ".otf", ".ttc", ".otc", ".woff", ".woff2")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm", ".pbm")

CHOICE = re.compile(
    r"#(?:(?P<number>\d{1,6})|(?P<axes>[A-Za-z0-9 ]{4}=[-+.\d]{1,12}(?:,[A-Za-z0-9 ]{4}=[-+.\d]{1,12})*))$"
)
"""What may follow a font's path: which font of a collection, ``#2``, or where a variable one stands, ``#wght=700``."""


def is_font(path: str | PathLike[str]) -> bool:
    """Return whether a path's suffix is a font's, whatever follows to choose one of a file."""
    return Path(CHOICE.sub("", str(fspath(path)))).suffix.lower() in FONTS
