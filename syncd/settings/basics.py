"""What sections of the settings are made of: spans of time, and where a field is found. Knows no section."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    """`5min`, `30s`, `1h`, `2d` as a timedelta."""
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+)(s|min|h|d)", value.strip())
        if match is None:
            raise ValueError("a duration is a whole number and s, min, h or d, such as 5min")
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    return value


Span = Annotated[timedelta, BeforeValidator(_duration)]


class Section(BaseModel):
    """One section: unknown keys are refused, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class FieldSetting(Section):
    """Where a rule field is found in one CRM."""

    field: str
    """The CRM's API name of the field or property."""
    type: (
        Literal[
            "text",
            "picklist",
            "email",
            "domain",
            "number",
            "money",
            "date",
            "country",
            "state",
            "postal_code",
            "system_id",
            "boolean",
            "several",
        ]
        | None
    ) = None
    """The rule type; needed for fields of your own, known for those of RULES.md."""


def _field_setting(value: object) -> object:
    return {"field": value} if isinstance(value, str) else value


FieldTable = dict[str, Annotated[FieldSetting, BeforeValidator(_field_setting)]]
