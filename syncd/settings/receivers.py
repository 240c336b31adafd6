"""Who is told: receivers of alerts, approvals and changes, and the reports that the daemon makes by itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from syncd.settings.basics import Section, Span
from syncd.settings.secrets import Secret

_ADDRESS = r"^[^@\s,;<>]+@[^@\s,;<>]+$"


def _time_of_day(value: str) -> str:
    match = re.fullmatch(r"(\d\d):(\d\d)", value.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("a time of day is HH:MM, such as 07:00")
    return value.strip()


class ReceiverSettings(Section):
    """One place that alerts go to, beside the log, which always gets them."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    """Its name in `alerts` and in the ledger."""
    type: Literal["webhook", "file", "slack", "pagerduty", "email", "heartbeat", "apprise"]
    """`webhook` posts signed JSON, `file` appends JSON lines; `apprise` is Teams and all others it knows."""
    url: str | None = None
    """For a webhook: https, or http on loopback. For PagerDuty: another region's endpoint."""
    secret: Secret | None = None
    """Webhook: the key of the signature. PagerDuty: the routing key. E-mail: the password. Else: the secret URL."""
    secret_before: Secret | None = None
    """For a webhook, while keys are rotated: the key before; notices are signed by both."""
    inside: bool = False
    """Whether its URL may lead into your own network; else only public addresses are called."""
    path: Path | None = None
    """For a file: where it is."""
    host: str | None = None
    """For e-mail: the mail server."""
    port: int | None = Field(None, ge=1, le=65535)
    """For e-mail: its port; default 587 for `starttls`, 465 for `tls`, 25 for `none`."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """For e-mail: how the connection is made safe; `none` only to this machine itself."""
    username: str | None = None
    """For e-mail: the account at the mail server; none where it asks for none."""
    sender: str | None = Field(None, pattern=_ADDRESS)
    """For e-mail: the address that notices come from."""
    recipients: tuple[Annotated[str, Field(pattern=_ADDRESS)], ...] = ()
    """For e-mail: who gets every notice."""
    reps: bool = False
    """For e-mail, with `tells` naming changes: each rep also gets what an applied plan changed for them."""
    severities: tuple[Literal["page", "ticket", "info"], ...] = ("page", "ticket", "info")
    """Which alerts it gets."""
    monitors: tuple[str, ...] = ()
    """Of which monitors, such as `RepLeft` or `Attainment*`; none named: of all."""
    labels: dict[str, str] = Field({})
    """With which labels: each must equal, `*` stands for any text."""
    tells: tuple[Literal["alerts", "approvals", "changes", "reports", "feed"], ...] | None = None
    """Alerts, plans that wait for approval, what a plan changed, reports. Default: the first two; PagerDuty: one."""
    hours: Literal["any", "working"] = "any"
    """`working`: alerts that are no pages wait for the pack's working hours."""
    digest: Span | None = None
    """Collect alerts that are no pages, and tell them together once in so long."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in _NEEDED[self.type] if not getattr(self, name)]
        if missing:
            raise ValueError(f"a {self.type} receiver needs {' and '.join(missing)}")
        foreign = sorted(name for name in _OF_SOME if name in self.model_fields_set and self.type not in _OF_SOME[name])
        if foreign:
            raise ValueError(f"a {self.type} receiver has no {' and no '.join(foreign)}")
        if self.type in ("pagerduty", "heartbeat") and (self.digest or set(self.tells or ()) - {"alerts"}):
            raise ValueError(f"a {self.type} receiver tells alerts alone, each by itself")
        if "feed" in (self.tells or ()) and self.type != "webhook":
            raise ValueError("only a webhook receiver tells the feed")
        if self.username is not None and self.secret is None:
            raise ValueError("an email receiver with a username needs secret, its password")
        return self


_NEEDED: dict[str, tuple[str, ...]] = {
    "webhook": ("url", "secret"),
    "file": ("path",),
    "slack": ("secret",),
    "pagerduty": ("secret",),
    "email": ("host", "sender", "recipients"),
    "heartbeat": ("secret",),
    "apprise": ("secret",),
}
_OF_SOME: dict[str, tuple[str, ...]] = {
    "url": ("webhook", "pagerduty"),
    "secret_before": ("webhook",),
    "inside": ("webhook", "slack", "pagerduty", "heartbeat"),
    "path": ("file",),
    **dict.fromkeys(("host", "port", "security", "username", "sender", "recipients", "reps"), ("email",)),
}
"""Keys that only some types of receiver have: on another they would do nothing, and somebody would rely on them."""


class ReportSettings(Section):
    """Reports that the daemon makes by itself: each at a local time of the pack's zone, on the first day after."""

    folder: Path | None = None
    """Where they are filed, as `syncd-weekly-2026-11-23.html`. Needed where an edition has a time."""
    weekly: Annotated[str, AfterValidator(_time_of_day)] | None = None
    """When the weekly one is made, on Mondays: `07:00`. Default: not."""
    monthly: Annotated[str, AfterValidator(_time_of_day)] | None = None
    """When the monthly one is made, on the first of each month."""
    quarterly: Annotated[str, AfterValidator(_time_of_day)] | None = None
    """When the quarterly one is made, on the first day of each fiscal quarter."""
    keep: int = Field(13, ge=1, le=1000)
    """How many of each edition stay in the folder."""

    @model_validator(mode="after")
    def _filed_somewhere(self) -> Self:
        if self.folder is None and (self.weekly or self.monthly or self.quarterly):
            raise ValueError("an edition needs `folder`, where it is filed")
        return self
