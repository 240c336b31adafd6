"""The table that proposals are laid out on: the rules' decisions, the loads they lead to, and who is asked for what.

Loads count where accounts are after the rules' own decisions, then the proposal's own. Picks nobody by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from syncd.model.decisions import Decision, Outcome
from syncd.rules.deciding.assignment import Draw, draw_from
from syncd.rules.deciding.frame import Frame, owner_of
from syncd.rules.deciding.loads import Loads
from syncd.rules.deciding.methods import Candidate
from syncd.rules.deciding.people import identity_of, overflows, ramp
from syncd.rules.facts import Facts
from syncd.rules.pack import (
    Owners,
    OwnersByEmail,
    OwnersByLookup,
    OwnersByPair,
    OwnersByPool,
    Pack,
    RepEntry,
    Territory,
)

OWNER = "owner"
NOBODY: tuple[Territory, ...] = ()


@dataclass(slots=True)
class Table:
    """Everything a proposal looks at, and the loads that it counts on as it goes.

    `decisions` are those of role owner, by company; `paths` the territories from the root, by their path. `held` counts
    the accounts of each rep in each territory, without the proposal's own; `families` are the owners of each family.
    """

    frame: Frame
    decisions: Mapping[str, Decision]
    facts: Mapping[str, Facts]
    paths: Mapping[str, tuple[Territory, ...]]
    loads: Loads
    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    families: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def pack(self) -> Pack:
        """The pack."""
        return self.frame.pack

    def path_of(self, company: str) -> tuple[Territory, ...]:
        """The territories that a company is in, from the root; empty where none takes it."""
        return self.paths.get(self.decisions[company].territory or "", NOBODY)

    def entry(self, email: str) -> RepEntry | None:
        """What the pack says of a rep."""
        return self.pack.reps.get(email)

    def room(self, email: str) -> Decimal | None:
        """A rep's capacity today, the ramp counted; None where the pack states none."""
        entry = self.entry(email)
        return entry.capacity * ramp(self.frame, entry) if entry is not None and entry.capacity is not None else None

    def give(self, company: str, email: str, identity: str | None = None) -> None:
        """Count an account that the proposal gives to a rep."""
        facts, path = self.facts[company], self.path_of(company)
        self.loads.give(email, path)
        self._count(email, facts, path, identity)

    def settle(self, email: str, company: str) -> None:
        """Count an account that a rep has, or that the rules give them."""
        path = self.path_of(company)
        self._count(email, self.facts[company], path, None)
        if path:
            self.held[email, path[-1].path] += 1

    def _count(self, email: str, facts: Facts, path: tuple[Territory, ...], identity: str | None) -> None:
        who = identity or identity_of(self.frame, path, email, facts)
        self.loads.add(email, facts, path, who)
        self.families[facts.head or facts.key].add(email)


def table_of(
    frame: Frame, decisions: Iterable[Decision], facts: Mapping[str, Facts], *, without: frozenset[str] = frozenset()
) -> Table:
    """The table with all accounts where the rules leave or give them, but for the companies `without`."""
    mine = {each.company: each for each in decisions if each.role == OWNER and each.company in facts}
    table = Table(frame, mine, facts, frame.pack.lineages(), Loads.of(frame, OWNER))
    for company in sorted(mine.keys() - without):
        owner = mine[company].owner
        if owner is not None:
            table.settle(owner.email, company)
    return table


def names_people(owners: Owners) -> bool:
    """Whether `owners` can name a rep at all."""
    return isinstance(owners, OwnersByEmail | OwnersByPool | OwnersByLookup | OwnersByPair)


def asked_in_turn(table: Table, company: str, excluded: Mapping[str, str]) -> tuple[Draw, ...]:
    """The groups that the rules would ask for an account: its territory's, then each overflow, `excluded` left out."""
    path, facts = table.path_of(company), table.facts[company]
    if not path:
        return ()
    groups: list[Draw] = []
    if names_people(path[-1].owners):
        own = draw_from(
            table.frame, path, path[-1].owners, facts, table.loads, assign=path[-1].assign, excluded=excluded
        )
        groups.append(own)
    for lender, owners in overflows(path):
        if names_people(owners):
            lent = draw_from(
                table.frame, path, owners, facts, table.loads, assign=None, lender=lender, excluded=excluded
            )
            groups.append(lent)
    return tuple(groups)


def candidates(table: Table, company: str, excluded: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Those of the first group that has anybody who may receive the account now; empty if none has."""
    return next((each.available for each in asked_in_turn(table, company, excluded) if each.available), ())


def given(table: Table, company: str, email: str, reason: str, text: str) -> Decision:
    """The decision that gives an account to a rep: it stands on the same rule as the rules' own."""
    decision = table.decisions[company]
    return replace(
        decision,
        owner=owner_of(table.frame, email),
        outcome=Outcome.CHANGE,
        reason=reason,
        text=text,
        outranked=((decision.reason, decision.text),),
        turn=None,
    )


def stays(decision: Decision, reason: str, text: str) -> Decision:
    """The decision that leaves an account where it is, said in the plan."""
    return replace(decision, owner=decision.current_owner, outcome=Outcome.HELD, reason=reason, text=text, turn=None)
