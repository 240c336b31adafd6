"""`syncd erase`: what syncd holds of one person or one record, taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, show_json

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership

EPILOG = """\b
Example:
  syncd erase anna@example.com --reason "request of 2026-11-20"
  syncd erase salesforce:account:001… --reason "request of 2026-11-20"
"""


@click.command(epilog=EPILOG)
@click.argument("target", metavar="REF|EMAIL")
@click.option("--reason", required=True, help="Why; it stands in the ledger beside who.")
@FORMAT
@click.pass_context
def erase(ctx: click.Context, target: str, reason: str, format_: str) -> int:
    """Erase what syncd holds of a record that its CRM deleted, or of a person whom every CRM deactivated.

    Payloads of the ledger go, mirror rows are blanked, names and addresses go out of plans, alerts and candidates. The
    ledger's chain stays whole. A backup that is restored later is erased again before anything else is done with it.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.upkeep.erasing import erase as job

        erased = job(context, leader, target, reason=reason)
        if format_ == "json":
            document = {"format": 1, "erasure": erased.id, "changed": erased.changed, "remaining": erased.remaining}
            show_json(document)
            return 0
        told = ", ".join(f"{count:,} of {name}" for name, count in erased.changed.items()) or "nothing"
        click.echo(f"erasure {erased.id}: rows changed: {told}")
        for place, count in erased.remaining.items():
            click.echo(f"  still in {count:,} rows of {place}, which erasing does not change")
        return 0

    return lead(ctx, work)
