"""`syncd sync`: one round of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import progress, show_error

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership


@click.command(epilog="\b\nExample:\n  syncd sync --dry-run\n")
@click.option("--dry-run", is_flag=True, help="Write nothing to a CRM, whatever the mode.")
@click.pass_context
def sync(ctx: click.Context, dry_run: bool) -> int:
    """Pull, plan, apply as the mode allows, and watch: once, as the daemon does."""

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs import sync as job
        from syncd.report.plans.apply_text import apply_text

        show = progress()
        report = job.sync(context, leader, dry_run=dry_run, show=show)
        show("")
        for one in report.pull.systems:
            click.echo(one.line(brief=True))
        for resumed in report.resumed:
            click.echo(apply_text(resumed.to_json()))
        for aside in report.set_aside:
            click.echo(f"an earlier round's plan is closed, and planned anew: {aside.summary}")
        if report.plan is not None:
            summary = report.plan["summary"]
            saved = f"plan {report.plan['plan_id']}" if report.plan["plan_id"] else "plan: nothing to do"
            click.echo(f"{saved}: {summary['changes']} to change, {summary['held']} held, {summary['keep']} kept")
        if report.applied is not None:
            click.echo(apply_text(report.applied.to_json()))
        click.echo(report.watch.line())
        for error in (*(one.error for one in report.pull.systems), report.refused):
            if error is not None:
                show_error(error)
        return report.exit_code

    return lead(ctx, work)
