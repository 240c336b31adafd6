"""Properties of whole decisions over random packs: the order of input, time, and whom accounts may go to.

The packs use everything that makes one account depend on others or on the clock: parents, leeways, roles, pairs, seats,
covers, days in effect, expiring exceptions.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_builders import PLACE, applied, facts, is_, nested, pool, rep, territory

from syncd.model.decisions import Decision, Outcome
from syncd.model.fields import FieldType
from syncd.rules.conditions import AllOf, Always, Condition, FieldTest, Not
from syncd.rules.deriving.families import join_families
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Directory, Facts, Rep
from syncd.rules.matching.matchers import Interval
from syncd.rules.pack import (
    Dispute,
    Duration,
    Effective,
    OutOfOffice,
    Override,
    OwnersByEmail,
    OwnersByPair,
    OwnersByPool,
    Pack,
    Protect,
    RepEntry,
    Seat,
    Territory,
    Unassigned,
)

FIRST = date(2026, 12, 1)
NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)
PEOPLE = ("anna@x", "ben@x", "cleo@x", "dan@x")
NAMES = (*PEOPLE, "seat:west", "seat:east")
KEYS = ("A", "B", "C", "D", "E", "F")
BUSY = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])


def days(dice: Random) -> date:
    return FIRST + timedelta(days=dice.randrange(-4, 12))


def maybe(dice: Random, made: object, share: float = 0.5) -> object:
    return made if dice.random() < share else None


class Drawn:
    """One random pack with its people and accounts; the same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.names = 0
        self.pack = self._pack()
        self.people = self._directory()
        self.companies = [self._company(key) for key in KEYS[: self.dice.randrange(1, len(KEYS) + 1)]]

    def _some(self, names: tuple[str, ...], most: int) -> tuple[str, ...]:
        return tuple(self.dice.sample(names, self.dice.randrange(1, most + 1)))

    def _condition(self) -> Condition:
        dice = self.dice
        low = Decimal(dice.choice((50, 90, 100, 110, 200)))
        band = Interval(f">= {low}", low, maybe(dice, low * 2), dice.random() < 0.7, dice.random() < 0.7)  # type: ignore[arg-type]
        number = FieldTest("employees", FieldType.NUMBER, band, PLACE, f"employees: {band.text}")
        return dice.choice(
            (Always(), is_("country", "DE"), number, AllOf((is_("country", "DE"), number)), Not(number, PLACE, "not"))
        )

    def _territory(self, role: str, depth: int = 0, **rest: object) -> Territory:
        dice = self.dice
        self.names += 1
        owners = dice.choice(
            (
                OwnersByEmail(self._some(NAMES, 3)),
                OwnersByEmail(self._some(NAMES, 1)),
                OwnersByPool("all"),
                Unassigned(),
                *(
                    [OwnersByPair("owner", "p.csv", role, dict(zip(PEOPLE, reversed(NAMES), strict=False)))]
                    * (role != "owner")
                ),
            )
        )
        options: dict[str, object] = {
            "role": role,
            "assign": maybe(dice, dice.choice(("first", "balanced", "stable", "rotate", "fit"))),
            "keep": dice.random() < 0.7,
            "follow_parent": dice.random() < 0.5,
            "leeway": maybe(dice, Decimal(dice.choice(("0", "0.1", "0.5")))),
            "overflow": maybe(dice, OwnersByEmail(self._some(NAMES, 2)), 0.3),
            "effective": maybe(dice, Effective(maybe(dice, days(dice)), maybe(dice, days(dice))), 0.3),  # type: ignore[arg-type]
        }
        found = territory(f"t{self.names}", self._condition(), owners, **{**options, **rest})
        if depth < 2 and dice.random() < 0.4:
            found = nested(found, *(self._territory(role, depth + 1) for _ in range(dice.randrange(1, 3))))
        return found

    def _pack(self) -> Pack:
        dice = self.dice
        roots = [self._territory("owner") for _ in range(dice.randrange(1, 4))]
        last = territory("last", None, OwnersByEmail(self._some(NAMES, 3)), follow_parent=dice.random() < 0.5)
        csm = tuple(self._territory("csm") for _ in range(dice.randrange(0, 3)))
        reps = [self._rep(email) for email in PEOPLE if dice.random() < 0.6]
        return Pack(
            "random",
            "r",
            (),
            roles={"owner": (*roots, last), **({"csm": csm} if csm else {})},
            cleared_roles=frozenset({"csm"} if dice.random() < 0.5 else ()),
            pools={"all": pool("all", *self._some(NAMES, 4), assign=dice.choice((None, "stable", "rotate")))},
            reps={each.email: each for each in reps},
            seats={
                name: Seat(name, PLACE, dice.choice(PEOPLE), maybe(dice, dice.choice(PEOPLE)), maybe(dice, days(dice)))  # type: ignore[arg-type]
                for name in ("west", "east")
            },
            overrides=tuple(
                Override(
                    key, dice.choice(NAMES), PLACE, "mei", "why", maybe(dice, days(dice)), dice.choice(("owner", "csm"))
                )  # type: ignore[arg-type]
                for key in KEYS
                if dice.random() < 0.15
            ),
            disputes=tuple(Dispute(key, PLACE, maybe(dice, days(dice))) for key in KEYS if dice.random() < 0.05),  # type: ignore[arg-type]
            protect=tuple(
                Protect(f"p{n}", PLACE, self._condition(), "r", maybe(dice, days(dice)), ("owner", "csm"))  # type: ignore[arg-type]
                for n in range(dice.choice((0, 0, 1)))
            ),
            manage=dice.choice((None, None, None, ("t1", "last"))),
            manage_from=maybe(dice, days(dice), 0.2),  # type: ignore[arg-type]
            respect_people_for=Duration(5, "d"),
        )

    def _rep(self, email: str) -> RepEntry:
        dice = self.dice
        start = days(dice)
        off = OutOfOffice(start, start + timedelta(days=dice.randrange(0, 5)), maybe(dice, dice.choice(NAMES)))  # type: ignore[arg-type]
        return rep(
            email,
            start=maybe(dice, days(dice), 0.2),
            end=maybe(dice, days(dice), 0.2),
            out_of_office=(off,) if dice.random() < 0.5 else (),
            max_accounts=maybe(dice, dice.randrange(0, 4), 0.3),
        )

    def _directory(self) -> Directory:
        gone = [email for email in PEOPLE if self.dice.random() < 0.15]
        return Directory({each: Rep(each, each, {}, frozenset(), frozenset()) for each in gone}, assume_active=True)

    def _company(self, key: str) -> Facts:
        dice = self.dice
        paths = {role: [each.path for each in self.pack.territories(role)] for role in self.pack.roles}
        lenient = {role: [each.path for each in self.pack.territories(role) if each.leeway] for role in paths}
        owner = dice.choice((None, *PEOPLE))
        values: dict[str, object] = {"employees": dice.choice((45, 50, 90, 95, 100, 105, 110, 199, 210, 400))}
        if dice.random() < 0.5:
            values["country"] = "DE"
        if dice.random() < 0.6:
            values["parent"] = dice.choice((*KEYS, "gone"))
        if dice.random() < 0.04:
            values["locked"] = True
        if dice.random() < 0.6:
            values["csm"] = dice.choice(PEOPLE)
        last = {
            role: applied(dice.choice(lenient[role] or paths[role]), dice.choice((owner, *PEOPLE)), role)[role]
            for role in self.pack.roles
        }
        return facts(
            key,
            owner,
            active=owner not in self.people.reps,
            applied=last if dice.random() < 0.7 else {},
            changed_by_person_at=maybe(dice, NOW - timedelta(days=dice.randrange(0, 8)), 0.15),
            **values,
        )

    def decide(self, now: datetime = NOW, order: Random | None = None) -> tuple[Decision, ...]:
        """The decisions; `order` shuffles everything whose order means nothing."""
        pack, companies, people = self.pack, list(self.companies), self.people
        if order is not None:
            order.shuffle(companies)
            people = replace(people, reps=_shuffled(people.reps, order))
            pack = replace(
                pack,
                reps=_shuffled(pack.reps, order),
                seats=_shuffled(pack.seats, order),
                overrides=tuple(order.sample(pack.overrides, len(pack.overrides))),
                disputes=tuple(order.sample(pack.disputes, len(pack.disputes))),
            )
        return decide(pack, Book(tuple(join_families(companies)), people), now)


def _shuffled(mapping: object, order: Random) -> object:
    items = list(mapping.items())  # type: ignore[attr-defined]
    order.shuffle(items)
    return dict(items)


@BUSY
@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_order_of_input_never_changes_a_byte(seed: int, order: int) -> None:
    drawn = Drawn(seed)
    assert repr(drawn.decide(order=Random(order))) == repr(drawn.decide())


@BUSY
@given(st.integers(0, 10**9))
def test_every_company_is_decided_once_in_every_role(seed: int) -> None:
    drawn = Drawn(seed)
    decided = [(each.company, each.role) for each in drawn.decide()]
    assert decided == sorted({(company.key, role) for company in drawn.companies for role in drawn.pack.roles})


@BUSY
@given(st.integers(0, 10**9))
def test_nobody_is_given_an_account_who_is_no_active_user(seed: int) -> None:
    drawn = Drawn(seed)
    for decision in drawn.decide():
        if decision.outcome is Outcome.CHANGE and decision.owner is not None:
            assert decision.owner.email not in drawn.people.reps
        if decision.outcome in (Outcome.HELD, Outcome.KEEP):
            assert decision.owner == decision.current_owner


@BUSY
@given(st.integers(0, 10**9))
def test_who_follows_has_the_owner_that_the_top_of_the_family_has(seed: int) -> None:
    drawn = Drawn(seed)
    heads = {each.key: each.head for each in join_families(drawn.companies)}
    decisions = {(each.company, each.role): each for each in drawn.decide()}
    for (company, role), decision in decisions.items():
        if decision.reason == "follow-parent":
            top = decisions[heads[company], role]
            managed = "not-managed" not in top.notes
            assert decision.owner.email == (top.owner if managed else top.current_owner).email


def _essence(decision: Decision) -> tuple[object, ...]:
    return (
        decision.territory,
        decision.owner,
        decision.outcome,
        decision.reason,
        decision.notes[:1] == ("not-managed",),
    )


def _unchanged(drawn: Drawn, before: dict[tuple[str, str], Decision]) -> None:
    """Each of these decisions is the same at every instant before the one at which time would change it."""
    for hours in range(7, 24 * 13, 12):
        now = NOW + timedelta(hours=hours)
        for decision in drawn.decide(now):
            known = before.get((decision.company, decision.role))
            if known is not None and (known.next_change_at is None or now < known.next_change_at):
                assert _essence(decision) == _essence(known), (now, known)


@BUSY
@given(st.integers(0, 10**9))
def test_nothing_changes_before_the_recorded_instant(seed: int) -> None:
    """One account at a time: what others carry changes with time, too, and is no time alone."""
    drawn = Drawn(seed)
    drawn.companies = drawn.companies[:1]
    _unchanged(drawn, {(each.company, each.role): each for each in drawn.decide()})


@BUSY
@given(st.integers(0, 10**9))
def test_who_follows_does_not_change_before_the_recorded_instant(seed: int) -> None:
    """A parent and a child that carries nothing for anybody, so that the parent's decision is its own."""
    drawn = Drawn(seed)
    top = replace(drawn.companies[0], values={**drawn.companies[0].values, "parent": "none"})
    values = {name: value for name, value in drawn._company("Z").values.items() if name not in ("owner", "csm")}
    child = facts("Z", None, **{**values, "parent": top.key})
    drawn.companies = [top, child]
    decided = {(each.company, each.role): each for each in drawn.decide()}
    _unchanged(drawn, {key: each for key, each in decided.items() if each.reason == "follow-parent"})


@BUSY
@given(st.integers(0, 10**9))
def test_a_decision_that_is_applied_is_kept_at_the_next_run(seed: int) -> None:
    """An account moves once: with the new owners and the ledger of that run, nothing is changed again."""
    drawn = Drawn(seed)
    drawn.companies = [replace(each, changed_by_person_at=None) for each in drawn.companies[:1]]
    drawn.pack = replace(drawn.pack, manage=None, manage_from=None)
    first = drawn.decide()
    company = drawn.companies[0]
    values = dict(company.values)
    owner = company.current_owner
    last = dict(company.applied)
    for decision in first:
        if decision.role == "owner":
            owner = decision.owner
        elif decision.owner is not None:
            values["csm"] = decision.owner.email
        else:
            values.pop("csm", None)
        email = decision.owner.email if decision.owner is not None else None
        last.update(applied(decision.territory, email, decision.role))
    active = owner is not None and owner.email not in drawn.people.reps
    drawn.companies = [replace(company, values=values, current_owner=owner, owner_active=active, applied=last)]
    again = drawn.decide()
    assert [each.outcome for each in again if each.outcome is Outcome.CHANGE] == []
