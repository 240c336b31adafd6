"""`syncd history`: what the ledger knows of one record."""

from __future__ import annotations

from collections.abc import Mapping

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context


@click.command(epilog="\b\nExample:\n  syncd history acme.example\n")
@click.argument("record")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10000), help="How many rows, newest last."
)
@FORMAT
@click.pass_context
def history(ctx: click.Context, record: str, limit: int, format_: str) -> None:
    """Show the ledger's rows about RECORD: a ref, id, domain or name of an account."""
    from syncd.clock import iso
    from syncd.jobs.lookup import company_of
    from syncd.store import ledger

    with open_context(ctx) as context, context.store.read() as conn:
        refs = company_of(conn, record).refs
        entries = sorted(
            (entry for ref in refs for entry in ledger.entries(conn, ref=str(ref), limit=limit)),
            key=lambda row: row.seq,
        )[-limit:]
    if format_ == "json":
        show_json(
            {
                "format": 1,
                "refs": [str(ref) for ref in refs],
                "entries": [
                    {
                        "seq": entry.seq,
                        "at": iso(entry.at),
                        "event": entry.event,
                        "ref": entry.ref,
                        "actor": entry.actor,
                        "facts": dict(entry.facts),
                        "payload": entry.payload,
                    }
                    for entry in entries
                ],
            }
        )
        return
    click.echo("records: " + ", ".join(str(ref) for ref in refs))
    if not entries:
        click.echo("the ledger has nothing about them: syncd never wrote them")
    for entry in entries:
        click.echo(f"{entry.at:%Y-%m-%d %H:%M:%S}Z  {entry.event:<18} {entry.ref}")
        click.echo("    " + _said(entry.facts))


def _said(facts: Mapping[str, object]) -> str:
    """The facts of a row in words: the owners first, then what else there is."""
    words = [f"{facts['from'] or 'nobody'} -> {facts['to'] or 'nobody'}"] if {"from", "to"} <= set(facts) else []
    rest = {key: value for key, value in facts.items() if key not in ("from", "to", "state") and value is not None}
    return ", ".join([*words, *(f"{key} {value}" for key, value in sorted(rest.items()))])
