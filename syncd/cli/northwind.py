"""The made-up company Northwind in a folder: settings and secrets that lead to the sandboxes, and a pack of rules.

What `syncd demo` tells its story with, and `syncd sandbox --into` hands to whoever wants to try by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncd.alerts.periods import fiscal_period
from syncd.cli.sandboxes import RunningSandboxes
from syncd.cli.shipped import copy_tree, shipped
from syncd.clock import SystemClock
from syncd.errors import UsageError

_PERSON = re.compile(r"[a-z]+\.[a-z]+@northwind\.example")
_ADDRESS = re.compile(r'^(login_url|base_url) = "http://127\.0\.0\.1:\d+"$', re.MULTILINE)


def settle(folder: Path, sandboxes: RunningSandboxes) -> bool:
    """Make the folder lead to running sandboxes: everything where it is new, else addresses and secrets alone.

    Returns whether it was new. UsageError SYN004 for a folder that holds something else.
    """
    config = folder / "config.toml"
    if not folder.exists() or not any(folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        write_pack(folder.resolve())
        write_settings(folder.resolve(), sandboxes)
        return True
    line: Any = sandboxes.ready_line()
    places = {"login_url": line["salesforce"]["url"], "base_url": line["hubspot"]["url"]}
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    if {match[1] for match in _ADDRESS.finditer(text)} != places.keys():
        hint = "name a new folder, or one that an earlier `syncd sandbox --into` or `syncd demo --keep` made"
        raise UsageError("SYN004", f"{folder} holds no settings that lead to sandboxes", hint=hint)
    _write_secrets(folder / "secrets", line)
    moved = _ADDRESS.sub(lambda match: f'{match[1]} = "{places[match[1]]}"', text)
    config.write_text(moved, encoding="utf-8")
    return False


def strangers(folder: Path, sandboxes: RunningSandboxes) -> int:
    """How many people the folder's pack names who are in neither CRM, where they are more than a few; else 0."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((folder / "pack").rglob("*.yaml")))
    known = {str(row["Email"]).lower() for row in sandboxes.salesforce.records("User")}
    known |= {str(row["email"]).lower() for row in sandboxes.hubspot.records("owners")}
    named = set(_PERSON.findall(text))
    unknown = len(named - known)
    return unknown if unknown * 4 > len(named) else 0


def _write_secrets(secrets: Path, line: Mapping[str, Any]) -> None:
    secrets.mkdir(mode=0o700, exist_ok=True)
    for name, value in (
        ("salesforce_client_secret", line["salesforce"]["client_secret"]),
        ("hubspot_token", line["hubspot"]["access_token"]),
    ):
        (secrets / name).touch(mode=0o600)
        (secrets / name).write_text(value, encoding="utf-8")


def write_pack(folder: Path) -> None:
    """The demonstration's pack, with a fiscal year whose present quarter is far enough along to speak of attainment."""
    copy_tree(shipped("examples") / "demo", folder / "pack")
    today = SystemClock().now().date()
    start = (today.month - 2) % 12 + 1
    pack = folder / "pack" / "pack.yaml"
    text = pack.read_text(encoding="utf-8")
    pack.write_text(text.replace("time_zone:", f"fiscal_year_start: {start}\n  time_zone:"), encoding="utf-8")
    quotas = folder / "pack" / "quotas.csv"
    period = fiscal_period(today, start)
    quotas.write_text(quotas.read_text(encoding="utf-8").replace("2026-Q4", period), encoding="utf-8")


def write_settings(folder: Path, sandboxes: RunningSandboxes) -> None:
    """Settings that lead to running sandboxes, and their secrets beside them."""
    line: Any = sandboxes.ready_line()
    secrets = folder / "secrets"
    _write_secrets(secrets, line)
    settings = f"""\
mode = "approve"
owner_writer = "both"

[salesforce]
login_url = "{line["salesforce"]["url"]}"
client_id = "{line["salesforce"]["client_id"]}"
grant = "client_credentials"
client_secret = "file:{secrets}/salesforce_client_secret"
children = ["contacts", "tasks"]

[hubspot]
base_url = "{line["hubspot"]["url"]}"
token = "file:{secrets}/hubspot_token"
children = ["contacts", "tasks"]

[leads]
# Those that wait are given to somebody inside the guard, without an approval.
read = true
auto = true

[limits]
# The sandbox commits at once: what a person edits is there for the next pull.
salesforce_holdback = "0s"
hubspot_holdback = "0s"

[control]
socket = "control.sock"

[[receivers]]
name = "alert-file"
type = "file"
path = "alerts.jsonl"
"""
    (folder / "config.toml").write_text(settings, encoding="utf-8")
