"""`syncd history`: what is known of one company's records, now or then, and the evidence of what syncd wrote."""

from __future__ import annotations

import json
from pathlib import Path

import click

from syncd.cli.output import FORMAT, put, show_json
from syncd.cli.session import instant_option, open_context
from syncd.errors import ExitCode

EPILOG = """\b
Example:
  syncd history acme.example
  syncd history salesforce:account:001… --as-of 2026-11-20T10:00:00Z
  syncd history acme.example --evidence acme.json     # for an auditor
"""


@click.command(epilog=EPILOG)
@click.argument("record")
@click.option("--as-of", help="As it was at this instant, such as 2026-11-20T10:00:00Z.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10000), help="How many rows, newest last."
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Prove each change that syncd wrote, and keep the proof in this file.",
)
@FORMAT
@click.pass_context
def history(ctx: click.Context, record: str, as_of: str | None, limit: int, evidence: Path | None, format_: str) -> int:
    """Show owner, mark, plan and receipts of RECORD, and the ledger's rows about it.

    RECORD is a ref, id, domain or name of an account; every record of its company is shown, and those merged into them.
    It may be the ref of a lead, contact, task or opportunity, too.
    With --evidence each change is proved instead: who approved it, why, by which rule, and that neither the plan nor
    the ledger was altered since. It ends with 3 where a check fails.
    """
    from syncd.jobs.answers.history import history_document
    from syncd.report.history_text import history_text

    instant = instant_option("--as-of", as_of)
    if evidence is not None:
        from syncd.jobs.answers.evidence import evidence_document
        from syncd.report.evidence_text import evidence_text

        with open_context(ctx) as context:
            proof = evidence_document(context, record, until=instant)
        put(json.dumps(proof, ensure_ascii=False, indent=2) + "\n", evidence)
        if format_ == "json":
            show_json(proof)
        else:
            click.echo(evidence_text(proof))
        return ExitCode.OK if proof["ok"] else ExitCode.INVALID
    with open_context(ctx) as context:
        document = history_document(context, record, as_of=instant, limit=limit)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(history_text(document, at_an_instant=instant is not None))
    return ExitCode.OK
