"""`syncd feed`: who owns what from when, as events in order, and how far webhooks were told of them."""

from __future__ import annotations

import json

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context

EPILOG = """\b
Example:
  syncd feed --since 0 --limit 100
  syncd feed --since 4711-0a1b2c3d4e5f --follow --type owner.changed
  syncd feed subscribers
  syncd feed replay crm-warehouse --since 0
"""


@click.group(invoke_without_command=True, epilog=EPILOG)
@click.option("--since", default="0", show_default=True, help="Only what came after this event's cursor; 0: all.")
@click.option("--limit", type=click.IntRange(1), help="At most so many events.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until interrupted.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only events of this type; may be repeated.")
@click.pass_context
def feed(ctx: click.Context, since: str, limit: int | None, follow: bool, types: tuple[str, ...]) -> None:
    """Print what changed for whoever works with accounts and leads, one JSON event a line, oldest first.

    Keep the `cursor` of the last event that you have dealt with, and ask for what came after it.
    """
    if ctx.invoked_subcommand is not None:
        return
    from syncd.jobs.feed.reading import events

    with open_context(ctx) as context:
        for event in events(context, since, limit=limit, follow=follow, types=types):
            click.echo(json.dumps(event, ensure_ascii=False, separators=(",", ":")))


@feed.command(epilog="\b\nExample:\n  syncd feed subscribers --format json\n")
@FORMAT
@click.pass_context
def subscribers(ctx: click.Context, format_: str) -> None:
    """How far each webhook that `tells` of the feed was told, and why one takes nothing."""
    from syncd.jobs.feed.pushing import standing
    from syncd.report.table import render_table

    with open_context(ctx) as context:
        found = standing(context)
    if format_ == "json":
        show_json({"format": 1, "subscribers": found})
        return
    if not found:
        click.echo('nobody subscribes to the feed: give a webhook receiver tells = ["feed"]')
        return
    rows = [
        (name, each["cursor"] or "not told yet", str(each["behind"]), each["reason"] or "ok", each["told_at"] or "")
        for name, each in found.items()
    ]
    click.echo(render_table(("subscriber", "cursor", "rows behind", "last call", "at"), rows))


@feed.command(epilog="\b\nExample:\n  syncd feed replay crm-warehouse --since 0\n")
@click.argument("subscriber")
@click.option("--since", required=True, help="Everything after this event's cursor; 0: all.")
@click.pass_context
def replay(ctx: click.Context, subscriber: str, since: str) -> None:
    """Tell SUBSCRIBER again everything after a cursor, with the next watches. Ids are the same as the first time."""
    from syncd.jobs.feed.pushing import replay as start_again

    with open_context(ctx) as context:
        cursor = start_again(context, subscriber, since)
    click.echo(f"{subscriber} is told again everything after {cursor}; the next watch begins with it")
