"""Where alerts go: the log always, and what the settings name. A new type of receiver is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncd.alerts.receivers.delivery import Receiver
from syncd.alerts.receivers.file import FileReceiver
from syncd.alerts.receivers.log import LOG_NAME, LogReceiver
from syncd.alerts.receivers.webhook import WebhookReceiver
from syncd.clock import Clock
from syncd.settings import ReceiverSettings, Secret
from syncd.telemetry import Log

SEVERITIES = ("page", "ticket", "info")

ReadSecret = Callable[[Secret, str], str]


def receivers_of(
    settings: tuple[ReceiverSettings, ...],
    *,
    log: Log,
    clock: Clock,
    read_secret: ReadSecret,
    ca_bundle: str | None = None,
) -> Mapping[str, Receiver]:
    """Every receiver by name, the log first. Of two with one name the first counts, and `log` is the log."""
    found: dict[str, Receiver] = {LOG_NAME: LogReceiver(log)}
    for each in settings:
        if each.name in found:
            continue
        if each.type == "file":
            found[each.name] = FileReceiver(each)
        else:
            found[each.name] = WebhookReceiver(each, clock=clock, read_secret=read_secret, ca_bundle=ca_bundle)
    return found


def duplicate_names(settings: tuple[ReceiverSettings, ...]) -> tuple[str, ...]:
    """The names that are taken: a receiver under one of them is never told anything."""
    seen = {LOG_NAME}
    taken = [each.name for each in settings if each.name in seen or seen.add(each.name)]  # type: ignore[func-returns-value]
    return tuple(sorted(set(taken)))
