"""A click group that imports a command's module only when the command runs, so that ``--help`` comes at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from hierbrush.errors import closest, extra_needed, shown


@dataclass(frozen=True)
class Command:
    """A command ``name``, defined as that name in ``hierbrush.cli.<name>``; ``extra`` is what it needs installed."""

    name: str
    help: str
    extra: str | None = None

    def needed(self) -> AbstractContextManager[None]:
        """Within this, a package of the extra that is missing is told with how to install it."""
        return extra_needed(f"{self.name}:", self.extra) if self.extra else nullcontext()


class LazyGroup(click.Group):
    """A group whose commands are listed from a table."""

    def __init__(self, *args: Any, commands: Sequence[Command], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = {command.name: command for command in commands}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Raises:
            HierbrushError: a package of the command's extra is missing.
        """
        entry = self._table.get(cmd_name)
        if entry is None:
            return None
        with entry.needed():
            command = getattr(import_module(f"hierbrush.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name.

        Raises:
            HierbrushError: a package of the command's extra is missing.
        """
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            # Commands import what they need when they run, which is after get_command.
            with self._table[ctx.invoked_subcommand or ""].needed():
                raise error from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, with a suggestion when there is none."""
        if args and args[0] not in self._table and not args[0].startswith("-"):
            names = list(self._table)
            raise click.UsageError(
                f"no command {shown(args[0])}{closest(args[0], names)}; there are {', '.join(names)}"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.help) for entry in self._table.values()])
