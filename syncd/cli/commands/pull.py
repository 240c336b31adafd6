"""`syncd pull`: CRM to mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, progress, show_error, show_json
from syncd.errors import UsageError

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership
    from syncd.jobs.pulling.pull import PullReport

EPILOG = """\b
Example:
  syncd pull
  syncd pull --system hubspot --full
"""


@click.command(epilog=EPILOG)
@click.option("--full", is_flag=True, help="Read everything again, not only what changed.")
@click.option("--system", type=click.Choice(["salesforce", "hubspot"]), help="Only this CRM.")
@click.option("--delayed-pass", is_flag=True, help="Read HubSpot's window of an hour ago once more.")
@click.option("--sweep", is_flag=True, help="Compare all ids, which finds what was deleted for good.")
@FORMAT
@click.pass_context
def pull(ctx: click.Context, full: bool, system: str | None, delayed_pass: bool, sweep: bool, format_: str) -> int:
    """Read users, accounts, opportunities and teams into the mirror.

    Exits 6 where a CRM could not be read to the end; what was read is kept, and the next pull goes on from there.
    """
    if sum((full, delayed_pass, sweep)) > 1:
        raise UsageError("SYN005", "--full, --delayed-pass and --sweep are three different pulls", hint="choose one")

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.pulling import pull as job
        from syncd.model.refs import System

        show = progress()
        if delayed_pass:
            report = job.delayed_pass(context, check=leader.check)
        elif sweep:
            from syncd.jobs.pulling.sweeping import sweep as swept

            report = swept(context, check=leader.check, show=show)
        else:
            systems = [System(system)] if system else None
            report = job.pull(context, systems=systems, full=full, check=leader.check, show=show)
        show("")
        _print(report, format_)
        return report.exit_code

    return lead(ctx, work)


def _print(report: PullReport, format_: str) -> None:
    if format_ == "json":
        systems = {
            one.system.value: {
                "outcome": one.outcome,
                "read": one.read,
                "changed": one.changed,
                "deleted": one.deleted,
                "users": one.users,
                "calls": one.calls,
                "notes": one.notes,
                "error": str(one.error) if one.error else None,
            }
            for one in report.systems
        }
        show_json(
            {"format": 1, "run": report.run_id, "systems": systems, "joined": report.joined, "split": report.split}
        )
        return
    for one in report.systems:
        click.echo(one.line(brief=True))
        for note in one.notes:
            click.echo(f"  note: {note}")
    if report.joined or report.split:
        click.echo(f"companies: {report.joined:,} records joined, {report.split:,} split")
    for one in report.systems:
        if one.error is not None:
            show_error(one.error)
