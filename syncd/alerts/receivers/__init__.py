"""Where alerts go: the log always, and what the settings name. A new type of receiver is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncd.alerts.receivers.apprise import AppriseReceiver
from syncd.alerts.receivers.delivery import Receiver
from syncd.alerts.receivers.email import EmailReceiver
from syncd.alerts.receivers.file import FileReceiver
from syncd.alerts.receivers.heartbeat import HeartbeatReceiver
from syncd.alerts.receivers.log import LOG_NAME, LogReceiver
from syncd.alerts.receivers.outside import Outside
from syncd.alerts.receivers.pagerduty import PagerDutyReceiver
from syncd.alerts.receivers.slack import SlackReceiver
from syncd.alerts.receivers.webhook import WebhookReceiver
from syncd.settings import ReceiverSettings
from syncd.telemetry import Log

_TYPES: Mapping[str, Callable[[ReceiverSettings, Outside], Receiver]] = {
    "apprise": AppriseReceiver,
    "email": EmailReceiver,
    "file": lambda settings, _: FileReceiver(settings),
    "heartbeat": HeartbeatReceiver,
    "pagerduty": PagerDutyReceiver,
    "slack": SlackReceiver,
    "webhook": WebhookReceiver,
}


def receivers_of(settings: tuple[ReceiverSettings, ...], *, log: Log, outside: Outside) -> Mapping[str, Receiver]:
    """Every receiver by name, the log first; the settings have seen to it that the names differ."""
    found: dict[str, Receiver] = {LOG_NAME: LogReceiver(log)}
    found.update((each.name, _TYPES[each.type](each, outside)) for each in settings)
    return found
