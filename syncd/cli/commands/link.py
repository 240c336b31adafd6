"""`syncd link`: which records are one company."""

from __future__ import annotations

from collections import Counter

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context


@click.group(epilog="\b\nExample:\n  syncd link list\n")
def link() -> None:
    """List which records are one company, and who might be."""


@link.command("list", epilog="\b\nExample:\n  syncd link list --limit 20\n")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100000), help="How many candidates.")
@FORMAT
@click.pass_context
def list_(ctx: click.Context, limit: int, format_: str) -> None:
    """Count the links by evidence and list the candidates, the likeliest first.

    A candidate becomes a link when its two ids stand in the id map that the settings name.
    """
    from syncd.report.table import render_table
    from syncd.store import companies

    with open_context(ctx) as context, context.store.read() as conn:
        counts = Counter(reason.partition(" ")[0] for reason in companies.link_evidence(conn).values())
        candidates = companies.candidates(conn)
    if format_ == "json":
        listed = [
            {"salesforce": str(one.salesforce), "hubspot": str(one.hubspot), "score": one.score, "reason": one.reason}
            for one in candidates[:limit]
        ]
        show_json(
            {
                "format": 1,
                "evidence": dict(sorted(counts.items())),
                "candidates": listed,
                "candidates_total": len(candidates),
            }
        )
        return
    joined = ", ".join(f"{count:,} by {evidence}" for evidence, count in sorted(counts.items())) or "none"
    click.echo(f"joined records: {joined}")
    click.echo(f"candidates: {len(candidates):,}" + (f", the first {limit}:" if len(candidates) > limit else ""))
    if candidates:
        rows = [(str(one.score), one.salesforce.id, one.hubspot.id, one.reason) for one in candidates[:limit]]
        click.echo(render_table(("score", "salesforce", "hubspot", "why"), rows))
