"""`syncd test`: do a pack's own cases pass, what do they cover, and new ones from what is decided live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context, pack_path, read_settings
from syncd.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from syncd.jobs.packs.cases import CaseRun

EPILOG = """\b
Example:
  syncd test ./pack
  syncd test ./pack --coverage
  syncd test ./pack --record acme.example --out pack/tests/recorded.yaml
"""


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@click.option("--coverage", is_flag=True, help="Show which territories and clauses the cases reach.")
@click.option("--record", metavar="REF", help="Write a case from the live decision about this account, and end.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="With --record: add the case to this file."
)
@FORMAT
@click.pass_context
def test(
    ctx: click.Context, pack: Path | None, coverage: bool, record: str | None, out: Path | None, format_: str
) -> int:
    """Run the cases of PACK (default: the settings' pack).

    Exits 0 where all pass and 3 where one does not. REF is a ref, an id, a domain or a name, as `explain` takes it.
    """
    if record is not None:
        return _record(ctx, pack, record, out)
    if out is not None:
        raise UsageError("SYN005", "--out goes with --record", hint="add --record REF")
    from syncd.clock import SystemClock
    from syncd.jobs.packs.cases import run_tests

    root = pack_path(ctx, pack)
    settings = read_settings(ctx)
    run = run_tests(settings, root, now=SystemClock().now(), covered=coverage)
    if format_ == "json":
        show_json(_document(run, root))
    else:
        _show(run, root)
    return ExitCode.INVALID if run.failed else ExitCode.OK


def _record(ctx: click.Context, pack: Path | None, what: str, out: Path | None) -> int:
    from syncd.jobs.answers.case_recording import PERSONAL, record_case, save_case

    with open_context(ctx) as context:
        case = save_case(context, what, out, pack=pack) if out else record_case(context, what, pack=pack)
    if out is None:
        click.echo(case.text, nl=False)
    else:
        click.echo(f"wrote the case {case.name!r} to {out}", err=True)
    for remark in (PERSONAL, *case.remarks):
        click.echo(f"note: {remark}", err=True)
    return ExitCode.OK


def _document(run: CaseRun, root: Path) -> dict[str, Any]:
    from syncd.report.packs.coverage_text import coverage_document

    cases = [
        {
            "name": case.name,
            "place": str(case.place),
            "passed": case.passed,
            "failures": list(case.failures),
            "notes": list(case.notes),
        }
        for case in run.results
    ]
    found = {"format": 1, "pack": str(root), "passed": run.passed, "failed": run.failed, "cases": cases}
    return found | ({"coverage": coverage_document(run.coverage)} if run.coverage else {})


def _show(run: CaseRun, root: Path) -> None:
    from syncd.report.packs.coverage_text import render_coverage

    for case in run.results:
        click.echo(f"{'pass' if case.passed else 'FAIL'}  {case.name}" + ("" if case.passed else f"  ({case.place})"))
        for line in (*case.failures, *case.notes):
            click.echo(f"      {line}")
    click.echo(f"{run.passed} passed, {run.failed} failed" if run.results else f"{root}: no tests in this pack")
    if run.coverage is not None:
        click.echo()
        click.echo(render_coverage(run.coverage), nl=False)
