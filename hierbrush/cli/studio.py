"""``hierbrush studio``: a page on this machine to watch the brush and to try things."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hierbrush.errors import HierbrushError, shown

if TYPE_CHECKING:
    from hierbrush.studio.desk import Desk
    from hierbrush.studio.server import StudioServer


@click.command(short_help="Open a page to watch the brush and to try things.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port on loopback.  [default: 8848, or one that is free]")
@click.option("--browser/--no-browser", default=True, help="Open the page in the browser, or only say where it is.")
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    help="Folder of trainings to open on the page.  [default: runs/, where there is one]",
)
def studio(port: int | None, browser: bool, runs: Path | None) -> None:
    """Serve a page on this machine alone: write a text, watch the brush, write along, keep what was written.

    Ctrl-C ends it. docs/studio.md tells what the page can do.
    """
    from hierbrush.studio.desk import Desk

    if runs is not None and not runs.is_dir():
        raise HierbrushError(f"--runs: {shown(runs)} is no folder; trainings go to runs/ unless told otherwise")
    desk = Desk(runs if runs is not None else Path("runs"))
    server = _opened(desk, port)
    threading.Thread(target=desk.warm, daemon=True).start()
    click.echo(f"hierbrush studio: {server.url} (Ctrl-C ends it)")
    if browser:
        import webbrowser

        threading.Thread(target=webbrowser.open, args=[server.url], daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("hierbrush studio: ended")
    finally:
        server.server_close()


def _opened(desk: Desk, port: int | None) -> StudioServer:
    """Return a server on the port that was asked for, or on the usual one, or on any that is free."""
    from hierbrush.studio.server import USUAL_PORT, StudioServer

    try:
        return StudioServer(desk, USUAL_PORT if port is None else port)
    except OSError as error:
        if port is None:
            return StudioServer(desk)
        why = "another program has it" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        raise HierbrushError(f"--port: {port} cannot be used: {why}; leave it out for one that is free") from None
