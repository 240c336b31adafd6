"""`syncd export`: the mirror as CSV files, for a plan elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from syncd.cli.session import open_context

EPILOG = """\b
Example:
  syncd export ./ci --redact
  syncd plan ./pack --accounts ci/accounts.csv --users ci/users.csv
"""


@click.command(epilog=EPILOG)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--redact", is_flag=True, help="Leave names, domains and e-mail addresses out.")
@click.pass_context
def export(ctx: click.Context, folder: Path, redact: bool) -> None:
    """Write the mirror into FOLDER as accounts.csv, opportunities.csv, users.csv.

    `plan --accounts` reads them. With --redact only what the pack itself names keeps its name: its e-mails and the
    domains of its lists.
    """
    from syncd.jobs.plans.exporting import export_mirror

    with open_context(ctx) as context:
        done = export_mirror(context, folder, redact=redact)
    click.echo(f"wrote {done.accounts:,} accounts and {done.opportunities:,} opportunities to {folder}")
    if done.kept_texts:
        click.echo(f"note: rules read these text fields, so they are in it: {', '.join(done.kept_texts)}", err=True)
    if not redact:
        click.echo("note: names, domains and e-mail addresses are in it; --redact leaves them out", err=True)
    count = sum(done.otherwise.values())
    if count:
        said = ", ".join(f"{reason} {number:,}" for reason, number in sorted(done.otherwise.items()))
        click.echo(
            f"note: over this export {count:,} of {done.decisions:,} decisions come out otherwise than over the mirror,"
            f" for it has no ledger{' and no names' if redact else ''} ({said})",
            err=True,
        )
