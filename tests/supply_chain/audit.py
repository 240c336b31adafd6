"""`make audit-deps`: looks every locked package up among the known advisories of OSV, the open vulnerability database.

Only names and versions are sent. What is known and accepted stands in `accepted.txt`, with its reason. Without network
nothing is known, and that is said: exit code 0 and the word SKIPPED, for a build must not depend on another's server.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.supply_chain.lock import Locked, read_lock

SERVICE = "https://api.osv.dev/v1/querybatch"
ACCEPTED = Path(__file__).with_name("accepted.txt")
_SECONDS = 20.0

Ask = Callable[[Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any]]]
"""From questions to answers, in their order. Raises OSError where nobody answers."""


def ask_osv(questions: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """What OSV answers to a batch of questions."""
    body = json.dumps({"queries": questions}).encode()
    request = urllib.request.Request(SERVICE, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        results: Sequence[Mapping[str, Any]] = json.load(answer)["results"]
    return results


def accepted(path: Path = ACCEPTED) -> dict[str, str]:
    """The advisories that are known and accepted, each with its reason. ValueError for one without."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        advisory, _, reason = line.partition(" ")
        if line and not line.startswith("#"):
            if not reason.strip():
                raise ValueError(f"{path}:{number}: {advisory} has no reason")
            found[advisory] = reason.strip()
    return found


def advisories(packages: Sequence[Locked], ask: Ask) -> list[tuple[str, str, str]]:
    """Name, version and advisory of each package that has one. Raises OSError where nobody answers."""
    ecosystem = "PyPI"
    questions = [{"package": {"name": each.name, "ecosystem": ecosystem}, "version": each.version} for each in packages]
    answers = ask(questions)
    if len(answers) != len(packages):
        raise OSError(f"{len(packages)} questions, {len(answers)} answers")
    return [
        (package.name, package.version, str(found["id"]))
        for package, answer in zip(packages, answers, strict=True)
        for found in answer.get("vulns", ())
    ]


def audit(packages: Sequence[Locked], known: Mapping[str, str], ask: Ask = ask_osv) -> tuple[int, list[str]]:
    """The exit code (1 for an advisory that nobody accepted) and the lines to show."""
    try:
        found = advisories(packages, ask)
    except (OSError, ValueError, LookupError) as error:
        return 0, [f"SKIPPED: the advisories could not be asked for ({type(error).__name__}: {error})"]
    lines = [f"{name} {version}: {advisory} ({known.get(advisory, 'NEW')})" for name, version, advisory in found]
    stale = sorted(set(known) - {advisory for _, _, advisory in found})
    lines += [f"{advisory}: accepted, but no locked package has it any more; take it out" for advisory in stale]
    new = sum(advisory not in known for _, _, advisory in found)
    lines.append(f"{len(packages)} packages: {len(found)} advisories, {new} of them new")
    return int(new > 0 or bool(stale)), lines


if __name__ == "__main__":
    code, told = audit(read_lock(), accepted())
    sys.stdout.write("\n".join(told) + "\n")
    sys.exit(code)
