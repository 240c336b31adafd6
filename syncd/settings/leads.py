"""The settings of leads: whether they are read and routed, and what a lead is in each CRM."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import model_validator

from syncd.settings.basics import Section, Span

OPEN_STAGES: Final = ("new-stage-id", "attempting-stage-id", "connected-stage-id")
"""The stages of HubSpot's standard pipeline of leads in which a lead is not yet qualified or disqualified."""


class LeadSettings(Section):
    """Leads: whether they are read and routed. What becomes of them stands in the pack's `routing:`."""

    read: bool = False
    """Whether leads are read and routed; the pack says where, under `routing:`."""
    auto: bool = False
    """In approve mode: leads inside the guard are given out without an approval. In apply mode they always are."""
    within: Span = timedelta(days=7)
    """Only leads that were created so lately are routed; older ones stay where they are, also at the first start."""
    unowned: tuple[str, ...] = ()
    """Users whose leads are nobody's yet, such as a default owner: e-mails, logins or owner ids. Queues' always are."""
    touched: tuple[str, ...] = ()
    """Lead statuses that say that somebody worked the lead, such as "Working - Contacted"."""
    hubspot_object: Literal["contacts", "leads"] = "contacts"
    """What leads are in HubSpot: contacts in a lifecycle stage, or the object `leads` in a stage of its pipeline."""
    hubspot_stages: tuple[str, ...] = ("lead", "marketingqualifiedlead", "salesqualifiedlead")
    """The lifecycle stages in which a contact is a lead; with `leads` ids of pipeline stages (default: open ones)."""

    @model_validator(mode="before")
    @classmethod
    def _open_stages(cls, given: Any) -> Any:
        """The object `leads` has stages of its own, whose standard ids every portal has."""
        if isinstance(given, dict) and given.get("hubspot_object") == "leads":
            return {"hubspot_stages": OPEN_STAGES, **given}
        return given
