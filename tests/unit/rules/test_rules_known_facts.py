"""Remembered readings and known facts against plain derivation: the same facts, whatever the records and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from condition_reading import BERLIN, CATALOGUE, MONEY, NOW
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model.money import DatedRates
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.derivation import CompanyRecords, Derivation, OwnershipView, derive_book
from syncd.rules.deriving import readings
from syncd.rules.deriving.known_facts import KnownFacts
from syncd.rules.facts import Applied
from syncd.rules.pack_bytes import plain_from_bytes, plain_to_bytes

SF, HS = System.SALESFORCE, System.HUBSPOT
STAMP = datetime(2026, 11, 1, tzinfo=UTC)
USERS = {
    each.ref: each
    for each in (
        User(Ref(SF, Kind.USER, "005A"), "anna@example.com", "Anna", True),
        User(Ref(HS, Kind.USER, "71"), "Anna@Example.com", "Anna", True),
        User(Ref(SF, Kind.USER, "005B"), "ben@example.com", "Ben", False),
        User(Ref(HS, Kind.USER, "73"), "", "nobody", True),
    )
}
ROWS = (
    ("EUR", date(2025, 1, 1), Decimal("1.2")),
    ("EUR", date(2026, 6, 1), Decimal("1.1")),
    ("EUR", date(2026, 11, 20), Decimal("1.3")),
)
RATES = DatedRates("USD", ROWS)
TEXTS = {
    "name": ("Acme", " ACME ", "Ünïcode GmbH", "  "),
    "domain": ("acme.com", "https://www.acme.co.uk/x", "gmail.com", "nonsense", "shared.example"),
    "country": ("Germany", "US", "usa", "Atlantis", " "),
    "state": ("CA", "Bavaria", "US-NY", "nowhere", " "),
    "postal_code": ("1234", "941051234", "80331", "\t"),
    "employees": ("50", "2.5k", "lots", ""),
    "annual_revenue": ("5M EUR", "1000", "7 XXX", "much"),
    "locked": ("true", "no", "maybe"),
    "created_at": ("2026-01-05", "2025-11-30T22:59:59Z", "soon"),
    "tags": ("a;b; A", ";", " "),
    "parent": ("1", "2", "001000000000001", " "),
    "unmapped": ("x",),
}
DEALS = {
    "name": ("New", "renewal "),
    "stage": ("Open", "open", "Won"),
    "is_closed": ("true", "false"),
    "is_won": ("true", "false"),
    "amount": ("100", "100 EUR", "10 XXX", "lots"),
    "close_date": ("2025-12-01", "2025-11-30T23:00:00Z", "2026-12-01", "2026-12-03", "2026-11-25", "never"),
    "owner": ("not@read",),
    "account": ("9",),
}


def _fields(texts: dict[str, tuple[str, ...]]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in texts.items()})


@st.composite
def _company(draw: st.DrawFn, key: str) -> CompanyRecords:
    owners = {SF: (None, "005A", "005B", "005Z"), HS: (None, "71", "73")}
    accounts: list[Record] = []
    for system in draw(st.sampled_from([(SF,), (HS,), (SF, HS), (SF, SF), (HS, SF, SF)])):
        ref = Ref(system, Kind.ACCOUNT, f"{key}{len(accounts)}")
        accounts.append(
            Record(
                ref,
                STAMP,
                draw(_fields(TEXTS)),
                owner=draw(st.sampled_from(owners[system])),
                account=draw(st.sampled_from([None, "1", "a0"])),
                deleted=draw(st.integers(0, 9)) == 0,
                merged_from=draw(st.sampled_from([(), ("77",)])),
            )
        )
    deals = [
        Record(Ref(SF, Kind.OPPORTUNITY, f"{key}d{number}"), STAMP, fields, "005A", draw(st.sampled_from([None, "1"])))
        for number, fields in enumerate(draw(st.lists(_fields(DEALS), max_size=3)))
    ]
    content = (*(each.content_hash() + each.ref.id for each in (*accounts, *deals)),)
    return CompanyRecords(key, tuple(accounts), tuple(deals), content)


_BOOK = st.tuples(*(_company(key) for key in "abc")).map(list)
_DERIVATIONS = st.builds(
    Derivation,
    catalogue=st.just(CATALOGUE),
    order=st.sampled_from([(SF, HS), (HS, SF), (HS,)]),
    field_order=st.sampled_from([{}, {"name": (HS, SF), "country": (HS,)}]),
    leading=st.sampled_from([SF, HS]),
    money=st.sampled_from([MONEY, RATES.on(date(2026, 11, 1))]),
    zone=st.just(BERLIN),
    default_country=st.sampled_from([None, "US"]),
    fill_missing_country=st.booleans(),
    shared_domains=st.just(frozenset({"shared.example"})),
    rates=st.sampled_from([DatedRates(), RATES]),
    pack_revision=st.just("r1"),
)


def views(book: Sequence[CompanyRecords], derivation: Derivation) -> OwnershipView:
    """What the ledger knows: the first company holds to older rates."""
    plain = list(derive_book(book, derivation, OwnershipView(users=USERS), NOW))
    held = {
        facts.key: {"owner": Applied("emea", "anna@example.com", STAMP, "r1", date(2025, 1, 1), facts.amounts)}
        for facts in plain[:1]
    }
    return OwnershipView(users=USERS, applied=held, owner_changed_at={"b": STAMP})


@settings(max_examples=30)
@given(_BOOK, _DERIVATIONS)
def test_remembered_readings_are_what_plain_reading_gives(book: list[CompanyRecords], derivation: Derivation) -> None:
    view = views(book, derivation)
    quick = list(derive_book([*book, *_again(book)], derivation, view, NOW))
    assert quick == list(derive_book([*book, *_again(book)], derivation, view, NOW, plain=True))


def _again(book: Sequence[CompanyRecords]) -> list[CompanyRecords]:
    """The same records under other keys: every text is met a second time."""
    return [replace(each, key=f"{each.key}2") for each in book]


def test_a_table_of_readings_that_is_full_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "MOST_KEPT", 2)
    book = [
        CompanyRecords(str(number), (Record(Ref(SF, Kind.ACCOUNT, str(number)), STAMP, {"name": f"n{number % 5}"}),))
        for number in range(20)
    ]
    derivation = Derivation(catalogue=CATALOGUE)
    plain = list(derive_book(book, derivation, OwnershipView(), NOW, plain=True))
    assert list(derive_book(book, derivation, OwnershipView(), NOW)) == plain


_MOVES = st.lists(
    st.sampled_from([timedelta(0), timedelta(hours=3), timedelta(hours=13), timedelta(days=2), -timedelta(days=3)]),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25)
@given(_BOOK, st.lists(_BOOK, min_size=1, max_size=3), _MOVES, _DERIVATIONS, st.data())
def test_known_facts_give_the_book_that_deriving_anew_gives(
    book: list[CompanyRecords],
    later: list[list[CompanyRecords]],
    moves: list[timedelta],
    derivation: Derivation,
    data: st.DataObject,
) -> None:
    known: dict[str, KnownFacts] = {}
    now, view, whole = NOW, views(book, derivation), book
    for number, move in enumerate((timedelta(0), *moves)):
        now += move
        if number:
            drawn = data.draw(st.sampled_from(later))
            whole = [data.draw(st.sampled_from([old, new])) for old, new in zip(whole, drawn, strict=True)]
            book = whole[: data.draw(st.integers(1, 3))]
            view = data.draw(st.sampled_from([view, views(book, derivation), OwnershipView(users=USERS)]))
        expected = list(derive_book(book, derivation, view, now, plain=True))
        assert list(derive_book(book, derivation, view, now, known=known)) == expected
        restored = plain_from_bytes(plain_to_bytes(known))
        assert restored == known
        assert isinstance(restored, dict)
        known = restored


def test_only_companies_that_changed_are_derived_again() -> None:
    book = [
        CompanyRecords(key, (Record(Ref(SF, Kind.ACCOUNT, key), STAMP, {"name": key}),), (), (key,)) for key in "abc"
    ]
    known: dict[str, KnownFacts] = {}
    list(derive_book(book, Derivation(), OwnershipView(), NOW, known=known))
    before = dict(known)
    book[1] = replace(book[1], content=("other",))
    list(derive_book(book, Derivation(), OwnershipView(), NOW + timedelta(days=400), known=known))
    assert [key for key in known if known[key] is not before[key]] == ["b"]


def test_a_sum_of_the_last_twelve_months_is_not_held_past_midnight() -> None:
    won = {"is_closed": "true", "is_won": "true", "amount": "5", "close_date": "2025-12-01"}
    deal = Record(Ref(SF, Kind.OPPORTUNITY, "d"), STAMP, won)
    book = [CompanyRecords("a", (Record(Ref(SF, Kind.ACCOUNT, "a"), STAMP, {}),), (deal,), ("a",))]
    known: dict[str, KnownFacts] = {}

    def count(now: datetime) -> object:
        (facts,) = derive_book(book, Derivation(zone=BERLIN), OwnershipView(), now, known=known)
        return facts.values["won_count_12m"]

    assert [count(NOW), count(NOW + timedelta(hours=12)), count(NOW + timedelta(hours=14))] == [1, 1, 0]
