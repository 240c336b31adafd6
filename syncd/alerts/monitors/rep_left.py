"""RepLeft: somebody who owns accounts is gone: no active user any more in either CRM, or past their `end` in the pack.

One alert a person, however many accounts they have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from syncd.alerts.companies import accounts_in_words, amount, in_words, listed, money, total
from syncd.alerts.view import Evaluation, Monitor, MonitorView, Signal, Standing
from syncd.model.records import User
from syncd.model.refs import System
from syncd.rules.facts import Facts
from syncd.rules.matching.time_window import local_day

NAME = "RepLeft"
ACTIVE, INACTIVE = "active", "inactive"
_PIPELINE, _WON = "open_pipeline", "won_amount_12m"


def evaluate(view: MonitorView) -> Evaluation:
    """A signal for each person who was seen active, is not now, and owns accounts."""
    seen = view.seen_by(NAME)
    states: dict[str, str] = {}
    turned: set[str] = set()
    people: dict[str, list[User]] = defaultdict(list)
    ended = _ended(view)
    for ref, user in view.users.items():
        key = str(ref)
        if ref.system not in view.fresh:
            if key in seen:
                states[key] = seen[key]
            continue
        over = _person(user) in ended
        states[key] = ACTIVE if user.active and not over else INACTIVE
        if states[key] == INACTIVE:
            people[_person(user)].append(user)
            if seen.get(key) == ACTIVE:
                turned.add(_person(user))
    books = _books(view.accounts(NAME), [user for users in people.values() for user in users])
    owners = {person: _book_of(users, books) for person, users in people.items()}
    if NAME in view.rebased:
        standing = (_standing(person, owners[person]) for person in sorted(turned) if owners[person])
        return Evaluation((), states, tuple(standing))
    signals = (_signal(person, people[person], owners[person], view) for person in sorted(turned) if owners[person])
    return Evaluation(tuple(signals), states)


def _ended(view: MonitorView) -> frozenset[str]:
    """The people whose last day, as the pack's `end` has it, is over."""
    if view.pack is None:
        return frozenset()
    today = local_day(view.now, view.pack.zone)
    return frozenset(email for email, rep in view.pack.reps.items() if rep.end is not None and rep.end < today)


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


def _standing(person: str, book: tuple[Facts, ...]) -> Standing:
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    return Standing(NAME, person, f"left and owns {accounts_in_words(len(book))}", pipeline, is_new=True)


def _signal(person: str, users: list[User], book: tuple[Facts, ...], view: MonitorView) -> Signal:
    pipeline = total(amount(facts, _PIPELINE) for facts in book)
    won = total(amount(facts, _WON) for facts in book)
    name = next((user.name for user in users if user.name), person)
    accounts = accounts_in_words(len(book))
    return Signal(
        subject=person,
        labels={"rep": person},
        summary=f"{name} left: {accounts} with {in_words(pipeline, view)} open pipeline have no active owner",
        detail={
            "who": [person],
            "money": money(pipeline, view, "open pipeline of their accounts"),
            "evidence": [
                *_how(person, users, view),
                f"owns {accounts}, which won {in_words(won, view)} in the last 12 months",
                *(f"user {user.ref}" for user in users),
            ],
            "accounts": listed(book, _PIPELINE),
            "accounts_total": len(book),
            "command": f"syncd leaver {person}",
        },
        systems=frozenset(user.ref.system for user in users),
    )


def _how(person: str, users: list[User], view: MonitorView) -> list[str]:
    """In which CRM the user is gone, and what the pack says."""
    left = sorted(user.ref.system.value for user in users if not user.active)
    rep = view.pack.reps.get(person) if view.pack is not None else None
    found = [f"no active user any more in {' and '.join(left)}"] if left else []
    if rep is not None and rep.end is not None and person in _ended(view):
        found.append(f"their last day was {rep.end}, {rep.place.path}:{rep.place.line}")
    return found


MONITOR = Monitor(NAME, evaluate, edge=True, whole=False)
