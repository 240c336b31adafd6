"""Random packs and dirty accounts: small worlds whose constants and values meet, miss and stand just beside each other.

Everything is drawn from the Random that is given, so a seed names a pack and its accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random  # noqa: TID251 - seeded by the tests, which must repeat
from typing import Any
from zoneinfo import ZoneInfo

from rule_builders import NOW, PLACE, facts, pack, rep, territory

from syncd.model.fields import FieldType
from syncd.model.money import ConvertedAmount, MoneyTable
from syncd.rules.classes.territories import PackClasses
from syncd.rules.conditions import (
    AllOf,
    Always,
    AnyOf,
    Condition,
    EvaluationContext,
    FieldTest,
    InSegment,
    Not,
    OpportunityTest,
)
from syncd.rules.conditions import NoneOf as NoneHolds
from syncd.rules.facts import Applied, Facts, OpportunityFacts, Value
from syncd.rules.matching import date_matchers as dates
from syncd.rules.matching import matchers as m
from syncd.rules.matching.time_window import Duration, Period
from syncd.rules.pack import Effective, Pack, Protect, Territory

TEXTS = ("a", "ab", "abc", "abcd", "b", "ba", "bank", "banking", "a*", "x y", "\ue000", "missing")
CODES = ("94105", "94106", "941", "9410", "10001", "00501", "99999", "k1a0b1", "K1A", "SW1A1AA", "9410５")
COUNTRIES = ("DE", "AT", "CH", "US", "CA", "atlantis")
AMOUNTS = tuple(map(Decimal, ("0", "10", "100")))
NUMBERS = tuple(map(Decimal, ("-1", "0", "1", "1.0", "9.99", "10", "11", "100", "999", "1000", "1000.5", "1E+6")))
IDS = ("001A", "001B", "001C", "77")
DATES = tuple(
    NOW + shift
    for shift in (
        timedelta(0),
        timedelta(microseconds=1),
        timedelta(microseconds=-1),
        *(timedelta(days=days) for days in (-400, -91, -90, -89, -31, -30, -1, 1, 29, 30, 31, 60, 400)),
        timedelta(hours=-10),
        timedelta(hours=14),
        timedelta(days=-30, hours=-10),
    )
)
FIELDS: dict[str, tuple[FieldType, tuple[Value, ...]]] = {
    "industry": (FieldType.PICKLIST, TEXTS),
    "name": (FieldType.TEXT, TEXTS),
    "domain": (FieldType.DOMAIN, ("acme.com", "globex.com", "acme.com.au", "x.io")),
    "country": (FieldType.COUNTRY, COUNTRIES),
    "state": (FieldType.STATE, ("US-CA", "US-NY", "CA-BC", "somewhere")),
    "postal_code": (FieldType.POSTAL_CODE, CODES),
    "employees": (FieldType.NUMBER, NUMBERS),
    "annual_revenue": (FieldType.MONEY, (*AMOUNTS, Decimal(5), Decimal(20))),
    "created_at": (FieldType.DATE, DATES),
    "last_activity_at": (FieldType.DATE, DATES),
    "locked": (FieldType.BOOLEAN, (True, False)),
    "open_stages": (FieldType.SEVERAL, TEXTS[:6]),
    "salesforce_id": (FieldType.SYSTEM_ID, IDS),
    "tier": (FieldType.PICKLIST, TEXTS[:4]),
}
RATES = (None, None, MoneyTable("USD", {"EUR": Decimal(2)}), MoneyTable("USD", {"EUR": Decimal("0.5")}))


class Packs:
    """Draws conditions, trees, packs and accounts."""

    def __init__(self, seed: int | str) -> None:
        self.dice = Random(seed)
        self._seed = seed
        self._made = 0
        self._paths: list[str] = []

    def _text_of(self, what: str) -> str:
        """A text that no other matcher has, as matchers of a real pack differ in text where they differ in amounts."""
        self._made += 1
        return f"{what} {self._seed}.{self._made}"

    # Matchers

    def matcher(self, type_: FieldType, values: tuple[Value, ...]) -> m.Matcher:
        dice = self.dice
        if dice.random() < 0.02:
            return self.matcher(*dice.choice(tuple(FIELDS.values())))
        if dice.random() < 0.12:
            return dice.choice([m.Missing("missing"), m.Present("present")])
        if dice.random() < 0.15:
            items = tuple(self.matcher(type_, values) for _ in range(dice.randint(1, 3)))
            return dice.choice([m.AnyMatcher, m.AllMatchers])(self._text_of("several"), items)
        if type_ is FieldType.DATE:
            return self._date()
        if type_ is FieldType.BOOLEAN:
            return m.EqualTo(self._text_of("boolean"), dice.choice(values))
        if type_ in (FieldType.NUMBER, FieldType.MONEY) and dice.random() < 0.7:
            return self._interval(type_)
        if type_ in (FieldType.SEVERAL, FieldType.SYSTEM_ID):
            kind = dice.choice([m.AnyElement, m.AllElements, m.NoElement])
            return kind(self._text_of("elements"), self.some(values))
        if type_ in (FieldType.TEXT, FieldType.PICKLIST, FieldType.DOMAIN, FieldType.POSTAL_CODE):
            found = self._text(type_, tuple(str(value) for value in values))
            if found is not None:
                return found
        return self._listed(type_, values)

    def _listed(self, type_: FieldType, values: tuple[Value, ...]) -> m.Matcher:
        kind = self.dice.random()
        if kind < 0.4:
            return m.EqualTo(self._text_of("is"), self._money(type_, self.dice.choice(values)))
        chosen = frozenset(self._money(type_, value) for value in self.some(values))
        return m.InList(self._text_of("in"), chosen) if kind < 0.8 else m.NoneOf(self._text_of("none"), chosen)

    def _money(self, type_: FieldType, value: Value) -> Value:
        if type_ is FieldType.MONEY and isinstance(value, Decimal) and self.dice.random() < 0.3:
            return ConvertedAmount(value, (value, self.dice.choice(["EUR", "CHF"])))
        return value

    def _text(self, type_: FieldType, values: tuple[str, ...]) -> m.Matcher | None:
        value = self.dice.choice(values)
        part = value[: self.dice.randint(1, len(value))]
        patterns = (part + "*", "*" + part, f"*{part}*", part[:1] + "?", "*", part + "?*", value)
        drawn: dict[int, Callable[[], m.Matcher]] = {
            0: lambda: m.Glob(self._text_of("glob"), self.dice.choice(patterns)),
            1: lambda: m.StartsWith(self._text_of("starts"), part),
            2: lambda: m.Contains(self._text_of("contains"), part),
            3: lambda: m.EndsWith(self._text_of("ends"), value[-1:]),
        }
        if type_ is FieldType.POSTAL_CODE:
            low, high = sorted(self.dice.sample(["94000", "94105", "94106", "94199", "00000", "99999", "10001"], 2))
            drawn |= {
                4: lambda: m.PostalRange(self._text_of("range"), low, high),
                5: lambda: m.PostalRange(self._text_of("short"), "940", "942"),
            }
        make = drawn.get(self.dice.randint(0, 8))
        return make() if make is not None else None

    def _interval(self, type_: FieldType) -> m.Matcher:
        numbers = AMOUNTS if type_ is FieldType.MONEY else NUMBERS
        one, other = (self._money(type_, value) for value in sorted(self.dice.choices(numbers, k=2)))
        assert isinstance(one, Decimal)
        assert isinstance(other, Decimal)
        low = one if self.dice.random() < 0.8 else None
        high = other if low is None or self.dice.random() < 0.6 else None
        return m.Interval(self._text_of("interval"), low, high, self.dice.random() < 0.7, self.dice.random() < 0.7)

    def _date(self) -> m.Matcher:
        dice = self.dice
        duration = Duration(dice.choice([0, 1, 30, 90]), dice.choice(["d", "d", "d", "h", "w", "mo"]))
        first, last = sorted(dice.choices(DATES, k=2))
        return dice.choice(
            [
                dates.Last(self._text_of("last"), duration),
                dates.Next(self._text_of("next"), duration),
                dates.OlderThan(self._text_of("older"), duration),
                dates.NotSince(self._text_of("not since"), duration),
                dates.InPeriod(self._text_of("in"), Period(dice.choice([1, 3, 12]), dice.choice([-1, 0, 1]))),
                dates.InSpan(self._text_of("span"), (first, last)),
                dates.InSpan(self._text_of("open"), dice.choice([(None, last), (first, None)])),
                dates.NotInSpans(self._text_of("not"), ((first, last),)),
            ]
        )

    def some(self, values: tuple[Value, ...]) -> frozenset[Value]:
        return frozenset(self.dice.sample(values, self.dice.randint(1, min(3, len(values)))))

    # Conditions

    def test(self, names: tuple[str, ...] = tuple(FIELDS)) -> FieldTest:
        name = self.dice.choice(names)
        type_, values = FIELDS[name]
        return FieldTest(name, type_, self.matcher(type_, values), PLACE, f"{name}: …")

    def condition(self, depth: int = 3) -> Condition:
        dice = self.dice
        kind = dice.random()
        if depth == 0 or kind < 0.4:
            return self.test()
        if kind < 0.47:
            return Always(PLACE)
        if kind < 0.55:
            return OpportunityTest(dice.choice(["any", "none"]), self._of_opportunity(), PLACE, "opportunities")
        if kind < 0.6:
            name = dice.choice(tuple(FIELDS))
            return AllOf(tuple(self.test((name,)) for _ in range(dice.randint(1, 3))), PLACE, "one field")
        if kind < 0.64:
            return self._rows()
        if kind < 0.66:
            many = tuple(AnyOf(tuple(self.test() for _ in range(5)), PLACE, "any") for _ in range(4))
            return AllOf(many, PLACE, "625 ways")
        if kind < 0.75:
            return Not(self.condition(depth - 1), PLACE, "not")
        inner = tuple(self.condition(depth - 1) for _ in range(dice.randint(1, 3)))
        if kind < 0.78:
            return InSegment(tuple(f"s{place}" for place in range(len(inner))), inner, PLACE, "segments")
        return dice.choice([AllOf, AllOf, AnyOf, NoneHolds])(inner, PLACE, "combined")

    def _rows(self) -> Condition:
        """Alternatives as a table makes them: the same fields row by row, cells shared."""
        names = self.dice.sample(tuple(FIELDS), self.dice.randint(1, 3))
        cells: dict[str, list[Condition]] = {name: [self.test((name,)) for _ in range(3)] for name in names}
        if self.dice.random() < 0.3:
            deal = OpportunityTest("any", self._of_opportunity(), PLACE, "opportunities")
            cells["deal"] = [deal, Not(deal, PLACE, "not"), Always(PLACE)]
            names.append("deal")
        rows = []
        for _ in range(self.dice.randint(2, 12)):
            tests = tuple(self.dice.choice(cells[name]) for name in names)
            rows.append(AllOf(tests, PLACE, "row") if len(tests) > 1 else tests[0])
        return AnyOf(tuple(rows), PLACE, "rows")

    def _of_opportunity(self) -> Condition:
        stage = FieldTest("stage", FieldType.PICKLIST, m.EqualTo("a", self.dice.choice(TEXTS[:3])), PLACE, "stage")
        amount = FieldTest("amount", FieldType.MONEY, self._interval(FieldType.MONEY), PLACE, "amount")
        return self.dice.choice([stage, amount, AllOf((stage, amount), PLACE, "both")])

    # Packs

    def tree(self, role: str = "owner", above: str = "", depth: int = 0, shared: list[Any] | None = None) -> Any:
        shared = [] if shared is None else shared
        found: list[Territory] = []
        for place in range(self.dice.randint(1, 5 - depth)):
            name = f"{role}{depth}{place}{self.dice.randint(0, 999999)}"
            path = f"{above}/{name}" if above else name
            reuse = bool(shared) and self.dice.random() < 0.15
            when = self.dice.choice(shared) if reuse else self.condition()
            shared.append(when)
            owners = self.dice.sample(["a@x", "b@x", "c@x", "d@x"], self.dice.randint(0, 3))
            leeway = self.dice.choice([None, None, None, Decimal("0.1"), Decimal(1)])
            made = territory(name, when, owners, path=path, role=role, effective=self._window(), leeway=leeway)
            self._paths.append(path)
            below = self.tree(role, path, depth + 1, shared) if depth < 3 and self.dice.random() < 0.45 else ()
            found.append(replace(made, children=below))
        return tuple(found)

    def _window(self) -> Effective | None:
        if self.dice.random() < 0.8:
            return None
        days = [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2), None]
        return Effective(self.dice.choice(days), self.dice.choice(days))

    def pack(self) -> Pack:
        roots = (*self.tree(), territory("rest", None, ["a@x", "b@x"]))
        rules = tuple(
            Protect(f"p{place}", PLACE, self.condition(), "because", roles=self.dice.choice([("owner",), ("csm",)]))
            for place in range(self.dice.randint(0, 3))
        )
        return pack(*roots, other_roles={"csm": self.tree("csm")}, protect=rules, reps=(rep("a@x", capacity=3),))

    # Accounts

    def account(self, key: str) -> Facts:
        dice = self.dice
        values: dict[str, Value] = {}
        for name, (type_, known) in FIELDS.items():
            if dice.random() < 0.3:
                continue
            value: Value = dice.choice(known)
            if type_ is FieldType.SEVERAL or (type_ is FieldType.SYSTEM_ID and dice.random() < 0.4):
                value = frozenset(str(each) for each in dice.sample(known, dice.randint(0, 3)))
            elif dice.random() < 0.2:
                value = self._dirty(type_, value)
            values[name] = value
        opportunities = tuple(self._opportunity(f"{key}-{place}") for place in range(dice.choice([0, 0, 1, 2])))
        rates = dice.choice(RATES)
        owner = dice.choice([None, "a@x", "b@x", "gone@x"])
        company = facts(key, owner, active=dice.random() < 0.8, opportunities=opportunities, rates=rates)
        return self._placed(replace(company, values={**company.values, **values}))

    def _placed(self, company: Facts) -> Facts:
        """Half of the accounts were placed by this pack before."""
        if self.dice.random() < 0.5 or not self._paths:
            return company
        owner = company.current_owner.email if company.current_owner else None
        return replace(company, applied={"owner": Applied(self.dice.choice(self._paths), owner, NOW)})

    def book(self, rows: int) -> list[Facts]:
        """So many of the strangers, some of them placed by this pack."""
        return [self._placed(company) for company in self.dice.sample(strangers(), rows)]

    def _dirty(self, type_: FieldType, value: Value) -> Value:
        """A value beside those that the rules name; sometimes of a type that the field should not have."""
        if self.dice.random() < 0.2:
            return self.dice.choice([True, False, Decimal(1), Decimal(0), "1", "", frozenset({"a"}), NOW])
        if isinstance(value, str):
            return self.dice.choice([value + "x", value[:-1] or "z", value.upper(), "unheard-of", value[:1]])
        if isinstance(value, datetime):
            return value + timedelta(minutes=self.dice.randint(-2000, 2000))
        if isinstance(value, Decimal):
            return value + Decimal(self.dice.choice(["0.01", "-0.01", "1", "1E-20"]))
        return value

    def _opportunity(self, key: str) -> OpportunityFacts:
        values: dict[str, Value] = {"stage": self.dice.choice(TEXTS[:3])}
        if self.dice.random() < 0.8:
            values["amount"] = self.dice.choice(NUMBERS)
        return OpportunityFacts(key, values, self.dice.random() < 0.7)


@cache
def strangers() -> tuple[Facts, ...]:
    """Accounts that no pack has placed, for thousands of packs: new ones for each would take two fifths of the time."""
    draw = Packs("strangers")
    return tuple(draw.account(f"A{number:04}") for number in range(4000))


def instants() -> tuple[datetime, ...]:
    """Now, and a little before and after: windows open and moving dates pass between them."""
    return (NOW, NOW + timedelta(days=1), datetime(2026, 11, 30, 23, 0, tzinfo=UTC))


def courses(seed: int, rows: int) -> Iterator[tuple[PackClasses, EvaluationContext, list[Facts]]]:
    """One random pack in one of two zones over `rows` accounts, a share of them at each instant."""
    draw = Packs(seed)
    pack = replace(draw.pack(), zone=ZoneInfo(draw.dice.choice(["UTC", "Europe/Berlin"])))
    companies = [draw.account(f"A{number:03}") for number in range(rows)]
    classes = PackClasses(pack)
    for share, now in enumerate(instants()):
        context = EvaluationContext(now, pack.zone, draw.dice.choice([1, 2]))
        yield classes, context, companies[share :: len(instants())]
