"""`syncd leaver`: the drill when somebody leaves, as one plan."""

from __future__ import annotations

import click

from syncd.cli.people import show_proposal
from syncd.cli.session import open_context

EPILOG = """\b
Example:
  syncd leaver anna@example.com
  syncd leaver anna@example.com --to ben@example.com --cover mei@example.com
"""


@click.command(epilog=EPILOG)
@click.argument("email")
@click.option("--to", multiple=True, metavar="EMAIL", help="Only to these people, where their territories let them.")
@click.option("--cover", metavar="EMAIL", help="Who has what no territory has anybody for.")
@click.option("--format", "format_", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.pass_context
def leaver(ctx: click.Context, email: str, to: tuple[str, ...], cover: str | None, format_: str) -> None:
    """List all that EMAIL owns, by money, and plan who gets it.

    Each account goes to the best of those whom its territory lets have it: by fit, likeness to the leaver, free
    capacity, and who knows the customer. Saved as one plan, to be approved.
    """
    from syncd.jobs.people.leaver import leaver as plan_leaver

    with open_context(ctx) as context:
        document = plan_leaver(context, email, to=to, cover=cover)
    show_proposal(document, format_)
