"""What the API tells of the account itself: who it is, its currencies, how much of the day is used (hubspot.md 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from syncd.sandbox.hubspot.envelopes import Document
from syncd.sandbox.hubspot.limits import RateLimits
from syncd.sandbox.hubspot.refusals import not_found
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.wire import Response


class AccountEndpoints:
    """Answers what is asked about the account."""

    def __init__(self, state: PortalState, limits: RateLimits) -> None:
        self._state = state
        self._limits = limits

    def details(self) -> Response:
        """Which portal this is, its time zone and its currencies."""
        now = self._state.clock.now().astimezone(self._state.zone)
        offset = now.utcoffset() or timedelta()
        return Response.of_json(
            200,
            {
                "portalId": self._state.portal_id,
                "accountType": "STANDARD",
                "timeZone": self._state.zone.key,
                "companyCurrency": self._state.currency,
                "additionalCurrencies": sorted(self._state.rates),
                "utcOffset": _offset_text(offset),
                "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            },
        )

    def daily_usage(self) -> Response:
        """How much of the day's calls is used."""
        now = self._state.clock.now().astimezone(self._state.zone)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        row = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self._limits.day,
            "currentUsage": self._limits.used_today,
            "collectedAt": now.isoformat(timespec="milliseconds"),
            "fetchStatus": "SUCCESS",
            "resetsAt": midnight.isoformat(timespec="milliseconds"),
        }
        return Response.of_json(200, {"results": [row]})

    def currencies(self, parts: Sequence[str]) -> Response:
        """The company's currency and today's rates of the others, as the settings API tells them."""
        rates: list[Document] = [
            {
                "id": str(number),
                "fromCurrencyCode": code,
                "toCurrencyCode": self._state.currency,
                "conversionRate": float(rate),
                "visibleInUI": True,
                "effectiveAt": "2026-01-01T00:00:00.000Z",
                "createdAt": "2026-01-01T00:00:00.000Z",
                "updatedAt": "2026-01-01T00:00:00.000Z",
            }
            for number, (code, rate) in enumerate(sorted(self._state.rates.items()), start=1)
        ]
        match list(parts):
            case ["company-currency"]:
                row: Document = {"id": "0", "currencyCode": self._state.currency, "currencyName": self._state.currency}
                return Response.of_json(200, row)
            case ["exchange-rates"] | ["exchange-rates", "current"]:
                return Response.of_json(200, {"results": rates})
            case _:
                raise not_found()


def _offset_text(offset: timedelta) -> str:
    minutes = offset // timedelta(minutes=1)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
