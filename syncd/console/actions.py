"""What people do on the console: approve a plan, take an alert. Done by the daemon, or as the command does it.

Both ways leave the ledger's same rows as the command, in the name of the person who signed in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from syncd.errors import SyncdError
from syncd.jobs.context import Context
from syncd.jobs.daemon.control import ask_daemon
from syncd.jobs.leadership import Leadership, leadership
from syncd.jobs.plans import apply as plan_job
from syncd.jobs.upkeep.erasing import replay
from syncd.jobs.watching.alerting import acknowledge
from syncd.settings import Settings

Opened = Callable[[Settings, Mapping[str, str]], Context]
"""Makes a context of settings for one environment."""


@dataclass(frozen=True, slots=True)
class Done:
    """How an action ended: whether well, and the words of the command."""

    well: bool
    words: str


@dataclass(frozen=True, slots=True)
class Actions:
    """Does what one person asks for."""

    settings: Settings
    environ: Mapping[str, str]
    opened: Opened

    def approve(self, who: str, plan_id: str, why: str, limits: Sequence[str]) -> Done:
        """Approve a plan with a reason, lifting the limits that are named."""
        argv = ["approve", plan_id, f"--why={why}", *(f"--limit={limit}" for limit in limits)]

        def work(context: Context, leader: Leadership) -> str:
            approved = plan_job.approve(context, leader, plan_id, why=why, limits=tuple(limits))
            return f"plan {approved.plan_id} is approved by {context.actor}"

        return self._do(who, argv, work)

    def take(self, who: str, alert_id: int) -> Done:
        """Say that the person looks after an alert."""

        def work(context: Context, _: Leadership) -> str:
            document = acknowledge(context, alert_id)
            over = "is over" if document["state"] == "resolved" else "stays open until its condition is over"
            return f"{document['monitor']} of {document['subject']}: taken by {context.actor}; it {over}"

        return self._do(who, ["alerts", "ack", str(alert_id)], work)

    def _do(self, who: str, argv: Sequence[str], work: Callable[[Context, Leadership], str]) -> Done:
        told: list[str] = []
        try:
            code = ask_daemon(self.settings.control.socket, argv, lambda _, text: told.append(text), on_behalf_of=who)
            if code is not None:
                return Done(code == 0, "\n".join(told) or f"the daemon ended it with exit code {code}")
            environ = {**self.environ, "SYNCD_ACTOR": f"uid:{os.getuid()} for {who}"}
            context = self.opened(self.settings, environ)
            try:
                with leadership(context) as leader:
                    replay(context)  # as every command that changes something: a restored backup holds what was erased
                    return Done(True, work(context, leader))
            finally:
                context.close()
        except SyncdError as error:
            return Done(False, f"{error}" + (f" ({error.hint})" if error.hint else ""))
