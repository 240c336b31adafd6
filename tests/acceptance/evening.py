"""An evening with syncd, scripted: adopt, plan, approve, canary, kill -9, resume, a human edit, drift, undo.

Real commands in child processes against two sandboxes on loopback: `make evening`. It checks what it shows by the CRMs'
own request logs; `--write` puts the transcript into docs/operations.md, and a test compares the two.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.cli.demonstration import owners_sent
from syncd.cli.northwind import write_settings
from syncd.cli.sandboxes import RunningSandboxes, open_sandboxes
from syncd.clock import SystemClock
from tests.forks import run_forked

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- evening: made by `make evening` -->", "<!-- end of the evening -->"
COMPANIES, SEED = 240, 7
PATIENCE = 120.0

PACK = """\
format: 1
pack: {name: evening, respect_people_for: 90d}
guard: {changes: {max: 100}}
territories:
  - name: dach
    when: {country: [DE, AT, CH]}
    owners: [anna.lindqvist@northwind.example]
  - name: rest-of-world
    when: always
    owners: [%s]
    assign: balanced
    keep: false
"""


@dataclass
class Evening:
    """One evening: a folder, the CRMs, and what was said so far."""

    folder: Path
    crms: RunningSandboxes
    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """What the narrator says."""
        self.said.append(f"# {text}")

    def syncd(self, *argv: str, most: int | None = None, code: int = 0) -> str:
        """A command and what it prints; it must end as told."""
        ended, out, err = self._run(argv)
        expect(ended == code, f"{argv} ended with {ended}: {out}{err}")
        self._show(argv, (out + err).splitlines(), most)
        return out

    def quiet(self, *argv: str) -> Any:
        """The same unsaid, as a document."""
        ended, out, err = self._run((*argv, "--format", "json"))
        expect(ended == 0, f"{argv} ended with {ended}: {err}")
        return json.loads(out)

    def _run(self, argv: tuple[str, ...]) -> tuple[int, str, str]:
        out, err = self.folder / "out", self.folder / "err"
        for file in (out, err):
            file.write_text("")
        words = ["--config", str(self.folder / "config.toml"), *argv]
        ended = run_forked(words, environ=self._environ(), out=out, err=err, seconds=PATIENCE * 2)
        return ended, out.read_text(), err.read_text()

    def killed(self, *argv: str, when: Callable[[], bool]) -> None:
        """A command that is ended by kill -9 in the middle of its work."""
        process = subprocess.Popen(
            self._command(argv), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self._environ()
        )
        clock, began = SystemClock(), SystemClock().monotonic()
        while not when():
            expect(process.poll() is None, f"{argv} ended before it could be killed")
            expect(clock.monotonic() - began < PATIENCE, f"{argv} came to nothing")
            clock.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._show(argv, ["Killed"], None)

    def owners(self) -> dict[str, str]:
        """The owner of every Salesforce account, as the CRM has it."""
        return {row["Id"]: row["OwnerId"] for row in self.crms.salesforce.records("Account") if not row["IsDeleted"]}

    def sent(self) -> list[tuple[str, str]]:
        """Every owner that was sent to Salesforce, in order."""
        return [found for entry in self.crms.salesforce.journal.entries for found in owners_sent(entry.to_json())]

    def _show(self, argv: tuple[str, ...], lines: list[str], most: int | None) -> None:
        words = " ".join(f'"{word}"' if " " in word else word for word in argv)
        shown = lines if most is None else lines[:most]
        rest = [f"… {len(lines) - len(shown)} more lines"] if len(shown) < len(lines) else []
        self.said += [f"$ syncd {words}", *shown, *rest, ""]

    def _command(self, argv: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "syncd", "--config", str(self.folder / "config.toml"), *argv]

    def _environ(self) -> Mapping[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SYNCD_")}
        return {**kept, "SYNCD_ACTOR": "mei@northwind.example"}


def expect(truth: bool, otherwise: str) -> None:
    """What the evening claims."""
    if not truth:
        raise AssertionError(otherwise)


def transcript() -> str:
    """The whole evening, once; AssertionError where it goes otherwise."""
    with tempfile.TemporaryDirectory(prefix="syncd-evening-") as place:
        crms = open_sandboxes(companies=COMPANIES, seed=SEED, as_of=SystemClock().now())
        try:
            evening = Evening(Path(place), crms)
            _set_up(evening)
            _run(evening)
        finally:
            crms.close()
    return "\n".join(line.rstrip() for line in evening.said).strip() + "\n"


def _set_up(evening: Evening) -> None:
    write_settings(evening.folder, evening.crms)
    config = evening.folder / "config.toml"  # Salesforce alone: the evening is about one CRM's writes
    text = re.sub(r"\[hubspot\].*?(?=\[limits\])", "", config.read_text(), flags=re.DOTALL)
    config.write_text(text.replace('owner_writer = "both"\n', ""))
    users = [row for row in evening.crms.salesforce.records("User") if row["IsActive"]]
    emails = sorted({str(row["Email"]).lower() for row in users})
    single = [email for email in emails if sum(str(row["Email"]).lower() == email for row in users) == 1]
    (evening.folder / "pack").mkdir()
    pack = PACK.replace("anna.lindqvist@northwind.example", single[0]) % ", ".join(single[1:4])
    (evening.folder / "pack" / "pack.yaml").write_text(pack)


def _run(evening: Evening) -> None:
    evening.syncd("db", "upgrade")
    evening.say("18:00. The mirror fills; today's owners become the baseline.")
    evening.syncd("pull")
    evening.syncd("adopt", most=3)
    before = evening.owners()
    evening.say("18:05. What would the rules change? Nothing is written by looking.")
    evening.syncd("plan", most=17)
    plan = evening.quiet("plan")
    planned = {(change["ref"].rpartition(":")[2], change["to"]) for change in plan["changes"]}
    expect(not evening.sent(), "planning wrote")
    evening.say("18:20. The plan is over the guard, so the approval names the limit.")
    evening.syncd("approve", plan["plan_id"], "--why", "new territories", code=5)
    evening.syncd("approve", plan["plan_id"], "--why", "new territories, agreed with Ruth", "--limit", "changes.max")
    evening.say("18:30. One per cent goes first and is looked at. Then, in the middle of a call, the power fails.")
    evening.crms.salesforce.faults.install(
        [{"match": {"method": "PATCH", "path": "*/composite/sobjects", "nth": 1}, "fault": "stall 20"}]
    )
    evening.killed("apply", plan["plan_id"], when=lambda: len(_moved(evening, before)) >= 100)
    expect(len(_moved(evening, before)) < len(planned), "nothing was left to do")
    evening.crms.salesforce.faults.clear()
    evening.say("18:40. Again: what is in doubt is read, never sent twice; the rest goes on.")
    evening.syncd("apply", plan["plan_id"])
    sent = evening.sent()
    expect(len(sent) == len(set(sent)), "a row was written twice")
    expect(set(sent) <= planned, "something was written that no plan holds")
    evening.say("19:10. Somebody gives an account to somebody else, in the CRM.")
    account, owner = _edited_by_hand(evening, sorted(set(sent)), before)
    evening.syncd("pull")
    evening.syncd("drift")
    evening.say("19:30. The new territories were a mistake. The way back is a plan too; what a person changed stays.")
    evening.syncd("undo", plan["plan_id"], most=6)
    undo = evening.quiet("undo", plan["plan_id"])
    left = [item["ref"] for entry in undo["decisions"] for item in entry.get("left_out", ())]
    expect(f"salesforce:account:{account}" in left, "the undo would take a person's change back")
    evening.syncd("approve", undo["plan_id"], "--why", "back to the old territories")
    evening.syncd("apply", undo["plan_id"])
    after = evening.owners()
    ours = {ref.rpartition(":")[2]: dict(planned).get(ref.rpartition(":")[2]) for ref in left}
    expected = {one: ours.get(one) or former for one, former in before.items()} | {account: owner}
    expect(after == expected, "the undo did not restore what there was")
    evening.say("19:45. What happened to that account, and is the ledger whole?")
    evening.syncd("history", f"salesforce:account:{account}")
    evening.syncd("db", "verify")


def _moved(evening: Evening, before: Mapping[str, str]) -> list[str]:
    return [account for account, owner in evening.owners().items() if owner != before[account]]


def _edited_by_hand(evening: Evening, sent: list[tuple[str, str]], before: Mapping[str, str]) -> tuple[str, str]:
    account, ours = next(pair for pair in sent if pair[0] in before)
    users = [row["Id"] for row in evening.crms.salesforce.records("User") if row["IsActive"]]
    owner = next(user for user in users if user not in (ours, before[account]))
    SystemClock().sleep(1.1)  # stamps have whole seconds
    evening.crms.salesforce.edit(object="Account", id=account, set={"OwnerId": owner}, transfer=False)
    SystemClock().sleep(1.1)
    return account, owner


_CHANGING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?UTC|Z)?"), "<instant>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "<day>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<hash>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b[\d,]+ (API )?calls?"), "<calls>"),
    (re.compile(r"\b[\d,.]+ USD"), "<money>"),
    (re.compile(r"ledger's \d+ rows"), "ledger's <rows>"),
    (re.compile(r"\b[\d.]+ s\b"), "<seconds>"),
    (re.compile(r"(request_id|attempt|epoch) [\w-]+"), r"\1 <word>"),
    (re.compile(r"\s+"), " "),
)


def stable(text: str) -> str:
    """The transcript without what is new every evening: instants, ids, durations, and how lines are folded."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text.strip()


def documented() -> str:
    """The transcript that stands in docs/operations.md."""
    found = re.search(f"{re.escape(BEGIN)}\n+```text\n(.*?)```\n+{re.escape(END)}", DOCUMENT.read_text(), re.DOTALL)
    expect(found is not None, f"{DOCUMENT.name} has no place for the evening")
    return found.group(1) if found is not None else ""


def main() -> None:
    """Spend the evening, print it, and write it down where that is asked for."""
    told = transcript()
    sys.stdout.write(told)
    if "--write" in sys.argv:
        text = DOCUMENT.read_text()
        head, _, rest = text.partition(BEGIN)
        DOCUMENT.write_text(f"{head}{BEGIN}\n\n```text\n{told}```\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
