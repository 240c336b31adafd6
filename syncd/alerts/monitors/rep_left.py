"""RepLeft: somebody who owns accounts is no active user any more, in either CRM. One alert a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncd.alerts.companies import amount, in_words, listed, money, total
from syncd.alerts.view import Evaluation, MonitorView, Signal, Standing
from syncd.model.records import User
from syncd.model.refs import System
from syncd.rules.facts import Facts

NAME = "RepLeft"
ACTIVE, INACTIVE = "active", "inactive"
_PIPELINE, _WON = "open_pipeline", "won_amount_12m"


@dataclass(frozen=True, slots=True)
class RepLeft:
    """The monitor."""

    name: str = NAME
    severity: str = "ticket"
    edge: bool = True
    reads_book: bool = True
    options: frozenset[str] = frozenset()

    def evaluate(self, view: MonitorView) -> Evaluation:
        """A signal for each person who was seen active in a system, is not now, and owns accounts there."""
        seen = view.seen_by(NAME)
        states: dict[str, str] = {}
        turned: set[str] = set()
        people: dict[str, list[User]] = defaultdict(list)
        for ref, user in view.users.items():
            key = str(ref)
            if ref.system not in view.fresh:
                if key in seen:
                    states[key] = seen[key]
                continue
            states[key] = ACTIVE if user.active else INACTIVE
            if not user.active:
                people[_person(user)].append(user)
                if seen.get(key) == ACTIVE:
                    turned.add(_person(user))
        books = _books(view.facts, [user for users in people.values() for user in users])
        owners = {person: _book_of(users, books) for person, users in people.items()}
        if NAME in view.rebased:
            standing = (_standing(person, book, person in turned) for person, book in owners.items() if book)
            return Evaluation((), states, tuple(standing))
        signals = (_signal(person, people[person], owners[person], view) for person in sorted(turned) if owners[person])
        return Evaluation(tuple(signals), states)


def _person(user: User) -> str:
    """What makes users of two systems one person: the e-mail; without one the user's ref."""
    return user.email or str(user.ref)


def _books(facts: Iterable[Facts], users: Iterable[User]) -> dict[tuple[System, str], list[Facts]]:
    wanted = {(user.ref.system, user.ref.id) for user in users}
    found: dict[tuple[System, str], list[Facts]] = defaultdict(list)
    for company in facts:
        for owner in company.owner_ids.items():
            if owner in wanted:
                found[owner].append(company)
    return found


def _book_of(users: Iterable[User], books: Mapping[tuple[System, str], list[Facts]]) -> tuple[Facts, ...]:
    """The companies that a person owns as any of these users, each once."""
    found = {facts.key: facts for user in users for facts in books.get((user.ref.system, user.ref.id), ())}
    return tuple(found[key] for key in sorted(found))


def _standing(person: str, book: tuple[Facts, ...], is_new: bool) -> Standing:
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    accounts = f"{len(book):,} account{'s' if len(book) != 1 else ''}"
    return Standing(NAME, person, f"is no active user and owns {accounts}", pipeline, is_new)


def _signal(person: str, users: list[User], book: tuple[Facts, ...], view: MonitorView) -> Signal:
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    won = total(amount(facts, _WON) for facts in book)
    name = next((user.name for user in users if user.name), person)
    accounts = f"{len(book):,} account{'s' if len(book) != 1 else ''}"
    left = sorted(user.ref.system.value for user in users)
    return Signal(
        subject=person,
        labels={"rep": person},
        summary=f"{name} left: {accounts} with {in_words(pipeline, view)} open pipeline have no active owner",
        detail={
            "who": [person],
            "money": money(pipeline, view, "open pipeline of their accounts"),
            "evidence": [
                f"no active user any more in {' and '.join(left)}",
                f"owns {accounts}, which won {in_words(won, view)} in the last 12 months",
                *(f"user {user.ref}" for user in users),
            ],
            "accounts": listed(book, _PIPELINE),
            "accounts_total": len(book),
            "command": "syncd plan",
        },
        systems=frozenset(user.ref.system for user in users),
    )
