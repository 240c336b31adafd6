"""`syncd test`: do a pack's own cases pass?"""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import pack_path, read_settings, settings_path
from syncd.errors import ExitCode

EPILOG = """\b
Example:
  syncd test ./pack
"""


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@FORMAT
@click.pass_context
def test(ctx: click.Context, pack: Path | None, format_: str) -> int:
    """Run the cases of PACK (default: the settings' pack).

    Exits 0 where all pass and 3 where one does not.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.mapping import field_catalogue
    from syncd.jobs.money import money_table
    from syncd.jobs.packs import open_pack
    from syncd.rules.cases import run_cases
    from syncd.settings import Settings

    root = pack_path(ctx, pack)
    settings = read_settings(ctx) if settings_path(ctx) else Settings()
    catalogue, money = field_catalogue(settings), money_table(settings.money)
    now, shared = SystemClock().now(), frozenset(settings.identity.shared_domains)
    loaded = open_pack(settings, root, now=now)
    results = run_cases(loaded, catalogue=catalogue, money=money, now=now, shared_domains=shared)
    passed = sum(result.passed for result in results)
    if format_ == "json":
        cases = [
            {
                "name": case.name,
                "place": str(case.place),
                "passed": case.passed,
                "failures": list(case.failures),
                "notes": list(case.notes),
            }
            for case in results
        ]
        show_json({"format": 1, "pack": str(root), "passed": passed, "failed": len(results) - passed, "cases": cases})
    else:
        for case in results:
            click.echo(
                f"{'pass' if case.passed else 'FAIL'}  {case.name}" + ("" if case.passed else f"  ({case.place})")
            )
            for line in (*case.failures, *case.notes):
                click.echo(f"      {line}")
        click.echo(f"{passed} passed, {len(results) - passed} failed" if results else f"{root}: no tests in this pack")
    return ExitCode.OK if passed == len(results) else ExitCode.INVALID
