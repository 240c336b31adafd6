"""`syncd alerts`: what is wrong now, one alert with its evidence, who looks after it, and what is silenced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.leading import lead
from syncd.cli.looking import look
from syncd.cli.moments import moment_from
from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context, pack_path, read_settings
from syncd.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from syncd.clock import Clock
    from syncd.jobs.context import Context
    from syncd.jobs.leadership import Leadership
    from syncd.settings import Settings
    from syncd.store.engine import Store

EPILOG = """\b
Example:
  syncd alerts
  syncd alerts show 12
  syncd alerts ack 12
  syncd alerts silence add monitor=Drift --until 4h --comment "migration"
  syncd alerts test ./pack
"""


class RowNumber(click.ParamType[int]):
    """The number of an alert or a silence, as large as a database has any; help does not tell how large that is."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; a usage error for what is none, or is out of range."""
        number: int = click.IntRange(1, 2**63 - 1).convert(value, param, ctx)
        return number


_ID = click.argument("alert_id", metavar="ID", type=RowNumber())


@click.group(invoke_without_command=True, epilog=EPILOG)
@FORMAT
@click.pass_context
def alerts(ctx: click.Context, format_: str) -> None:
    """List, show, take and silence alerts, and test monitors; without a command, list the alerts that are open."""
    if ctx.invoked_subcommand is None:
        _list(ctx, everything=False, limit=200, format_=format_)


@alerts.command("list", epilog="\b\nExample:\n  syncd alerts list --all --limit 20\n")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 10000), help="How many, newest first.")
@FORMAT
@click.pass_context
def list_(ctx: click.Context, everything: bool, limit: int, format_: str) -> None:
    """List alerts: what, since when, and what to do first."""
    _list(ctx, everything=everything, limit=limit, format_=format_)


@alerts.command("show", epilog="\b\nExample:\n  syncd alerts show 12 --format json\n")
@_ID
@FORMAT
@click.pass_context
def show(ctx: click.Context, alert_id: int, format_: str) -> None:
    """Show the alert ID with evidence, accounts, history and runbook."""
    from syncd.report.alerts_text import alert_text

    def directly(_: Settings, store: Store, __: Clock) -> dict[str, Any]:
        from syncd.jobs.watching.alert_reading import alert_document

        return alert_document(store, alert_id)

    document = look(ctx, "alert", {"alert_id": alert_id}, directly)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(alert_text(document))


@alerts.command("ack", epilog="\b\nExample:\n  syncd alerts ack 12\n")
@_ID
@click.pass_context
def ack(ctx: click.Context, alert_id: int) -> int:
    """Say that you look after the alert ID. One that tells of a change ends with it."""

    def work(context: Context, _: Leadership) -> int:
        from syncd.jobs.watching.alerting import acknowledge
        from syncd.report.wording import plain

        document = acknowledge(context, alert_id)
        over = "is over" if document["state"] == "resolved" else "stays open until its condition is over"
        click.echo(f"{document['monitor']} of {plain(document['subject'])}: taken by {context.actor}; it {over}")
        return ExitCode.OK

    return lead(ctx, work)


@alerts.command("send-test", epilog="\b\nExample:\n  syncd alerts send-test on-call\n")
@click.argument("receiver", required=False)
@FORMAT
@click.pass_context
def send_test(ctx: click.Context, receiver: str | None, format_: str) -> int:
    """Send a test notice to RECEIVER, or to every one; exits with 6 where one did not take it."""
    from syncd.jobs.watching.alerting import send_test as job
    from syncd.report.wording import plain

    with open_context(ctx) as context:
        results = job(context, receiver)
    if format_ == "json":
        show_json({"format": 1, "receivers": results})
    else:
        for result in results:
            failed = f"not delivered, {result['reason']}: {plain(result['detail'])}"
            click.echo(f"{result['receiver']}: {'delivered' if result['delivered'] else failed}")
    return ExitCode.OK if all(result["delivered"] for result in results) else ExitCode.CRM


@alerts.group("silence", epilog="\b\nExample:\n  syncd alerts silence list\n")
def silence() -> None:
    """Say for a while nothing of some alerts. They are still seen, and told when the silence ends and they hold."""


@silence.command(
    "add", epilog='\b\nExample:\n  syncd alerts silence add monitor=Drift --until 8h --comment "migration"\n'
)
@click.argument("matchers", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--alert", "alert_id", type=RowNumber(), metavar="ID", help="Silence what this alert is about.")
@click.option("--until", required=True, metavar="T", help="When it ends: 30min, 4h, 2d, or 2026-12-01T10:00:00Z.")
@click.option("--starts", metavar="T", help="When it begins; default: now.")
@click.option("--comment", required=True, help="Why, for those who wonder where the alert is.")
@click.pass_context
def silence_add(
    ctx: click.Context, matchers: tuple[str, ...], alert_id: int | None, until: str, starts: str | None, comment: str
) -> int:
    """Silence alerts whose monitor, severity, subject or labels equal every NAME=VALUE; `*` stands for any text."""
    wanted = dict(_matcher(text) for text in matchers)

    def work(context: Context, _: Leadership) -> int:
        from syncd.jobs.watching.alerting import matchers_of_alert
        from syncd.jobs.watching.alerting import silence as job
        from syncd.report.alerts_text import silence_text

        now = context.clock.now()
        named = matchers_of_alert(context, alert_id) if alert_id is not None else {}
        begins = moment_from(starts, now) if starts is not None else None
        made = job(
            context, {**named, **wanted}, until=moment_from(until, begins or now), comment=comment, starts=begins
        )
        click.echo(silence_text(made))
        return ExitCode.OK

    return lead(ctx, work)


@silence.command("list", epilog="\b\nExample:\n  syncd alerts silence list --all\n")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@FORMAT
@click.pass_context
def silence_list(ctx: click.Context, everything: bool, format_: str) -> None:
    """List silences: what they match, until when, who made them and why."""
    from syncd.report.alerts_text import silences_text

    def directly(_: Settings, store: Store, clock: Clock) -> dict[str, Any]:
        from syncd.jobs.watching.alert_reading import silences_document

        return silences_document(store, now=clock.now(), everything=everything)

    document = look(ctx, "silences", {"everything": everything}, directly)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(silences_text(document))


@silence.command("expire", epilog="\b\nExample:\n  syncd alerts silence expire 3\n")
@click.argument("silence_id", metavar="ID", type=RowNumber())
@click.pass_context
def silence_expire(ctx: click.Context, silence_id: int) -> int:
    """End the silence ID now; alerts that it kept back and that still hold are told by the next watch."""

    def work(context: Context, _: Leadership) -> int:
        from syncd.jobs.watching.alerting import expire_silence

        expire_silence(context, silence_id)
        click.echo(f"silence {silence_id} is over")
        return ExitCode.OK

    return lead(ctx, work)


@alerts.command("test", epilog="\b\nExample:\n  syncd alerts test ./pack\n")
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@FORMAT
@click.pass_context
def test(ctx: click.Context, pack: Path | None, format_: str) -> int:
    """Run the tests of monitors in PACK (default: the settings' pack): items of `tests:` with a `watch:`.

    Needs no CRM and no database. Exits 0 where all pass and 3 where one does not.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.watching.alert_cases import run_alert_tests
    from syncd.report.wording import plain

    root = pack_path(ctx, pack)
    settings = read_settings(ctx)
    run = run_alert_tests(settings, root, now=SystemClock().now())
    if format_ == "json":
        results = [
            {"name": each.name, "place": str(each.place), "passed": each.passed, "failures": list(each.failures)}
            for each in run.results
        ]
        show_json({"format": 1, "passed": len(results) - run.failed, "failed": run.failed, "tests": results})
        return ExitCode.INVALID if run.failed else ExitCode.OK
    for each in run.results:
        click.echo(f"pass  {plain(each.name)}" if each.passed else f"FAIL  {plain(each.name)}  ({each.place})")
        for failure in each.failures:
            click.echo(f"      {plain(failure)}")
    if run.results:
        click.echo(f"{len(run.results) - run.failed} passed, {run.failed} failed")
    else:
        click.echo("no tests of monitors: docs/alerts.md shows how they are written")
    return ExitCode.INVALID if run.failed else ExitCode.OK


def _matcher(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UsageError("SYN806", f"`{text[:60]}` is no matcher", hint="write monitor=RepLeft or rep=anna@example.com")
    return name.strip(), value.strip()


def _list(ctx: click.Context, *, everything: bool, limit: int, format_: str) -> None:
    from syncd.report.alerts_text import alerts_text

    def directly(_: Settings, store: Store, __: Clock) -> dict[str, Any]:
        from syncd.jobs.watching.alert_reading import alerts_document

        return alerts_document(store, everything=everything, limit=limit)

    document = look(ctx, "alerts", {"everything": everything, "limit": limit}, directly)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(alerts_text(document))
