"""`syncd explain`: why an account is whose it is, what would send it elsewhere, where a lead goes, what codes mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import instant_option, open_context
from syncd.errors import UsageError, page_of

if TYPE_CHECKING:
    from syncd.model.refs import Ref

LEAD = re.compile(r"(salesforce|hubspot):lead:\S+")
EPILOG = """\b
Example:
  syncd explain acme.example
  syncd explain salesforce:account:001Sb0000000001IAA --format json
  syncd explain acme.example --as-of 2027-01-01T00:00:00Z
  syncd explain acme.example --toward emea/dach-banking
  syncd explain salesforce:lead:00QSb0000000001IAA
  syncd explain --lead email=jo@acme.example --lead country=Germany
  syncd explain quota emea --period 2027 --target 12M
  syncd explain SYN203
"""


def lead_named(what: str) -> Ref | None:
    """The lead that is meant by its ref; None for anything else."""
    from syncd.model.refs import Ref

    return Ref.parse(what.strip()) if LEAD.fullmatch(what.strip()) else None


def show_quota(
    ctx: click.Context, territory: str, asked: tuple[str | None, str | None, str | None], format_: str
) -> None:
    """How a territory comes to its quota; UsageError SYN021 for a method that there is not."""
    from syncd.jobs.aids.quotas import Goal, explain_quota
    from syncd.planning.aids.quota_split import METHODS
    from syncd.report.aids.quota_sheet import quota_explanation_sheet
    from syncd.report.aids.sheet_text import render_text

    period, target, method = asked
    if method is not None and method not in METHODS:
        raise UsageError("SYN021", f"there is no method {method!r}", hint=f"there are {', '.join(METHODS)}")
    with open_context(ctx) as context:
        document = explain_quota(context, territory, Goal(period, target, method or "blend"))
    if format_ == "json":
        show_json(document)
    else:
        click.echo(render_text(quota_explanation_sheet(document)), nl=False)


@click.command(epilog=EPILOG)
@click.argument("what", required=False)
@click.argument("territory", required=False)
@click.option("--period", metavar="PERIOD", help="With `quota TERRITORY`: of which period, such as 2027.")
@click.option("--target", metavar="AMOUNT", help="With `quota TERRITORY`: the target, such as 12M.")
@click.option("--method", metavar="METHOD", help="With `quota TERRITORY`: as of `syncd quota`.")
@click.option("--role", default="owner", show_default=True, help="The role to explain, such as csm.")
@click.option("--as-of", help="Decide as of another instant, such as 2027-01-01T00:00:00Z.")
@click.option("--toward", metavar="OWNER|TERRITORY", help="The smallest change of fields that would send it there.")
@click.option("--lead", "lead", multiple=True, metavar="FIELD=VALUE", help="Where a lead of these values would go.")
@click.option("--all", "every", is_flag=True, help="List every territory that was not entered.")
@FORMAT
@click.pass_context
def explain(
    ctx: click.Context,
    what: str | None,
    territory: str | None,
    period: str | None,
    target: str | None,
    method: str | None,
    role: str,
    as_of: str | None,
    toward: str | None,
    lead: tuple[str, ...],
    every: bool,
    format_: str,
) -> None:
    """Explain WHAT: an account by ref, id, domain or name, a lead by ref, a code, or `quota TERRITORY`.

    Shows the path through the territories with file and line, each clause with the value seen and its outcome, what
    lost and why, what nearly matched, what holds it, and what was planned and written. Nobody is picked: of a pick it
    shows the plan's, or the candidates. With `--as-of` an instant that has passed it shows what the plan of then said.
    """
    instant = instant_option("--as-of", as_of)
    if (what is None) is (not lead) or (lead and toward):
        raise UsageError("SYN021", "name one thing to explain", hint="WHAT, or one or more --lead FIELD=VALUE")
    if territory is not None or period or target or method:
        if what != "quota" or territory is None:
            raise UsageError("SYN021", "only `explain quota TERRITORY` takes these", hint="syncd explain quota emea")
        show_quota(ctx, territory, (period, target, method), format_)
        return
    if what is not None and re.fullmatch(r"(?i)syn\d{3}", what):
        page = page_of(what)
        if page is None:
            raise UsageError("SYN002", f"there is no code {what.upper()}", hint="codes stand in findings and errors")
        from syncd.report.page_text import page_text

        click.echo(page_text(page), nl=False)
        return
    from syncd.jobs.answers.explaining import explain_company, explain_toward
    from syncd.jobs.answers.lead_explaining import explain_lead, explain_lead_ref
    from syncd.report.explanation_text import render_explanation
    from syncd.report.lead_text import render_lead
    from syncd.report.toward_text import render_toward

    ref = None if toward is not None or what is None else lead_named(what)
    with open_context(ctx) as context:
        if what is None:
            document = explain_lead(context, lead, as_of=instant)
        elif ref is not None:
            document = explain_lead_ref(context, ref, as_of=instant)
        elif toward is not None:
            document = explain_toward(context, what, toward, role=role, as_of=instant)
        else:
            document = explain_company(context, what, role=role, as_of=instant)
    if format_ == "json":
        show_json(document)
    elif what is None or ref is not None:
        click.echo(render_lead(document), nl=False)
    elif toward is not None:
        click.echo(render_toward(document), nl=False)
    else:
        click.echo(render_explanation(document, every=every), nl=False)
