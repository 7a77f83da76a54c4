"""PDF files without a library: what a page holds is said by the caller, the file is put together here.

By ISO 32000-1, 7.5 and 8.5.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

POINTS = 72 / 0.0254
"""Units of a page in a metre."""


def stream(content: bytes) -> bytes:
    """Return the object that holds the drawing of a page, packed."""
    packed = zlib.compress(content, 6)
    return f"<</Length {len(packed)}/Filter/FlateDecode>>\nstream\n".encode() + packed + b"\nendstream"


def pdf_file(objects: Sequence[bytes], trailer: str = "") -> bytes:
    """Return a file of objects, numbered from 1, of which the first is the catalogue.

    Args:
        objects: each as it stands between ``obj`` and ``endobj``.
        trailer: what the trailer says besides, such as ``/Info 3 0 R``.
    """
    file = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(file))
        file += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(file)
    file += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    file += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    file += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(file)
