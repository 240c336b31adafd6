"""The kinds of plans that are about people and the reasons of their decisions; what of the rules' word they stand on.

A proposal gives an account to somebody whom the rules let have it. Where the rules have nobody for it, that does not
stand against the proposal; where they hold it, that does.
"""

from __future__ import annotations

from dataclasses import replace

from syncd.model.decisions import Decision, Outcome

LEAVER, JOINER, DISTRIBUTION, BALANCE = "leaver", "joiner", "distribution", "balance"
"""The kinds of plans."""

SUCCESSION = "succession"
"""A leaver's account goes to a member of its territory, for good."""
INTERIM_COVER = "interim-cover"
"""A leaver's account that its territory has nobody for goes to whoever covers for the leaver."""
JOINED = "joined"
"""An account is peeled off a full book, or had nobody, and goes to somebody who starts."""
DISTRIBUTED = "distributed"
"""An account that nobody works fills a book."""
REBALANCED = "rebalanced"
"""An account goes from a fuller book to another member of its territory."""

PROPOSED = frozenset({SUCCESSION, INTERIM_COVER, JOINED, DISTRIBUTED, REBALANCED})
"""The reasons that no rule gives by itself."""
CAPPED = PROPOSED - {INTERIM_COVER}
"""Those whose rep is held to the caps; a cover takes what would else be nobody's."""
NO_ELIGIBLE_REP = "no-eligible-rep"


def has_nobody(decision: Decision) -> bool:
    """Whether the rules have nobody for an account and hold it for no other reason."""
    return decision.outcome is Outcome.UNASSIGNED or decision.reason == NO_ELIGIBLE_REP


def as_proposed(decision: Decision, reason: str | None) -> Decision:
    """The present decision about an account as a proposal of a reason reads it: with nobody for it, it may change."""
    return replace(decision, outcome=Outcome.CHANGE) if reason in PROPOSED and has_nobody(decision) else decision
