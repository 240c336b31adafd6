"""`syncd runs`: what ran, when, and how it ended."""

from __future__ import annotations

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context


@click.command(epilog="\b\nExample:\n  syncd runs --job pull --limit 5\n")
@click.option("--job", help="Only runs of this job, such as pull or apply.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@FORMAT
@click.pass_context
def runs(ctx: click.Context, job: str | None, limit: int, format_: str) -> None:
    """List runs, newest first."""
    from syncd.clock import iso
    from syncd.report.table import render_table
    from syncd.store import runs as store

    with open_context(ctx) as context, context.store.read() as conn:
        found = store.runs(conn, limit, job=job)
    if format_ == "json":
        show_json(
            {
                "format": 1,
                "runs": [
                    {
                        "run": run.run_id,
                        "job": run.job,
                        "started_at": iso(run.started_at),
                        "finished_at": iso(run.finished_at) if run.finished_at else None,
                        "outcome": run.outcome,
                        "summary": dict(run.summary or {}),
                    }
                    for run in found
                ],
            }
        )
        return
    if not found:
        click.echo("nothing has run yet" + (f" as {job}" if job else ""))
        return
    rows = [
        (
            f"{run.started_at:%Y-%m-%d %H:%M:%S}",
            run.job,
            run.outcome or "not ended",
            f"{(run.finished_at - run.started_at).total_seconds():.1f} s" if run.finished_at else "",
            run.run_id,
        )
        for run in found
    ]
    click.echo(render_table(("started (UTC)", "job", "outcome", "took", "run"), rows))
