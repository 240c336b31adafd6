"""`syncd runs`: what ran, when, and how it ended; a run or a saved plan once more."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context
from syncd.errors import UsageError
from syncd.report.plans.plan_formats import FORMATS

EPILOG = """\b
Example:
  syncd runs --job pull --limit 5
  syncd runs show 3f9a --format html --out plan.html
"""


@click.group(epilog=EPILOG, invoke_without_command=True)
@click.option("--job", help="Only runs of this job, such as pull or apply.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@FORMAT
@click.pass_context
def runs(ctx: click.Context, job: str | None, limit: int, format_: str) -> None:
    """List runs, newest first."""
    if ctx.invoked_subcommand is not None:
        return
    from syncd.jobs.plans.archive import run_entry
    from syncd.report.runs_text import runs_text
    from syncd.store import runs as store

    with open_context(ctx) as context, context.store.read() as conn:
        found = [run_entry(run) for run in store.runs(conn, limit, job=job)]
    if format_ == "json":
        show_json({"format": 1, "runs": found})
    else:
        click.echo(runs_text(found, job))


@runs.command(epilog="\b\nExample:\n  syncd runs show 3f9a\n  syncd runs show 3f9a --format csv --out plan.csv\n")
@click.argument("target", metavar="RUN|PLAN")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--redact", is_flag=True, help="Show no names, domains and e-mail addresses.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of stdout.")
@click.pass_context
def show(ctx: click.Context, target: str, format_: str, redact: bool, out: Path | None) -> None:
    """Show a run with what the ledger holds of it, or a saved plan again, byte for byte, in any format.

    RUN and PLAN are ids, or the beginning of a plan's. As text a plan comes with its approval and what became of it.
    """
    from syncd.cli.output import put
    from syncd.jobs.plans.archive import find
    from syncd.report.plans.plan_formats import render
    from syncd.report.redaction import redacted
    from syncd.report.runs_text import plan_fate_text, run_text

    with open_context(ctx) as context:
        run, plan = find(context, target)
    if plan is not None:
        document, fate = plan
        text = render(redacted(document) if redact else document, format_)
        put(plan_fate_text(fate, redact=redact) + "\n\n" + text if format_ == "text" else text, out)
    elif format_ == "json":
        show_json(run)
    elif format_ == "text":
        put(run_text(run) + "\n", out)
    else:
        hint = "choose text or json, or name the plan that it wrote"
        raise UsageError("SYN005", f"a run has no format {format_}", hint=hint)
