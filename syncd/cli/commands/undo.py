"""`syncd undo`: the way back, as a plan like any other."""

from __future__ import annotations

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context

EPILOG = """\b
Example:
  syncd undo 3f9a            # a plan that was applied
  syncd undo salesforce:account:001Sb0000000001IAA
"""


@click.command(epilog=EPILOG)
@click.argument("target")
@FORMAT
@click.pass_context
def undo(ctx: click.Context, target: str, format_: str) -> None:
    """Plan the way back of TARGET: a plan, a run or a record that syncd wrote.

    The undo is a plan: it is approved and applied like any other, and records that somebody changed since are left
    alone as conflicts.
    """
    from syncd.jobs.plans.apply import plan_undo
    from syncd.report.plans.plan_text import render_plan

    with open_context(ctx) as context:
        document = plan_undo(context, target).document
    if format_ == "json":
        show_json(document)
    else:
        click.echo(render_plan(document), nl=False)
