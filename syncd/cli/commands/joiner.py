"""`syncd joiner`: the first book of somebody who starts, as a plan."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

from syncd.cli.people import show_proposal
from syncd.cli.session import open_context
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd joiner ben@example.com --into emea-triage
  syncd joiner ben@example.com --into dach-banking --share 50%
"""


@click.command(epilog=EPILOG)
@click.argument("email")
@click.option("--into", required=True, metavar="POOL|TERRITORY", help="Where they start; it must name them already.")
@click.option("--share", default="100%", show_default=True, help="The part of a fair share that they get.")
@click.option("--budget", type=click.IntRange(min=1), metavar="N", help="At most so many accounts in this plan.")
@click.option("--format", "format_", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.pass_context
def joiner(ctx: click.Context, email: str, into: str, share: str, budget: int | None, format_: str) -> None:
    """Plan the first book of EMAIL: what has nobody, then what full books can spare.

    The fullest book gives first, and of it what costs least to hand over. The plan fills the book to today's step of
    the ramp; run it again at the next.
    """
    part = share_of(share)
    from syncd.jobs.people.joiner import joiner as plan_joiner

    with open_context(ctx) as context:
        document = plan_joiner(context, email, into, share=part, budget=budget)
    show_proposal(document, format_)


def share_of(written: str) -> Decimal:
    """A share as `50%` or `0.5`; UsageError SYN656 for what is none above 0 and up to 1."""
    text, percent = written.strip().removesuffix("%"), written.strip().endswith("%")
    try:
        share = Decimal(text) / (100 if percent else 1)
    except InvalidOperation:
        share = Decimal(0)
    if not (share.is_finite() and 0 < share <= 1):
        raise UsageError("SYN656", f"--share {written!r} is no share", hint="write 50% or 0.5: above 0, at most 100%")
    return share
