"""`syncd demo`: the whole main job, shown."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.errors import ExitCode

EPILOG = """\b
Example:
  syncd demo
  syncd demo --keep ./northwind     # and go on by hand with what it made
"""


@click.command(epilog=EPILOG)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep settings, pack and database in this new folder.",
)
def demo(keep: Path | None) -> int:
    """Show the whole main job on two sandbox CRMs with 600 made-up companies.

    Needs no account and no network: both CRMs run on loopback, everything else lives in a temporary folder. Every
    command that it shows is run as you would run it.
    """
    from syncd.cli.demonstration import Demonstration

    with Demonstration.set_up(keep) as demonstration:
        return ExitCode.OK if demonstration.run() else ExitCode.BUG
