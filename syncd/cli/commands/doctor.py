"""`syncd doctor`: whether this installation can do its work, and how to mend what cannot."""

from __future__ import annotations

import click

from syncd.cli.output import FORMAT, show_json
from syncd.cli.session import open_context, read_settings

EPILOG = """\b
Example:
  syncd doctor
  syncd doctor --rights
  syncd --config /etc/syncd/config.toml doctor --format json
"""


@click.command(epilog=EPILOG)
@click.option("--rights", is_flag=True, help="Only whether each CRM grants what syncd needs, and nothing else.")
@FORMAT
@click.pass_context
def doctor(ctx: click.Context, rights: bool, format_: str) -> int:
    """Prove that each CRM and this installation are as syncd needs them.

    Every check says ok, warn or fail, and how to mend it. It changes nothing, asks each CRM about a dozen calls, and
    ends within 20 seconds even if no CRM answers. Exits 3 where something here is wrong, 6 where a CRM refuses or
    cannot be reached; warnings are 0.
    """
    import os

    from syncd.jobs.doctor import examine
    from syncd.report.doctor_text import doctor_text

    if rights:
        return _rights(ctx, format_)
    document, code = examine(read_settings(ctx), os.environ)
    if format_ == "json":
        show_json(document)
    else:
        click.echo(doctor_text(document))
    return code


def _rights(ctx: click.Context, format_: str) -> int:
    """Ask after rights; the daemon's own look is recorded, for the alert, and its findings are no failure of a job."""
    import os

    from syncd.errors import ExitCode
    from syncd.jobs.context import EPOCH_VARIABLE
    from syncd.jobs.doctor.rights import examine_rights, record_rights
    from syncd.report.doctor_text import doctor_text

    with open_context(ctx) as context:
        document, code = examine_rights(context, os.environ)
        if EPOCH_VARIABLE in os.environ:
            record_rights(context, document)
            return ExitCode.OK
    if format_ == "json":
        show_json(document)
    else:
        click.echo(doctor_text(document))
    return code
