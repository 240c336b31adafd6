"""The `syncd` command. Imports click and nothing heavier: `--help` must be quick (reference: tests/acceptance)."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from syncd import __version__
from syncd.cli.catalogue import COMMANDS
from syncd.cli.paths import GivenPath, with_given_paths
from syncd.errors import ExitCode, SyncdError
from syncd.errors.exhaustion import exhaustion
from syncd.errors.refused_files import refused_file

EPILOG = """\b
Exit codes: 0 fine, 1 a bug, 2 usage, 3 invalid input or findings, 4 plan
refused, 5 guard tripped, 6 CRM unreachable or refused, 7 partly done,
8 another process holds the lease.

\b
Example:
  syncd demo
  syncd check ./pack && syncd plan ./pack --accounts accounts.csv
"""


_GENERATIONS = (20_000, 50, 100)
"""When the cycle collector walks: at Python's own 700 objects it takes a tenth of the time of loading modules."""

ARGV = "syncd.argv"
"""Where a click context keeps the words from the command on, which a running daemon is asked to do."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the catalogue."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None for an unknown one."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"syncd.cli.commands.{entry.module}")
        command: Any = getattr(module, entry.attribute)
        return with_given_paths(command) if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands from the catalogue's own lines, so that help imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a mistyped command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else " `syncd --help` lists them."
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        ctx.meta[ARGV] = list(args)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80}
)
@click.version_option(__version__, "--version", prog_name="syncd", message="%(prog)s %(version)s")
@click.option(
    "--config",
    type=GivenPath(path_type=Path),
    help="The settings file (default: SYNCD_CONFIG, ./config.toml, /etc/syncd/config.toml).",
)
@click.option("-v", "--verbose", is_flag=True, help="Tell events on stderr as they happen.")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, verbose: bool) -> None:
    """Keep account ownership right in Salesforce and HubSpot."""
    ctx.obj = {"config": config, "verbose": verbose}


def main() -> None:
    """Run the command line and exit with the documented code; the boundary where every error ends."""
    gc.set_threshold(*_GENERATIONS)
    try:
        code = cli.main(_words(sys.argv[1:]), prog_name="syncd", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001 - the boundary of the process: a bug is one line for people, exit code 1
        code = _tell(error)
    sys.exit(int(code or 0))


def _words(given: Sequence[str]) -> list[str]:
    """The words of the command line; where one is not UTF-8, its odd bytes are replaced, and a note says so.

    It is not refused: whoever writes the reason of a freeze in an old terminal wants the freeze.
    """
    words = [word.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for word in given]
    for word, raw in zip(words, given, strict=True):
        if word != raw:
            click.echo(f"note: an argument is not UTF-8; it is read as {word!r}", err=True)
    return words


def _tell(error: Exception) -> ExitCode:
    """Say what ended the process, and with which exit code it ends."""
    short = exhaustion(error)
    if short is None:
        try:
            from syncd.cli.output import show_bug, show_error

            told = error if isinstance(error, SyncdError) else refused_file(error)
            if told is not None:
                show_error(told)
                return told.exit_code
            show_bug(error)
            return ExitCode.BUG
        except (OSError, MemoryError, ImportError) as second:
            short = exhaustion(second)
            if short is None:
                raise
    # with what is loaded: where no file can be opened, no module can be either
    click.echo(f"error {short.code}: {short.summary}\n  {short.hint}\n  more: syncd explain {short.code}", err=True)
    return short.exit_code
