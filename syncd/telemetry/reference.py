"""The reference of the log, written from the registry: `make logs` puts it into docs/logs.md."""

from __future__ import annotations

import sys
from itertools import groupby

from syncd.telemetry.events import EVENTS
from syncd.telemetry.journal import INDEXED, PRIORITIES, message_id

_HEAD = """\
# Logs

Written from the registry of events (`make logs`); a test keeps it current.

One event is one line of JSON on stderr: `ts` (UTC), `level`, `event`, and its facts. Names never change their meaning,
and what a CRM says is never part of a name. Commands at a terminal log nothing; `--verbose` and the daemon log from
`info` on. Levels: `warning` is something to look at today, of `error` there is an alert too.

Secrets are taken out before a line is made: values under keys that name one, tokens by their shape, passwords and
queries of URLs, and the whole of URLs that are secrets themselves. Names and e-mail addresses of people are not secrets
here: the log says who owns what. Who may read it may know that.

## Under systemd

The daemon and what it starts speak journald's own protocol. The line of JSON is the message, so that
`journalctl -u syncd -o cat | jq .` works; the level is the entry's priority; and these are fields:

    journalctl -u syncd -p err                                errors and worse
    journalctl SYNCD_EVENT=write.conflicted                   one event
    journalctl SYNCD_RUN_ID=3f9a41c2                          one run
    journalctl SYNCD_EVENT=alert.fired SYNCD_SEVERITY=page    what somebody was woken for

`SYSLOG_IDENTIFIER` (syncd), `PRIORITY`, `MESSAGE_ID` (fixed for each event), `SYNCD_EVENT`, and where the event has
them {fields}.
Where journald does not take an entry it goes to stderr as a line; warnings of libraries always do.

## Events
"""


def reference() -> str:
    """The page."""
    fields = ", ".join(f"`SYNCD_{name.upper()}`" for name in INDEXED)
    lines = [_HEAD.replace("{fields}", fields)]
    for room, group in groupby(sorted(EVENTS), key=lambda name: name.partition(".")[0]):
        lines += [f"### {room}", "", "| event | level | means | MESSAGE_ID |", "|---|---|---|---|"]
        for name in group:
            level, meaning = EVENTS[name]
            lines.append(f"| `{name}` | {level} ({PRIORITIES[level]}) | {meaning} | `{message_id(name)}` |")
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
