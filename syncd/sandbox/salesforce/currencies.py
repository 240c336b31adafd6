"""Currencies of an org: the corporate one, the others with their rates, and dated rates that follow one another.

It knows rows of CurrencyType and DatedConversionRate only; nothing is converted here.
"""

from __future__ import annotations

from syncd.sandbox.salesforce.state import OrgState

CORPORATE = "USD"
"""The corporate currency of a fresh org."""
_FOR_EVER = "9999-12-31"


def corporate_row() -> dict[str, object]:
    """The row of CurrencyType that a fresh org has."""
    return {"IsoCode": CORPORATE, "ConversionRate": 1.0, "DecimalPlaces": 2, "IsActive": True, "IsCorporate": True}


def chain_rates(state: OrgState) -> None:
    """Let each dated rate end where the next of its currency starts, as the platform works it out."""
    table = state.tables.table("DatedConversionRate")
    by_currency: dict[str, list[tuple[str, str]]] = {}
    for record_id, row in table.rows.items():
        by_currency.setdefault(str(row.get("IsoCode")), []).append((str(row.get("StartDate")), record_id))
    for starts in by_currency.values():
        starts.sort()
        following = [start for start, _ in starts[1:]] + [_FOR_EVER]
        for (_, record_id), end in zip(starts, following, strict=True):
            row = table.rows[record_id]
            if row.get("NextStartDate") != end:
                state.tables.put("DatedConversionRate", {**row, "NextStartDate": end}, None)
