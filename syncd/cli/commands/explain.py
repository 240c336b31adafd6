"""`syncd explain`: why an account is whose it is, or what a code means."""

from __future__ import annotations

import re

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import instant_option, open_context
from syncd.errors import UsageError, page_of

EPILOG = """\b
Example:
  syncd explain acme.example
  syncd explain salesforce:account:001Sb0000000001IAA --format json
  syncd explain acme.example --as-of 2027-01-01T00:00:00Z
  syncd explain SYN203
"""


@click.command(epilog=EPILOG)
@click.argument("what")
@click.option("--role", default="owner", show_default=True, help="The role to explain, such as csm.")
@click.option("--as-of", help="Decide as of another instant, such as 2027-01-01T00:00:00Z.")
@FORMAT
@click.pass_context
def explain(ctx: click.Context, what: str, role: str, as_of: str | None, format_: str) -> None:
    """Explain WHAT: an account by ref, id, domain or name, or a code such as SYN203.

    Shows the path through the territories with file and line, each clause with the value seen and its outcome, what
    lost and why, and what holds it.
    """
    instant = instant_option("--as-of", as_of)
    if re.fullmatch(r"(?i)syn\d{3}", what):
        page = page_of(what)
        if page is None:
            raise UsageError("SYN002", f"there is no code {what.upper()}", hint="codes stand in findings and errors")
        click.echo(page, nl=False)
        return
    from syncd.jobs.explaining import explain_company
    from syncd.report.explanation_text import render_explanation

    with open_context(ctx) as context:
        document = explain_company(context, what, role=role, as_of=instant)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(render_explanation(document), nl=False)
