from __future__ import annotations

import pytest

from hierbrush.writing import Page, Writing, write_character, write_text


@pytest.fixture(scope="session")
def yong() -> Writing:
    return write_character("永", goal="glyph")


@pytest.fixture(scope="session")
def page() -> Page:
    return write_text("永和\n九", layout="vertical", goal="glyph")
