"""`syncd pack`: a pack that is fetched from git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.errors import ExitCode

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership


@click.group(epilog="\b\nExample:\n  syncd pack fetch\n")
def pack() -> None:
    """Fetch the pack from git."""


@pack.command(epilog="\b\nExample:\n  syncd pack fetch\n")
@click.pass_context
def fetch(ctx: click.Context) -> int:
    """Look at `pack.git` now: a commit that is new and valid is stored and in use at once, for standbys too.

    The daemon does so by itself every `pack.git.every`. Exits 3 with every finding where the commit's pack is
    invalid; the last good one stays in use.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.pulling.fetching import fetch_pack

        fetched = fetch_pack(context, leader)
        what = "in use now" if fetched.changed else "in use already"
        click.echo(f"pack {fetched.revision} of commit {fetched.commit[:12]} is {what}")
        return ExitCode.OK

    return lead(ctx, work)
