"""A real browser for the tests of the page: where it is, how it is started, what it must not do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import Any

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 120_000  # milliseconds; the machine may be busy


@dataclass
class Seen:
    """What a page did that it should not: complaints on its console, requests elsewhere."""

    home: str
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((self.home, "data:", "blob:")) else self.elsewhere.append(request.url)
            ),
        )


def opened(chromium: Any, home: str, **context: Any) -> tuple[Any, Seen]:
    """Return a new page and what it did wrong, which fills while it runs."""
    page = chromium.new_context(**context).new_page()
    page.set_default_timeout(PATIENCE)
    seen = Seen(home)
    seen.watch(page)
    return page, seen
