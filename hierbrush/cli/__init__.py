"""The ``hierbrush`` command."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

import click

from hierbrush.cli.lazy_group import Command, LazyGroup
from hierbrush.cli.messages import complain
from hierbrush.errors import HierbrushError

_COMMANDS = (
    Command("write", "Write characters into picture, vector, movement or machine files."),
    Command("copy", "Copy a font's characters, a picture or a page of a copybook."),
    Command("style", "Learn a hand from a font, pictures or a practice sheet."),
    Command("studio", "Open a page to watch the brush and to try things."),
    Command("evaluate", "Score a policy on characters that it never saw, beside controls."),
    Command("train", "Train primitives, a composer or both, as a configuration file says.", extra="train"),
    Command("runs", "List trainings: how far they are, how good, how old."),
    Command("dataset", "Make data sets for offline learning, or show what is in one.", extra="train"),
    Command("goals", "Find strokes in fonts, for a composer that learns to copy pictures."),
    Command("curriculum", "Check a curriculum file, or show what the policy will see.", extra="train"),
    Command("font", "Make a TrueType font of what the brush writes."),
    Command("machine", "Check a machine file for G-code, print an example or the schema."),
    Command("brush", "Print a calibration sheet, fit a brush to a scan of it, check a brush file."),
    Command("arm", "Let a robot arm write: in simulation, and into files for the real one.", extra="arm"),
    Command("doctor", "Say which core is loaded, its flags, versions, data and extras."),
)


@click.group(
    cls=LazyGroup,
    commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="hierbrush", prog_name="hierbrush")
def hierbrush() -> None:
    """Chinese characters written with a simulated brush, stroke by stroke.

    \b
    hierbrush write 永 -o yong.png            a picture of one character
    hierbrush write 永和九年 -o line.gif       a column of four, being written
    hierbrush COMMAND --help                 what a command can do, with examples
    """  # noqa: D301  # \b keeps click from joining the examples' lines


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its status: 0, or 2 after one line that says what was wrong.

    Input that cannot be used never shows a traceback; one that appears is a defect of hierbrush.
    """
    warnings.formatwarning = _warning
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its code: told is told, and nothing fails for it.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = hierbrush.main(arguments, prog_name="hierbrush", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message().replace("\n", " "), status=error.exit_code)
    except HierbrushError as error:
        _fail(str(error))
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", status=130)
    except BrokenPipeError:
        # Whoever read our output has enough; without this Python complains once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _warning(message: Warning | str, *_: object, **__: object) -> str:
    """Return a warning as a line for users, without file, line number and source."""
    return f"hierbrush: warning: {str(message).removeprefix('hierbrush: ')}\n"


def _fail(message: str, status: int = 2) -> NoReturn:
    complain(message)
    sys.exit(status)
