"""`syncd sandbox`: two fake CRMs to try things on."""

from __future__ import annotations

import json
import signal
import threading
from datetime import UTC
from pathlib import Path

import click

from syncd.clock import SystemClock, read_iso
from syncd.errors import InputError, UsageError

EPILOG = """\b
Example:
  syncd sandbox --companies 500 --seed 7
  syncd sandbox --data ./exports --salesforce-port 8077 --hubspot-port 8078
  syncd sandbox --native-sync
  syncd sandbox --into ./northwind      # and in another terminal:
  syncd --config ./northwind/config.toml db upgrade
When both are ready, one line of JSON on stdout says where they are and how to
sign in. Ctrl-C ends them; nothing is kept.
"""


@click.command(epilog=EPILOG)
@click.option("--salesforce-port", default=0, type=click.IntRange(0, 65535), help="0 for any free one.")
@click.option("--hubspot-port", default=0, type=click.IntRange(0, 65535), help="0 for any free one.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="A folder with salesforce/*.csv and hubspot/*.csv."
)
@click.option(
    "--companies", default=600, show_default=True, type=click.IntRange(0, 2_000_000), help="Make up so many companies."
)
@click.option(
    "--leads",
    default=40,
    show_default=True,
    type=click.IntRange(0, 100_000),
    help="So many leads of the last days in each CRM.",
)
@click.option("--seed", default=7, show_default=True, type=int, help="The same seed gives the same data.")
@click.option("--as-of", help="The day that made-up dates lie around, such as 2027-01-31.")
@click.option("--faults", type=click.Path(path_type=Path, dir_okay=False), help="A JSON file of faults to inject.")
@click.option("--native-sync", is_flag=True, help="HubSpot's own Salesforce sync runs between the two.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write settings, secrets and a pack that lead here into this folder; dates lie around today.",
)
def sandbox(
    salesforce_port: int,
    hubspot_port: int,
    data: Path | None,
    companies: int,
    leads: int,
    seed: int,
    as_of: str | None,
    faults: Path | None,
    native_sync: bool,
    into: Path | None,
) -> None:
    """Serve a fake Salesforce and a fake HubSpot on loopback, with data."""
    from syncd.cli.northwind import settle, strangers
    from syncd.cli.sandboxes import open_sandboxes

    try:
        instant = read_iso(as_of).replace(tzinfo=UTC) if as_of else None
        if into is not None and instant is None:
            instant = SystemClock().now()
        running = open_sandboxes(
            salesforce_port=salesforce_port,
            hubspot_port=hubspot_port,
            data=data,
            companies=companies,
            seed=seed,
            leads=leads,
            faults=faults,
            as_of=instant,
            native_sync=native_sync,
        )
    except ValueError as error:
        raise InputError("SYN333", str(error), hint="columns are the CRM's API field names") from error
    if into is not None:
        try:
            new = settle(into, running)
        except UsageError:
            running.close()
            raise
        what = "settings, secrets and a pack" if new else "where the CRMs listen now"
        click.echo(f"wrote {what} into {into}; keep this running, and in another terminal:", err=True)
        click.echo(f"  cd {into} && syncd db upgrade && syncd pull", err=True)
        if new and (unknown := strangers(into, running)):
            told = f"{unknown} people whom the pack names are not in this company (they are in that of --seed 7)"
            click.echo(f"  {told}: `syncd audit --starter-pack DIR` writes a pack that fits", err=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    click.echo(json.dumps(running.ready_line()))
    stop.wait()
    running.close()
