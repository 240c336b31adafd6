"""Decisions: who should own a company, in which role, and why. What `rules` returns and `planning` compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from syncd.errors import Place
from syncd.model.refs import System
from syncd.model.rotation import Turn


class Outcome(StrEnum):
    """What a decision comes to, once compared with the owners in the mirror."""

    CHANGE = "change"
    KEEP = "keep"
    HELD = "held"
    BLOCKED = "blocked"
    UNASSIGNED = "unassigned"


NO_IDS: Mapping[System, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Owner:
    """A rep as an owner: e-mail in lower case, and the id that each system knows them by."""

    email: str
    ids: Mapping[System, str] = field(default_factory=lambda: NO_IDS)


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of one company and role.

    `company` is the company key (its smallest ref as text, or the id of a CSV row). `territory` is the path, names
    joined by `/`, None where a role's tree matches nothing. `owner` is who should own it after the plan: for held and
    unassigned ones the present owner, or None. `outcome` is the rules' word (change, keep, held, unassigned); planning
    turns change and keep into what the systems need. `reason` is a stable code: `picked`, `kept`, `override`,
    `remembered`, `locked`, `changed-by-person`, `dispute`, `override-expired`, `override-owner-inactive`, `has-team`,
    `no-eligible-rep`, `unassigned`, `follow-parent`, `retrieved`, or the name of a protect rule. `place` is the rule's
    file and line. `outranked` lists, by reason and text, what would have applied further down. `next_change_at` is when
    time alone would next change the decision. `turn` is the turn of a rotation that the pick was; a receipt charges it.
    """

    company: str
    accounts: tuple[str, ...]
    role: str
    territory: str | None
    owner: Owner | None
    current_owner: Owner | None
    outcome: Outcome
    reason: str
    text: str
    place: Place | None
    rule_text: str = ""
    outranked: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    loads: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    next_change_at: datetime | None = None
    turn: Turn | None = None
