from __future__ import annotations

import pytest

pytest.importorskip("mujoco")

from hierbrush.writing import Layout, Page, write_text
from hierbrush.writing.on_arm import ArmSheet, DrawnByArm


@pytest.fixture(scope="session")
def page() -> Page:
    return write_text("一人", layout=Layout("horizontal", cell=0.03), policy="scripted", goal="glyph")


@pytest.fixture(scope="session")
def on_ur5e(page: Page) -> ArmSheet:
    return page.on("ur5e")


@pytest.fixture(scope="session")
def on_so101(page: Page) -> ArmSheet:
    return page.on("so101")


@pytest.fixture(scope="session")
def drawn(on_ur5e: ArmSheet) -> DrawnByArm:
    return on_ur5e.simulate(seed=3)
