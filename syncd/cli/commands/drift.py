"""`syncd drift`: what others changed, and what becomes of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from syncd.cli.leading import lead
from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context

if TYPE_CHECKING:
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership

EPILOG = """\b
Example:
  syncd drift
  syncd drift adopt salesforce:account:001… --reason "exec sponsor"
  syncd drift revert salesforce:account:001…
"""
_REASON = click.option("--reason", required=True, help="Why, for the ledger.")
_ROLE = click.option("--role", default="owner", show_default=True, help="Whose holder is meant: the owner, or a role.")


@click.group(epilog=EPILOG, invoke_without_command=True)
@FORMAT
@click.pass_context
def drift(ctx: click.Context, format_: str) -> None:
    """List the accounts whose owner somebody else changed since syncd last wrote, or since adoption.

    Rules leave such accounts alone until the change is adopted, reverted, or older than the pack respects it.
    """
    if ctx.invoked_subcommand is not None:
        return
    from syncd.jobs.plans.drift import drift_document
    from syncd.report.drift_text import drift_text

    with open_context(ctx) as context:
        document = drift_document(context)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(drift_text(document))


@drift.command(epilog='\b\nExample:\n  syncd drift adopt salesforce:account:001… --reason "exec sponsor"\n')
@click.argument("ref")
@_REASON
@click.option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day it holds; without one it holds for good."
)
@_ROLE
@click.pass_context
def adopt(ctx: click.Context, ref: str, reason: str, expires: datetime | None, role: str) -> int:
    """Take REF's present owner as an override: it counts like one in the pack, and stands in the ledger.

    It is about the whole company: its accounts in both CRMs, which the next plan gives to the same owner.
    """
    last: date | None = expires.date() if expires is not None else None

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.plans.drift import adopt_drift
        from syncd.planning.drift import parse_ref

        adopted = adopt_drift(context, leader, parse_ref(ref), why=reason, expires=last, role=role)
        until = f"until {last:%Y-%m-%d}" if last else "until it is released"
        click.echo(f"override {adopted.number}: {ref} belongs to {adopted.owner} {until}")
        for other in adopted.others:
            click.echo(f"  it is about {other} of the same company, too")
        if adopted.ended:
            click.echo("  the override that was adopted for the company before has ended")
        return 0

    return lead(ctx, work)


@drift.command(epilog="\b\nExample:\n  syncd drift revert salesforce:account:001…\n")
@click.argument("refs", nargs=-1, required=True, metavar="REF...")
@_ROLE
@FORMAT
@click.pass_context
def revert(ctx: click.Context, refs: tuple[str, ...], role: str, format_: str) -> None:
    """Plan the accounts back to the owner that syncd knew; the plan is approved and applied like any other."""
    from syncd.jobs.plans.drift import plan_revert
    from syncd.planning.drift import parse_ref
    from syncd.report.plans.plan_text import render_plan

    with open_context(ctx) as context:
        document = plan_revert(context, [parse_ref(ref) for ref in refs], role).document
    if format_ == "json":
        show_json(document)
    else:
        click.echo(render_plan(document), nl=False)


@drift.command(epilog="\b\nExample:\n  syncd drift overrides\n")
@FORMAT
@click.pass_context
def overrides(ctx: click.Context, format_: str) -> None:
    """List the overrides that adopted drift made."""
    from syncd.jobs.plans.drift import overrides_document
    from syncd.report.drift_text import overrides_text

    with open_context(ctx) as context:
        document = overrides_document(context)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(overrides_text(document))


@drift.command(epilog='\b\nExample:\n  syncd drift release salesforce:account:001… --reason "quarter is over"\n')
@click.argument("ref")
@_REASON
@_ROLE
@click.pass_context
def release(ctx: click.Context, ref: str, reason: str, role: str) -> int:
    """End the override of REF that an adopted drift made; the rules decide again."""

    def work(context: Context, leader: Leadership) -> int:
        from syncd.jobs.plans.drift import release as job
        from syncd.planning.drift import parse_ref

        job(context, leader, parse_ref(ref), why=reason, role=role)
        click.echo(f"{ref}: the rules decide again")
        return 0

    return lead(ctx, work)
