"""`syncd distribute`: fill the books of a pool to capacity, as a plan."""

from __future__ import annotations

import click

from syncd.cli.people import show_proposal
from syncd.cli.session import open_context

EPILOG = """\b
Example:
  syncd distribute emea-triage --budget 50
  syncd distribute emea-triage --from emea/unworked
"""


@click.command(epilog=EPILOG)
@click.argument("pool")
@click.option("--budget", type=click.IntRange(min=1), metavar="N", help="At most so many accounts in this plan.")
@click.option(
    "--from", "sources", multiple=True, metavar="TERRITORY", help="Also what a territory without owners holds."
)
@click.option("--format", "format_", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.pass_context
def distribute(ctx: click.Context, pool: str, budget: int | None, sources: tuple[str, ...], format_: str) -> None:
    """Plan how accounts that nobody works fill the books of POOL, the best score first.

    A book is full at capacity times ramp. The pool's own way of picking says who is next; caps hold.
    """
    from syncd.jobs.people.distributing import distribute as plan_distribution

    with open_context(ctx) as context:
        document = plan_distribution(context, pool, budget=budget, sources=sources)
    show_proposal(document, format_)
