"""`syncd notices`: what an applied plan changed, for the people whom it concerns."""

from __future__ import annotations

import click

from syncd.cli.output import show_json
from syncd.cli.session import open_context
from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd notices 3f9a
  syncd notices 3f9a --rep anna@example.com --format markdown
  syncd notices 3f9a --manager mei@example.com
"""


@click.command(epilog=EPILOG)
@click.argument("plan")
@click.option("--rep", metavar="EMAIL", help="Only what concerns this rep, account by account.")
@click.option("--manager", metavar="EMAIL", help="Only what concerns this manager's reps.")
@click.option("--format", "format_", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.pass_context
def notices(ctx: click.Context, plan: str, rep: str | None, manager: str | None, format_: str) -> None:
    """Tell what PLAN changed, by rep: won, lost and kept accounts, each with the reason and the rule.

    An account counts as moved when its new owner was written and read back. Sends nothing.
    """
    if rep and manager:
        raise UsageError("SYN005", "--rep and --manager do not go together", hint="leave one of them out")
    from syncd.jobs.telling import changes_document
    from syncd.report.change_notices import change_markdown, change_text

    with open_context(ctx) as context:
        document = changes_document(context, plan, rep=rep, manager=manager)
    if format_ == "json":
        show_json(document)
    elif format_ == "markdown":
        click.echo(change_markdown(document, rep=rep, manager=manager), nl=False)
    else:
        click.echo(change_text(document, rep=rep, manager=manager, folded=True))
