"""`syncd alerts`: what is wrong now, one alert with its evidence, and who looks after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context
from syncd.errors import ExitCode

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership

EPILOG = """\b
Example:
  syncd alerts
  syncd alerts show 12
  syncd alerts ack 12
"""
_ID = click.argument("alert_id", metavar="ID", type=click.IntRange(1))


@click.group(invoke_without_command=True, epilog=EPILOG)
@FORMAT
@click.pass_context
def alerts(ctx: click.Context, format_: str) -> None:
    """List, show and acknowledge alerts; without a command, list those that are open."""
    if ctx.invoked_subcommand is None:
        _list(ctx, everything=False, limit=200, format_=format_)


@alerts.command("list", epilog="\b\nExample:\n  syncd alerts list --all --limit 20\n")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 10000), help="How many, newest first.")
@FORMAT
@click.pass_context
def list_(ctx: click.Context, everything: bool, limit: int, format_: str) -> None:
    """List alerts: what, since when, and what to do first."""
    _list(ctx, everything=everything, limit=limit, format_=format_)


@alerts.command("show", epilog="\b\nExample:\n  syncd alerts show 12 --format json\n")
@_ID
@FORMAT
@click.pass_context
def show(ctx: click.Context, alert_id: int, format_: str) -> None:
    """Show the alert ID with evidence, accounts, history and runbook."""
    from syncd.jobs.alerting import alert_document
    from syncd.report.alerts_text import alert_text

    with open_context(ctx) as context:
        document = alert_document(context, alert_id)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(alert_text(document))


@alerts.command("ack", epilog="\b\nExample:\n  syncd alerts ack 12\n")
@_ID
@click.pass_context
def ack(ctx: click.Context, alert_id: int) -> int:
    """Say that you look after the alert ID. One that tells of a change ends with it."""

    def work(context: Context, _: Leadership) -> int:
        from syncd.jobs.alerting import acknowledge
        from syncd.report.wording import plain

        document = acknowledge(context, alert_id)
        over = "is over" if document["state"] == "resolved" else "stays open until its condition is over"
        click.echo(f"{document['monitor']} of {plain(document['subject'])}: taken by {context.actor}; it {over}")
        return ExitCode.OK

    return lead(ctx, work)


@alerts.command("send-test", epilog="\b\nExample:\n  syncd alerts send-test on-call\n")
@click.argument("receiver", required=False)
@FORMAT
@click.pass_context
def send_test(ctx: click.Context, receiver: str | None, format_: str) -> int:
    """Send a test notice to RECEIVER, or to every one; exits with 6 where one did not take it."""
    from syncd.jobs.alerting import send_test as job
    from syncd.report.wording import plain

    with open_context(ctx) as context:
        results = job(context, receiver)
    if format_ == "json":
        show_json({"format": 1, "receivers": results})
    else:
        for result in results:
            failed = f"not delivered, {result['reason']}: {plain(result['detail'])}"
            click.echo(f"{result['receiver']}: {'delivered' if result['delivered'] else failed}")
    return ExitCode.OK if all(result["delivered"] for result in results) else ExitCode.CRM


def _list(ctx: click.Context, *, everything: bool, limit: int, format_: str) -> None:
    from syncd.jobs.alerting import alerts_document
    from syncd.report.alerts_text import alerts_text

    with open_context(ctx) as context:
        document = alerts_document(context, everything=everything, limit=limit)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(alerts_text(document))
