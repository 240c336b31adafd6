"""An apply that is killed with -9 again and again ends as if it had not been: every owner written, none twice."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path

from syncd.clock import SystemClock
from tests.integration.installation import Installation

CLOCK = SystemClock()
OWNER_CHANGE = re.compile(
    r"^(?:Account|Opportunity|companies|deals) (\S+) .*?(?:OwnerId|hubspot_owner_id): \S* -> (\S+?);?(?: |$)"
)
STALL = {"fault": "stall 0.4", "match": {"path": "*/composite/sobjects*"}}
STALL_HUBSPOT = {"fault": "stall 0.4", "match": {"path": "*/batch/update"}}


def owner_changes(installation: Installation) -> Counter[tuple[str, str]]:
    """Every effective change of an owner by the API, from the CRMs' own logs."""
    found: Counter[tuple[str, str]] = Counter()
    for face in (installation.sandboxes.salesforce, installation.sandboxes.hubspot):
        for entry in face.journal.entries:
            if entry.source == "api":
                found.update(match.groups() for effect in entry.effects if (match := OWNER_CHANGE.match(effect)))
    return found


def test_kill_9_in_the_middle_of_writing_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path, companies=150)
    try:
        installation.syncd("db", "upgrade")
        installation.syncd("pull")
        installation.syncd("adopt")
        plan = json.loads(installation.syncd("plan", "--format", "json").stdout)
        tripped = [word for trip in plan["guard"]["tripped"] for word in ("--limit", trip["limit"])]
        installation.syncd("approve", plan["plan_id"], "--why", "to be killed", *tripped)
        planned = {(change["ref"].split(":")[2], change["to"]) for change in plan["changes"]}
        assert len(planned) > 30
        installation.sandboxes.salesforce.faults.install([STALL])
        installation.sandboxes.hubspot.faults.install([STALL_HUBSPOT])
        kills = 0
        for delay in (1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6, 60.0, 60.0, 60.0):
            process = installation.start("apply", plan["plan_id"])
            try:
                if process.wait(timeout=delay) == 0 or "SYN516" in installation.log():
                    break  # SYN516: it was applied to its end, and killed on its way out
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
        assert kills >= 3, "the apply was too quick to be killed"
        assert process.returncode == 0 or "SYN516" in installation.log(), installation.log()[-2000:]
        assert owner_changes(installation) == Counter(planned)
        assert "as they were written" in installation.syncd("db", "verify").stdout
        after = json.loads(installation.syncd("plan", "--format", "json").stdout)
        assert after["changes"] == []
    finally:
        installation.close()
