"""The registry of event names: what each means and how loud it is. A name that is not here is refused.

Names are `noun.verb` in the past tense and never change meaning; CRM text is never part of a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EVENTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "daemon.started": ("info", "the daemon holds the lease and its scheduler runs"),
        "daemon.stopping": ("info", "SIGTERM: no new work is taken, the current call is finished"),
        "daemon.stopped": ("info", "the lease is released"),
        "daemon.reloaded": ("info", "SIGHUP: the settings and the pack were read again and are in use"),
        "daemon.reload_refused": ("error", "SIGHUP: the new settings or pack are invalid; the last good ones stay"),
        "job.started": ("info", "a job began as a child process"),
        "job.finished": ("info", "a job ended well"),
        "job.failed": ("error", "a job ended with another exit code than 0"),
        "job.killed": ("error", "a job ran past its deadline and was killed"),
        "job.missed": ("warning", "the scheduler could not start a job in time"),
        "daemon.standing_by": ("info", "another daemon leads, or the database is away; this one waits for its turn"),
        "lease.regained": ("warning", "the lease ran out while the database could not be written, and is ours again"),
        "storage.failing": (
            "error",
            "the database cannot be written or reached; nothing is written to a CRM meanwhile",
        ),
        "pack.activated": ("info", "a commit of the pack was fetched, found valid, stored, and is in use"),
        "pack.refused": ("error", "a commit of the pack is invalid or cannot be had; the last good one stays in use"),
        "housekeeping.finished": ("info", "what is past its retention was dropped from the database"),
        "lease.lost": ("error", "another process took the lease; this one stops writing"),
        "request.received": ("info", "a command came through the control socket"),
        "request.finished": ("info", "a command that came through the control socket ended"),
        "pull.started": ("info", "a pull of one system began"),
        "pull.finished": ("info", "a pull of one system read everything it meant to"),
        "pull.incomplete": ("warning", "a pull ended early; the cursor stands at the last committed page"),
        "pull.failed": ("error", "a pull could not be done"),
        "page.stored": ("debug", "a page and its cursor were committed"),
        "cursor.restarted": ("warning", "a page cursor expired; the slice is read again"),
        "call.retried": ("warning", "a call to a CRM failed in a way that passes and is made again"),
        "call.limited": ("warning", "a CRM or our own budget asked to wait"),
        "token.refreshed": ("info", "an access token was obtained"),
        "schema.noted": ("warning", "the CRM's schema has something to say about the mapping"),
        "plan.saved": ("info", "a plan was computed and saved"),
        "plan.approved": ("info", "a person approved a plan"),
        "plan.refused": ("warning", "a plan was refused as a whole; nothing was written"),
        "guard.tripped": ("warning", "a plan is over a limit of the pack's guard"),
        "write.confirmed": ("info", "an owner was written and read back"),
        "write.skipped": ("info", "a row needed no write"),
        "write.conflicted": ("warning", "a row was changed by somebody since the plan; not written"),
        "write.rejected": ("warning", "a CRM refused a row for good"),
        "write.unknown": ("warning", "the answer to a write was lost; the row is read before anything else"),
        "team.restored": ("info", "the members that a change of owner dropped from a team are back"),
        "team.lost": ("error", "members of a team could not be put back after a change of owner"),
        "canary.passed": ("info", "the first rows of a large plan hold, and nothing else moved; the rest follows"),
        "canary.halted": ("error", "the first rows of a large plan did not hold, or moved more; the rest waits"),
        "apply.finished": ("info", "an approved plan is through"),
        "apply.braked": ("error", "too many rows were refused; the rest of the plan waits for a person"),
        "apply.recovered": ("warning", "rows left in doubt by an earlier process were read and settled"),
        "retrieve.noticed": ("info", "owners are told that accounts nobody works will be taken back; the grace begins"),
        "baseline.adopted": ("info", "today's owners are the baseline"),
        "history.unread": ("warning", "a CRM could not be asked who changed owners; it is asked again later"),
        "subject.erased": ("info", "what the tables held of one person or record was taken out"),
        "drift.adopted": ("info", "an owner that somebody changed was taken as an override"),
        "drift.released": ("info", "an override that adopted drift made was ended"),
        "alert.fired": ("warning", "an alert began to fire"),
        "alert.resolved": ("info", "an alert's condition is over"),
        "approval.asked": ("info", "a plan waits for the approval of a person"),
        "metrics.unwritten": ("warning", "the textfile of metrics could not be written; the next watch tries again"),
        "heartbeat.failed": ("warning", "the heartbeat after a watch was not taken; the next watch tries again"),
        "notice.delivered": ("info", "a receiver took a notice"),
        "notice.failed": ("error", "a receiver did not take a notice; it is tried again"),
        "writes.frozen": ("warning", "writes were frozen, by a person or because a canary found something"),
        "writes.unfrozen": ("info", "writes are allowed again"),
        "error.unhandled": ("error", "a bug: please report it with the lines around it"),
    }
)
