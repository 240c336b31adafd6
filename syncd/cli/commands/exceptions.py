"""`syncd exceptions`: what keeps accounts where the rules would not have them, and what that costs."""

from __future__ import annotations

import click

from syncd.cli.output import show_json
from syncd.cli.session import open_context

EPILOG = """\b
Example:
  syncd exceptions
  syncd exceptions --format markdown
"""


@click.command(epilog=EPILOG)
@click.option("--format", "format_", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.pass_context
def exceptions(ctx: click.Context, format_: str) -> None:
    """List every exception by what it costs: accounts, money, who would move otherwise, and when it ends.

    Overrides of the pack and of the ledger, disputes, protect rules, deal holdouts, locked accounts, and those whose
    owner a person changed.
    """
    from syncd.jobs.people.exceptions import exceptions as exceptions_of
    from syncd.report.exceptions_text import exceptions_markdown, exceptions_text

    with open_context(ctx) as context:
        document = exceptions_of(context)
    if format_ == "json":
        show_json(document)
    elif format_ == "markdown":
        click.echo(exceptions_markdown(document), nl=False)
    else:
        click.echo(exceptions_text(document))
