"""JSON and npz, which hold everything and load back; what is in them is told by `hierbrush.writing.archive`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hierbrush.writing.outputs import Export, register

if TYPE_CHECKING:
    from hierbrush.writing.result import Page, Sheet, Writing


def _to_json(sheet: Sheet) -> bytes:
    from hierbrush.writing.archive import to_json

    return to_json(sheet)


def _to_npz(sheet: Sheet) -> bytes:
    from hierbrush.writing.archive import to_npz

    return to_npz(sheet)


def _from_json(content: bytes) -> Writing | Page:
    from hierbrush.writing.archive import from_json

    return from_json(content)


def _from_npz(content: bytes) -> Writing | Page:
    from hierbrush.writing.archive import from_npz

    return from_npz(content)


register(Export("json", _to_json, read=_from_json, place=4))
register(Export("npz", _to_npz, binary=True, read=_from_npz, place=5))
