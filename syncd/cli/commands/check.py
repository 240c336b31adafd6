"""`syncd check`: is a pack valid, and what do its rules leave out, contradict or never reach?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli.output import show_findings, show_json
from syncd.cli.session import pack_path, read_settings
from syncd.errors import ExitCode, Finding, Severity

if TYPE_CHECKING:  # imported at run time only by the command: --help stays quick
    from syncd.jobs.checking import CheckReport

EPILOG = """\b
Example:
  syncd check ./pack
  syncd check ./pack --strict --format sarif > check.sarif
"""


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--no-mirror", is_flag=True, help="Do not look at the mirror's accounts.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)
@click.pass_context
def check(ctx: click.Context, pack: Path | None, strict: bool, no_mirror: bool, format_: str) -> int:
    """Validate PACK (default: the settings' pack); every problem with its place.

    Proves, without any data, which territories no account can reach, where
    siblings overlap or leave holes, and which clauses never decide. With
    settings whose mirror holds accounts, says too what they show of the rules.

    Exits 0 where the pack is valid and 3 where it is not.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.checking import check as check_pack

    root = pack_path(ctx, pack)
    settings = read_settings(ctx)
    report = check_pack(settings, root, now=SystemClock().now(), mirror=not no_mirror)
    failed = report.fails(strict=strict)
    if format_ == "json":
        show_json(_document(report, ok=not failed))
    elif format_ == "sarif":
        from syncd import __version__
        from syncd.report.packs.sarif import render_sarif

        shown = {finding: _shown(report, finding) for finding in report.claims}
        click.echo(render_sarif(report.findings, root=root, version=__version__, properties=shown), nl=False)
    else:
        show_findings(report.findings)
        for line in report.signals:
            click.echo(line)
        click.echo(f"{root}: {_verdict(report)}")
    return ExitCode.INVALID if failed else ExitCode.OK


def _verdict(report: CheckReport) -> str:
    counts = {level: sum(finding.severity is level for finding in report.findings) for level in Severity}
    said = ", ".join(f"{count} {level.value}{'s' if count != 1 else ''}" for level, count in counts.items() if count)
    if report.pack is None:
        return said
    territories = sum(1 for role in report.pack.roles for _ in report.pack.territories(role))
    valid = f"valid, {territories} territories, {len(report.pack.tests)} tests, revision {report.pack.revision}"
    looked = f", {report.accounts} accounts of the mirror looked at" if report.accounts is not None else ""
    return valid + looked + (f" ({said})" if said else "")


def _document(report: CheckReport, *, ok: bool) -> dict[str, Any]:
    return {
        "format": 1,
        "pack": str(report.root),
        "ok": ok,
        "proof": {"decided": report.decided, "undecided": report.undecided},
        "accounts": report.accounts,
        "fields": [
            {"field": each.field, "accounts": each.accounts, "percent": each.percent, "rules": each.rules}
            for each in report.fields
        ],
        "signals": list(report.signals),
        "findings": [{**_entry(finding), **_shown(report, finding)} for finding in report.findings],
    }


def _entry(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "path": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "hint": finding.hint,
    }


def _shown(report: CheckReport, finding: Finding) -> dict[str, Any]:
    """The example account of a claim, as a test of the pack would write it."""
    from syncd.clock import iso

    claim = report.claims.get(finding)
    if claim is None or claim.example is None:
        return {}
    account = {name: raw if isinstance(raw, str) else list(raw) for name, raw in claim.example.account.items()}
    return {"example": {"account": account, "now": iso(claim.example.now)}, "territories": list(claim.subjects)}
