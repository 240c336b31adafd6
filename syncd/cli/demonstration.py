"""The story that `syncd demo` tells: real commands in child processes, against two sandboxes on loopback.

It checks what it claims: the CRMs' own request logs are compared with the plan, and a step that goes otherwise than
told ends the demonstration with an error.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from syncd.cli.northwind import write_pack, write_settings
from syncd.cli.sandboxes import RunningSandboxes, open_sandboxes
from syncd.clock import SystemClock
from syncd.errors import UsageError

_COMPANIES, _SEED, _LEADS = 600, 7, 40
_CHURNED = "obsidiandynamics.com"
_LEAVER = "priya.keller@northwind.example"
_EXPLAINED = "copperrobotics.ie"


class DemonstrationFailedError(Exception):
    """A step did not do what the demonstration says it does."""


@dataclass(slots=True)
class Demonstration:
    """One telling: where it lives, the CRMs it talks to, and the commands it runs."""

    folder: Path
    sandboxes: RunningSandboxes
    _journal_marks: dict[str, int] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def set_up(cls, keep: Path | None) -> Iterator[Demonstration]:
        """Start both CRMs and write settings and pack into a folder, which goes at the end unless it is kept."""
        folder = _new_folder(keep)
        sandboxes = open_sandboxes(companies=_COMPANIES, seed=_SEED, leads=_LEADS, as_of=SystemClock().now())
        try:
            write_pack(folder)
            write_settings(folder, sandboxes)
            yield cls(folder, sandboxes)
        finally:
            sandboxes.close()
            if keep is None:
                shutil.rmtree(folder, ignore_errors=True)

    def run(self) -> bool:
        """Tell the story; False where a step went otherwise than told."""
        started = SystemClock().monotonic()
        try:
            self._introduce()
            self._check_pack()
            self._fill_mirror()
            plan = self._plan()
            self._write(plan)
            self._rest()
            self._leads()
            self._alert()
            self._explain()
        except DemonstrationFailedError as error:
            click.echo(f"\nThe demonstration failed: {error}", err=True)
            return False
        seconds = SystemClock().monotonic() - started
        _say(f"That was the whole main job, in {seconds:.0f} seconds. Next: syncd init, and docs/quickstart.md.")
        return True

    def _introduce(self) -> None:
        line = self.sandboxes.ready_line()
        _title("Two CRMs on loopback, and a database")
        for name in ("salesforce", "hubspot"):
            objects = {"salesforce": "Account", "hubspot": "companies"}[name]
            face = self.sandboxes.salesforce if name == "salesforce" else self.sandboxes.hubspot
            click.echo(f"{name:<11} {line[name]['url']}  {len(face.records(objects))} {objects}")  # type: ignore[index]
        self._syncd("db", "upgrade")

    def _check_pack(self) -> None:
        _title("The rules, checked and tested before anybody relies on them")
        self._syncd("check")
        self._syncd("test")

    def _fill_mirror(self) -> None:
        _title("The mirror fills from both CRMs, companies are linked, today's owners adopted")
        self._syncd("pull")
        self._syncd("link", "list", "--limit", "3")
        self._syncd("adopt")

    def _plan(self) -> Mapping[str, Any]:
        _title("A plan: every change with its reason, down to file and line")
        before = self._writes()
        self._syncd("plan", most=34)
        plan: Mapping[str, Any] = json.loads(self._run("plan", "--format", "json").stdout)
        _expect(len(self._writes()) == len(before), "planning wrote to a CRM")
        _expect(bool(plan["changes"]), "there is nothing to change")
        return plan

    def _write(self, plan: Mapping[str, Any]) -> None:
        _title("Approved, written, read back")
        self._syncd("approve", plan["plan_id"], "--why", "shown in the demo")
        self._syncd("apply", plan["plan_id"])
        planned = {(change["ref"].rpartition(":")[2], change["to"]) for change in plan["changes"]}
        written = self._writes()
        _expect(written == planned, f"planned {len(planned)} owners, the CRMs were sent {len(written)}")
        _say(f"The CRMs' own request logs hold {len(written)} owner writes: the plan's, and no other.")

    def _rest(self) -> None:
        _title("A second round finds nothing to do")
        before = self._writes()
        self._syncd("sync")
        _expect(self._writes() == before, "the second round wrote something")

    def _leads(self) -> None:
        _title("Leads that came in and wait: an account's owner gets them, else its territory, else whoever is next")
        self._syncd("leads", most=34)
        waiting = [row["Id"] for row in self.sandboxes.salesforce.records("Lead") if row["OwnerId"].startswith("00G")]
        _expect(not waiting, f"{len(waiting)} leads still wait in Salesforce's queue")

    def _alert(self) -> None:
        _title("Meanwhile, in the CRMs: a customer churns and a rep leaves")
        account = self._account(_CHURNED)
        self.sandboxes.salesforce.edit(object="Account", id=account["Id"], set={"Type": "Former Customer"})
        user = next(row for row in self.sandboxes.salesforce.records("User") if row["Email"] == _LEAVER)
        self.sandboxes.salesforce.edit(object="User", id=user["Id"], set={"IsActive": False})
        click.echo(f"edited by hand: {account['Name'].strip()} is a Former Customer, {user['Name']} is deactivated")
        SystemClock().sleep(2)  # stamps have whole seconds, and a pull ends just before now
        self._syncd("sync")
        self._syncd("alerts")
        firing = json.loads(self._run("alerts", "list", "--format", "json").stdout)
        names = {alert["monitor"] for alert in firing["alerts"] if alert["state"] == "firing"}
        missing = {"AccountChurned", "RepLeft", "AttainmentBelow"} - names
        _expect(not missing, f"no alert for {', '.join(sorted(missing))}")

    def _explain(self) -> None:
        _title("Why is this account theirs?")
        self._syncd("explain", _EXPLAINED)

    def _account(self, domain: str) -> Mapping[str, Any]:
        rows = self.sandboxes.salesforce.records("Account")
        return next(row for row in rows if domain in str(row.get("Website") or ""))

    def _writes(self) -> set[tuple[str, str]]:
        """Every owner that was sent to a CRM so far: record id and owner id, from the request logs."""
        found: set[tuple[str, str]] = set()
        for face in (self.sandboxes.salesforce, self.sandboxes.hubspot):
            for entry in face.journal.entries:
                found |= set(owners_sent(entry.to_json()))
        return found

    def _syncd(self, *argv: str, most: int | None = None) -> None:
        """Show a command and what it says; it must end well."""
        click.echo(f"\n$ syncd {' '.join(_quoted(word) for word in argv)}")
        result = self._run(*argv)
        lines = result.stdout.splitlines()
        shown = lines if most is None or len(lines) <= most else lines[:most]
        for line in shown:
            click.echo(line)
        if len(shown) < len(lines):
            click.echo(f"… {len(lines) - len(shown)} more lines like these")
        if result.stderr:
            click.echo(result.stderr, nl=False, err=True)

    def _run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "syncd", "--config", str(self.folder / "config.toml"), *argv],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env={key: value for key, value in os.environ.items() if not key.startswith("SYNCD_")},
        )
        if result.returncode != 0:
            click.echo(result.stdout + result.stderr, err=True)
            raise DemonstrationFailedError(f"`syncd {' '.join(argv)}` ended with {result.returncode}")
        return result


def _new_folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="syncd-demo-"))
    if keep.exists():
        raise UsageError("SYN004", f"{keep} exists already", hint="name a folder that does not")
    keep.mkdir(parents=True)
    return keep.resolve()


def owners_sent(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The owners that one request of a CRM's log carries."""
    if entry["method"] not in ("PATCH", "POST") or not entry.get("body"):
        return
    try:
        body = json.loads(entry["body"]) if isinstance(entry["body"], str) else entry["body"]
    except ValueError:
        return
    if not isinstance(body, dict):
        return
    if "OwnerId" in body:
        yield entry["path"].rstrip("/").rpartition("/")[2], body["OwnerId"]
    for record in body.get("records", ()):
        if "OwnerId" in record:
            yield record["id"], record["OwnerId"]
    for record in body.get("inputs", ()):
        if "hubspot_owner_id" in record.get("properties", {}):
            yield record["id"], record["properties"]["hubspot_owner_id"]


def _expect(truth: bool, otherwise: str) -> None:
    if not truth:
        raise DemonstrationFailedError(otherwise)


def _title(text: str) -> None:
    click.echo(f"\n{text}\n{'-' * len(text)}")


def _say(text: str) -> None:
    click.echo(f"\n{text}")


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
