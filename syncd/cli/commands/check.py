"""`syncd check`: is a pack valid?"""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.output import FORMAT, show_findings, show_json
from syncd.cli.session import pack_path, read_settings, settings_path
from syncd.errors import ExitCode, Finding, Severity

EPILOG = """\b
Example:
  syncd check ./pack
  syncd check ./pack --strict --format json
"""


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@FORMAT
@click.pass_context
def check(ctx: click.Context, pack: Path | None, strict: bool, format_: str) -> int:
    """Validate PACK (default: the settings' pack); every problem with its place.

    Exits 0 where the pack is valid and 3 where it is not.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.packs import inspect_pack
    from syncd.settings import Settings

    root = pack_path(ctx, pack)
    settings = read_settings(ctx) if settings_path(ctx) else Settings()
    loaded, findings = inspect_pack(settings, root, now=SystemClock().now())
    counts = {level: sum(finding.severity is level for finding in findings) for level in Severity}
    failed = counts[Severity.ERROR] > 0 or (strict and counts[Severity.WARNING] > 0)
    if format_ == "json":
        show_json({"format": 1, "pack": str(root), "ok": not failed, "findings": [_entry(item) for item in findings]})
    else:
        show_findings(findings)
        said = ", ".join(
            f"{count} {level.value}{'s' if count != 1 else ''}" for level, count in counts.items() if count
        )
        if loaded is not None and not counts[Severity.ERROR]:
            territories = sum(1 for role in loaded.roles for _ in loaded.territories(role))
            click.echo(
                f"{root}: valid, {territories} territories, {len(loaded.tests)} tests, revision {loaded.revision}"
                + (f" ({said})" if said else "")
            )
        else:
            click.echo(f"{root}: {said}")
    return ExitCode.INVALID if failed else ExitCode.OK


def _entry(finding: Finding) -> dict[str, object]:
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
