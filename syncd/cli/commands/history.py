"""`syncd history`: what is known of one company's records, now or then."""

from __future__ import annotations

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import instant_option, open_context

EPILOG = """\b
Example:
  syncd history acme.example
  syncd history salesforce:account:001… --as-of 2026-11-20T10:00:00Z
"""


@click.command(epilog=EPILOG)
@click.argument("record")
@click.option("--as-of", help="As it was at this instant, such as 2026-11-20T10:00:00Z.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10000), help="How many rows, newest last."
)
@FORMAT
@click.pass_context
def history(ctx: click.Context, record: str, as_of: str | None, limit: int, format_: str) -> None:
    """Show owner, mark, plan and receipts of RECORD, and the ledger's rows about it.

    RECORD is a ref, id, domain or name of an account; every record of its company is shown, and those merged into them.
    """
    from syncd.jobs.history import history_document
    from syncd.report.history_text import history_text

    instant = instant_option("--as-of", as_of)
    with open_context(ctx) as context:
        document = history_document(context, record, as_of=instant, limit=limit)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(history_text(document, at_an_instant=instant is not None))
