"""`syncd doctor`: whether this installation can do its work, and how to mend what cannot."""

from __future__ import annotations

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import read_settings

EPILOG = """\b
Example:
  syncd doctor
  syncd --config /etc/syncd/config.toml doctor --format json
"""


@click.command(epilog=EPILOG)
@FORMAT
@click.pass_context
def doctor(ctx: click.Context, format_: str) -> int:
    """Prove that each CRM and this installation are as syncd needs them.

    Every check says ok, warn or fail, and how to mend it. It changes nothing, asks each CRM about a dozen calls, and
    ends within 20 seconds even if no CRM answers. Exits 3 where something here is wrong, 6 where a CRM refuses or
    cannot be reached; warnings are 0.
    """
    import os

    from syncd.jobs.doctor import examine
    from syncd.report.doctor_text import doctor_text

    document, code = examine(read_settings(ctx), os.environ)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(doctor_text(document))
    return code
