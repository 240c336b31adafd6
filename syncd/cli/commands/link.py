"""`syncd link`: which records are one company."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership


_PAIR = "salesforce:account:001… hubspot:account:99…"
EPILOG = f"""\b
Example:
  syncd link list
  syncd link confirm {_PAIR}
  syncd link reject {_PAIR}
"""


@click.group(epilog=EPILOG)
def link() -> None:
    """List which records are one company, and who might be; say who is and who is not."""


@link.command("list", epilog="\b\nExample:\n  syncd link list --limit 20\n")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100000), help="How many candidates.")
@FORMAT
@click.pass_context
def list_(ctx: click.Context, limit: int, format_: str) -> None:
    """Count the links by evidence and list the candidates, the likeliest first.

    `syncd link confirm` makes a candidate a link; so does a row of the id map that the settings name.
    """
    from syncd.jobs.pulling.candidates import links_document
    from syncd.report.links_text import links_text

    with open_context(ctx) as context:
        document = links_document(context, limit)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(links_text(document))


@link.command(epilog=f"\b\nExample:\n  syncd link confirm {_PAIR}\n")
@click.argument("salesforce", metavar="REF")
@click.argument("hubspot", metavar="REF")
@click.pass_context
def confirm(ctx: click.Context, salesforce: str, hubspot: str) -> int:
    """Say that two accounts, one of each system, are one company. Who said so stands in the ledger."""
    return _decide(ctx, salesforce, hubspot, confirmed=True)


@link.command(epilog=f"\b\nExample:\n  syncd link reject {_PAIR}\n")
@click.argument("salesforce", metavar="REF")
@click.argument("hubspot", metavar="REF")
@click.pass_context
def reject(ctx: click.Context, salesforce: str, hubspot: str) -> int:
    """Say that two accounts are not one company: they are no candidates any more, and a link of theirs is split."""
    return _decide(ctx, salesforce, hubspot, confirmed=False)


def _decide(ctx: click.Context, salesforce: str, hubspot: str, *, confirmed: bool) -> int:
    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.pulling.linking import decide_link
        from syncd.planning.drift import parse_ref

        first, second = parse_ref(salesforce), parse_ref(hubspot)
        joined, split = decide_link(context, leader, first, second, confirmed=confirmed)
        click.echo(f"{first} and {second} are {'one company' if confirmed else 'two companies'}")
        click.echo(f"linked anew: {joined:,} joined, {split:,} split")
        return 0

    return lead(ctx, work)
