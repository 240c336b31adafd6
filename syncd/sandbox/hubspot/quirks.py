"""The switches of the fake portal: which of HubSpot's observed or unverified behaviours it shows.

Each names the thread or the paragraph of the HubSpot notes it comes from. All may be changed at any time, in Python or
by the edit command `configure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Quirks:
    """What the portal does where HubSpot is odd, unclear or changing.

    Search (an index apart from the store; estuary/connectors #1861, #1871, #2210, #4595, #5180):

    - `index_lag`: seconds until a change is found; `index_lag_varies`: each record has its own share of it, so that
      changes arrive out of order; `record_lag`: seconds by `companies/1001`, before the others.
    - `hits_show_index`: hits show what the index knew instead of what the store holds now (#2210).
    - `hits_out_of_order`: the sort is not honoured: blocks of seven hits come backwards (#5180).
    - `id_order`: `number` or `text`, for the sort by and the filters on `hs_object_id` (reliability.md T20).
    - `extra_sorts`: what becomes of a second sort rule: `refuse` (400) or `ignore`.
    - `total_off_by`: added to `total` (F16). `short_search_pages`: hits come in pages of so many, the cursor goes on;
      `ghost_hits`: so many hits at the front are records that nobody may see, so that pages come short or empty with a
      cursor (F13); `duplicate_hits`: every so-many-th hit comes twice in its page (F18).

    Reading: `short_pages` cuts list pages to that many rows, the cursor goes on (T19); `looping_cursor` gives the
    cursor that was sent once more (F14); `archived_shows_merged` lists merged-away ids under archived=true (hubspot.md
    2.4, contradictory); `batch_read_follows_merges` (2.4, unverified); `history_depth`: how many values the history
    keeps (3.5, unverified; None: 20, contacts 45).

    Writing (3.2, unverified): `batch_errors` is `documented` (invalid values come back by trace id where every input
    has one, else the whole batch is 400; unknown ids come back by id), `trace`, `ids`, `refuse` (400 for all) or
    `within_200` (the errors stand in a 200, which the 2026-09 paths declare: 2.7, 2.10).
    `archived_owners_accepted` (3.3); `rewrite_in_history`: writing the same value adds a history entry (10.3).
    `required_on_2026_09`: a property by object that a record must have for a write on a validated path (0.8);
    `validation_rules`: more of them by object, each `{"when": {property: value}, "require": [property]}` or
    `{"property", "pattern", "message"}`; `validated_versions`: the paths that ask for both (10.11).
    `merges`: `new_record`, or `primary` as before January 2025 (2.4). `association_moves_stamp` (10.4).
    `company_owner_to_contacts`: the account setting that gives a company's new owner to its contacts (3.4).

    Access: `missing_scopes` answer 403; `retired_versions` (`v3`, `v4`, `2026-03`, …) answer `retired_status`, 404 or
    410 (T53); `hidden`: records by `companies/1001` that the token may not see (T37); `migrating`: the portal moves to
    another data centre and every call is a 477 with that many seconds to wait; `plain_rate_limit`: a 429 without policy
    (9.8, newer form).
    """

    index_lag: float = 0.0
    index_lag_varies: bool = False
    record_lag: dict[str, float] = field(default_factory=dict)
    hits_show_index: bool = False
    hits_out_of_order: bool = False
    id_order: str = "number"
    extra_sorts: str = "refuse"
    total_off_by: int = 0
    short_search_pages: int | None = None
    ghost_hits: int = 0
    duplicate_hits: int = 0
    short_pages: int | None = None
    looping_cursor: bool = False
    archived_shows_merged: bool = False
    batch_read_follows_merges: bool = True
    history_depth: int | None = None
    batch_errors: str = "documented"
    archived_owners_accepted: bool = False
    rewrite_in_history: bool = False
    required_on_2026_09: dict[str, str] = field(default_factory=dict)
    validation_rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    validated_versions: set[str] = field(default_factory=lambda: {"2026-09"})
    merges: str = "new_record"
    association_moves_stamp: bool = False
    company_owner_to_contacts: bool = False
    missing_scopes: set[str] = field(default_factory=set)
    retired_versions: set[str] = field(default_factory=set)
    retired_status: int = 404
    hidden: set[str] = field(default_factory=set)
    migrating: int | None = None
    plain_rate_limit: bool = False

    def configure(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Set several switches by name; what was set, in words. ValueError for an unknown name or value."""
        known = {entry.name for entry in fields(self)}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"unknown quirks: {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
        for name, value in values.items():
            setattr(self, name, _like(name, getattr(Quirks(), name), value))
        return tuple(f"quirk {name} = {value!r}" for name, value in values.items())

    def lag_of(self, key: str, number: int) -> float:
        """The seconds a change of a record (`companies/1001`, 1001) takes into the index."""
        lag = self.record_lag.get(key, self.index_lag)
        if self.index_lag_varies and key not in self.record_lag:
            return lag * ((number * 2_654_435_761 % 2**32) / 2**32)
        return lag


_CHOICES: dict[str, tuple[object, ...]] = {
    "id_order": ("number", "text"),
    "extra_sorts": ("refuse", "ignore"),
    "batch_errors": ("documented", "trace", "ids", "refuse", "within_200"),
    "merges": ("new_record", "primary"),
    "retired_status": (404, 410),
}


def _like(name: str, default: object, value: Any) -> object:
    """A value from JSON in the type of the switch."""
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"{name} is one of {', '.join(map(str, _CHOICES[name]))}, not {value!r}")
    if isinstance(default, set):
        return {str(item) for item in value}
    if isinstance(default, dict):
        return dict(value)
    if isinstance(default, bool):
        return bool(value)
    return value
