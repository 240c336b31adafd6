"""`syncd fmt`: the one layout of rule files."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.output import show_findings
from syncd.cli.session import pack_path, read_settings
from syncd.errors import ExitCode

EPILOG = """\b
Example:
  syncd fmt ./pack
  syncd fmt ./pack --check
"""


@click.command(epilog=EPILOG)
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 3 where a file is not in the layout.")
@click.pass_context
def fmt(ctx: click.Context, pack: Path | None, check: bool) -> int:
    """Put the YAML files of PACK (default: the settings' pack) into one layout.

    Comments stay byte for byte, values and quotes mean what they meant, lines stay where you broke them; CSV files are
    not touched. PACK may also be one file.
    """
    from syncd.clock import SystemClock
    from syncd.jobs.packs.formatting import format_pack

    root = pack_path(ctx, pack)
    settings = read_settings(ctx)
    result = format_pack(settings, root, now=SystemClock().now(), write=not check)
    show_findings(result.findings)
    for name in result.reformatted:
        click.echo(f"{'would format' if check else 'formatted'} {name}")
    left = result.files - len(result.reformatted)
    if not result.reformatted and not result.failed:
        click.echo(f"{root}: {left} file{'s' if left != 1 else ''}, all in the layout")
    return ExitCode.INVALID if result.failed or (check and result.reformatted) else ExitCode.OK
