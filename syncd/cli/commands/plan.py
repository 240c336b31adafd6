"""`syncd plan`: decisions and diff. Never writes to a CRM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import put, put_pieces, show_findings
from syncd.cli.session import instant_option, open_context, pack_path, read_settings, settings_path
from syncd.errors import ExitCode, UsageError
from syncd.report.plans.plan_formats import FORMATS, rendered

EPILOG = """\b
Example:
  syncd plan
  syncd plan ./pack --accounts accounts.csv --all --format json
  syncd plan ./pack --accounts accounts.parquet --engine spark --timings
  syncd plan --format markdown --out plan.md --exit-code
  syncd plan --against origin/main --format markdown --redact
  syncd plan --watch ./pack
"""
if TYPE_CHECKING:
    from syncd.jobs.stages import Stages

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@click.option(
    "--accounts",
    type=click.Path(path_type=Path),
    help="Evaluate this export (CSV, Parquet, or a folder of it): no CRM, settings or mirror needed, nothing saved.",
)
@click.option("--opportunities", type=FILE, help="With --accounts: the opportunities, with the column account.")
@click.option("--users", type=FILE, help="With --accounts: the users; without it every e-mail is an active user.")
@click.option("--accounts-header", is_flag=True, help="Print the columns that --accounts takes, and end.")
@click.option("--all", "all_", is_flag=True, help="List kept accounts too.")
@click.option("--as-of", help="Decide as of another instant, such as 2027-01-01T00:00:00Z; nothing is saved.")
@click.option("--against", metavar="GITREF", help="Show who comes out otherwise than by the pack of this git revision.")
@click.option(
    "--engine",
    type=click.Choice(("auto", "plain", "batch", "spark")),
    default="auto",
    show_default=True,
    help="Who decides; the result is the same. auto: batches where the extra `fast` is there and the book is large; "
    "spark: Parquet by Apache Spark (the extra `spark`).",
)
@click.option(
    "--watch", "watch_", is_flag=True, help="Plan again after each save of the pack and each pull, until Ctrl-C."
)
@click.option("--save", "save_", is_flag=True, help="With --watch: save each plan that is news, as a preview.")
@click.option("--timings", is_flag=True, help="Print on stderr how long each stage took.")
@click.option("--redact", is_flag=True, help="Show no names, domains and e-mail addresses.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=FILE, help="Write the result to this file instead of stdout.")
@click.option(
    "--exit-code", "exit_code", is_flag=True, help="Exit 3 where changes are pending and 5 where the guard trips."
)
@click.pass_context
def plan(
    ctx: click.Context,
    pack: Path | None,
    accounts: Path | None,
    opportunities: Path | None,
    users: Path | None,
    accounts_header: bool,
    all_: bool,
    as_of: str | None,
    against: str | None,
    engine: str,
    watch_: bool,
    save_: bool,
    timings: bool,
    redact: bool,
    format_: str,
    out: Path | None,
    exit_code: bool,
) -> int:
    """Show which owners the rules of PACK (default: the settings' pack) would change, and why.

    The plan of the mirror is saved, so that it can be approved; it expires. With --against nothing is saved: two
    revisions of the pack are compared over one mirror, or over --accounts.
    """
    if (opportunities or users) and accounts is None:
        raise UsageError("SYN005", "--opportunities and --users go with --accounts", hint="add --accounts FILE.csv")
    if accounts_header:
        _print_header(ctx)
        return ExitCode.OK
    instant = instant_option("--as-of", as_of)
    if watch_:
        if accounts or against or out or as_of or redact or exit_code or engine != "auto" or format_ != "text":
            hint = "it shows the mirror's plan as text, with --all, --save and --timings where they are given"
            raise UsageError("SYN005", "--watch goes with PACK, --all, --save and --timings only", hint=hint)
        from syncd.cli.replanning import watch_pack

        return watch_pack(ctx, pack, all_=all_, timings=timings, save=save_)
    if save_:
        raise UsageError("SYN005", "--save goes with --watch", hint="leave it out: other plans are saved anyway")
    if against is not None and (timings or engine != "auto"):
        hint = "leave --engine and --timings out: a comparison decides plainly"
        raise UsageError("SYN005", "--engine and --timings do not go with --against", hint=hint)
    if against is not None:
        compared = _compared(ctx, pack, against, (accounts, opportunities, users), as_of=instant)
        put(_comparison(compared, format_, redact=redact, all_=all_), out)
        return ExitCode.INVALID if exit_code and compared["summary"]["changed"] else ExitCode.OK
    stages = _stages()
    if engine == "spark" and accounts is None:
        hint = "add --accounts FILE.parquet, or leave --engine out: syncd reads its mirror on this machine"
        raise UsageError("SYN005", "--engine spark goes with --accounts; the mirror is not read by Spark", hint=hint)
    if accounts is not None:
        files = (accounts, opportunities, users)
        document = _of_export(ctx, pack, files, all_=all_, as_of=instant, engine=engine, stages=stages)
    else:
        from syncd.jobs.books.engines import EngineChoice
        from syncd.jobs.plans.plan import make_plan

        with open_context(ctx) as context:
            document = make_plan(
                context,
                pack=pack,
                as_of=instant,
                all_decisions=all_,
                tell=lambda thought: show_findings(thought.findings),
                stages=stages,
                engine=EngineChoice(engine),
            )
    with stages.stage("write the result"):
        put_pieces(rendered(_shown(document, redact=redact), format_), out)
    if timings:
        for line in stages.lines():
            click.echo(line, err=True)
    if not exit_code:
        return ExitCode.OK
    if document["guard"]["tripped"]:
        return ExitCode.GUARD
    return ExitCode.INVALID if document["changes"] else ExitCode.OK


def _stages() -> Stages:
    from syncd.clock import SystemClock
    from syncd.jobs.stages import Stages

    return Stages(SystemClock().monotonic)


def _print_header(ctx: click.Context) -> None:
    from syncd.jobs.mapping import field_catalogue
    from syncd.model.fields import FieldCatalogue
    from syncd.rules.accounts import accounts_header

    catalogue = field_catalogue(read_settings(ctx)) if settings_path(ctx) else FieldCatalogue()
    click.echo(",".join(accounts_header(catalogue)))


def _of_export(
    ctx: click.Context,
    pack: Path | None,
    files: tuple[Path, Path | None, Path | None],
    *,
    all_: bool,
    as_of: datetime | None,
    engine: str,
    stages: Stages,
) -> Mapping[str, Any]:
    from syncd.clock import SystemClock
    from syncd.jobs.books.engines import EngineChoice
    from syncd.jobs.plans.export import plan_of_export

    settings = read_settings(ctx)
    root = pack if pack is not None else pack_path(ctx, None)
    now = as_of or SystemClock().now()
    document, findings = plan_of_export(
        settings, root, *files, now=now, all_decisions=all_, engine=EngineChoice(engine), stages=stages
    )
    show_findings(findings)
    return document


def _compared(
    ctx: click.Context,
    pack: Path | None,
    against: str,
    files: tuple[Path | None, Path | None, Path | None],
    *,
    as_of: datetime | None,
) -> Mapping[str, Any]:
    from syncd.clock import SystemClock
    from syncd.jobs.plans.comparison import compare_over_export, compare_over_mirror
    from syncd.jobs.plans.export import ExportFiles

    accounts, opportunities, users = files
    if accounts is None:
        with open_context(ctx) as context:
            document, findings = compare_over_mirror(context, against, pack=pack, as_of=as_of)
    else:
        settings = read_settings(ctx)
        now, root = as_of or SystemClock().now(), pack_path(ctx, pack)
        export = ExportFiles(accounts, opportunities, users)
        document, findings = compare_over_export(settings, against, export, pack=root, now=now)
    show_findings(findings)
    return document


def _shown(document: Mapping[str, Any], *, redact: bool) -> Mapping[str, Any]:
    if not redact:
        return document
    from syncd.report.redaction import redacted

    return redacted(document)


def _comparison(document: Mapping[str, Any], format_: str, *, redact: bool, all_: bool) -> str:
    shown = _shown(document, redact=redact)
    if format_ in ("csv", "html"):
        hint = "choose text, json or markdown, or leave --against out"
        raise UsageError("SYN005", f"a comparison of two revisions has no format {format_}", hint=hint)
    if format_ == "json":
        return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"
    if format_ == "markdown":
        from syncd.report.comparisons.comparison_markdown import render_comparison_markdown

        return render_comparison_markdown(shown)
    from syncd.report.comparisons.comparison_text import render_comparison

    return render_comparison(shown, everything=all_)
