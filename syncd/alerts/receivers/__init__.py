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

ReadSecret = Callable[[Secret, str], str]


def receivers_of(
    settings: tuple[ReceiverSettings, ...],
    *,
    log: Log,
    clock: Clock,
    read_secret: ReadSecret,
    ca_bundle: str | None = None,
) -> Mapping[str, Receiver]:
    """Every receiver by name, the log first; the settings have seen to it that the names differ."""
    found: dict[str, Receiver] = {LOG_NAME: LogReceiver(log)}
    for each in settings:
        if each.type == "file":
            found[each.name] = FileReceiver(each)
        else:
            found[each.name] = WebhookReceiver(each, clock=clock, read_secret=read_secret, ca_bundle=ca_bundle)
    return found
