"""What `retrieve` and `routing` of a pack say, as frozen values; they are decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.errors import Place
from syncd.rules.conditions import Condition
from syncd.rules.matching.time_window import Duration


@dataclass(frozen=True, slots=True)
class Retrieve:
    """The section `retrieve`: accounts for which `when` holds go to a member of `pool`.

    Not before their owner knew of it for `grace`; not again for `cool_off`; at most `budget` a day. `text` is the rule
    as written, for fingerprints.
    """

    place: Place
    when: Condition
    pool: str
    grace: Duration | None = None
    cool_off: Duration | None = None
    budget: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class LeadStep:
    """One step of `routing: leads`: `match` is `account`, `territory` or `pool`, the last with its name."""

    match: str
    place: Place
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class Sla:
    """How soon a lead is touched first, in whose hours, and what happens then: `reassign` or `alert`."""

    place: Place
    first_touch: Duration
    hours: str = "always"
    then: str = "alert"


@dataclass(frozen=True, slots=True)
class LeadRouting:
    """The section `routing`: the steps a lead takes until one of them has somebody for it."""

    place: Place
    leads: tuple[LeadStep, ...]
    sla: Sla | None = None
