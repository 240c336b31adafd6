"""`syncd explain`: why an account is whose it is, or what a code means."""

from __future__ import annotations

import re

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context
from syncd.errors import UsageError, page_of

EPILOG = """\b
Example:
  syncd explain acme.example
  syncd explain salesforce:account:001Sb0000000001IAA --format json
  syncd explain SYN203
"""


@click.command(epilog=EPILOG)
@click.argument("what")
@FORMAT
@click.pass_context
def explain(ctx: click.Context, what: str, format_: str) -> None:
    """Explain WHAT: an account by ref, id, domain or name, or a code such as SYN203.

    Shows the path through the territories with file and line, each clause with the value seen and its outcome, what
    lost and why, and what holds it.
    """
    if re.fullmatch(r"(?i)syn\d{3}", what):
        page = page_of(what)
        if page is None:
            raise UsageError("SYN002", f"there is no code {what.upper()}", hint="codes stand in findings and errors")
        click.echo(page, nl=False)
        return
    from syncd.jobs.explaining import explain_company
    from syncd.report.explanation_text import render_explanation

    with open_context(ctx) as context:
        document = explain_company(context, what)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(render_explanation(document), nl=False)
