"""`syncd fairness`: who of a pool got how much, and who is owed."""

from __future__ import annotations

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context


@click.command(epilog="\b\nExample:\n  syncd fairness emea-triage\n  syncd fairness inbound --leads --format json\n")
@click.argument("pool")
@click.option("--leads", is_flag=True, help="The pool's leads in place of its accounts.")
@FORMAT
@click.pass_context
def fairness(ctx: click.Context, pool: str, leads: bool, format_: str) -> None:
    """Show what each member of POOL got in turn, and is owed.

    Share is the member's part by weight, due its shares of the assignments made while it was eligible, debt what it is
    owed of them. An absence earns nothing, so there is no catching up.
    """
    from syncd.jobs.answers.fairness import fairness as fairness_of
    from syncd.report.fairness_text import fairness_text

    with open_context(ctx) as context:
        document = fairness_of(context, pool, leads=leads)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(fairness_text(document))
