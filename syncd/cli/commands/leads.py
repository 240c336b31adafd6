"""`syncd leads`: one look at leads, as the daemon does it every minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, progress, show_error, show_json

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership


@click.command(epilog="\b\nExample:\n  syncd leads --dry-run\n  syncd leads --format json\n")
@click.option("--dry-run", is_flag=True, help="Say who would get which lead; save no plan and write nothing.")
@FORMAT
@click.pass_context
def leads(ctx: click.Context, dry_run: bool, format_: str) -> int:
    """Read leads, say whose each is, give those that wait to somebody, and look at the clock of the others.

    In approve mode it makes a plan that a person approves, or writes inside the guard with `auto` of [leads]; in apply
    mode it writes inside the guard; in observe mode it writes nothing.
    """

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.leads.lane import run_leads
        from syncd.report.leads_text import leads_document, leads_text
        from syncd.report.plans.apply_text import apply_text

        show = progress()
        report = run_leads(context, leader, dry_run=dry_run, show=show)
        show("")
        document = leads_document(
            report.document,
            [pull.line() for pull in report.pulls],
            waiting=[(str(track.ref), track.text) for track in report.waiting],
            held=report.held,
            applied=report.applied.to_json() if report.applied is not None else None,
        )
        if format_ == "json":
            show_json(document)
        else:
            click.echo(leads_text(document), nl=False)
            if report.applied is not None:
                click.echo(apply_text(report.applied.to_json()))
        for error in (*(pull.error for pull in report.pulls), report.refused):
            if error is not None:
                show_error(error)
        return report.exit_code

    return lead(ctx, work)
