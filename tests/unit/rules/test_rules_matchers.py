"""Each sentence of RULES.md section 2 that decides something about one matcher, as a table."""

from __future__ import annotations

import pytest
from condition_reading import BERLIN, NOW, condition_of, says

from syncd.rules.conditions import EvaluationContext, FieldTest
from syncd.rules.matching.matchers import Glob, InList, Matcher

MISSING: dict[str, str | tuple[str, ...]] = {}

TRUTHS = [
    # equal after normalisation
    ("industry: Banking", {"industry": " BANKING "}, True),
    ("industry: Straße  & Verkehr", {"industry": "STRASSE & VERKEHR"}, True),
    ("industry: Banking", {"industry": "Bank"}, False),
    ("nickname: 1000", {"nickname": "1000"}, True),
    ("employees: 1000", {"employees": "1000.0"}, True),
    ("employees: 1_000", {"employees": "1000"}, True),
    ("nickname: 1_000", {"nickname": "1_000"}, True),
    ("country: NO", {"country": "Norway"}, True),
    ("nickname: ON", {"nickname": "on"}, True),
    ("nickname: -5", {"nickname": "-5"}, True),
    # a list: any of
    ("country: [DE, AT]", {"country": "Österreich"}, True),
    ("country: [DE, AT]", {"country": "CH"}, False),
    ('employees: ["> 5000", 10]', {"employees": "10"}, True),
    ('employees: ["> 5000", 10]', {"employees": "5000"}, False),
    ('industry: [Banking, "Ins*", {starts_with: ener}]', {"industry": "Energy"}, True),
    ("industry: [Banking, missing]", MISSING, True),
    ("industry: [Banking, missing]", {"industry": "Retail"}, False),
    ("locked: [false, missing]", MISSING, True),
    # comparison and range, both ends inside
    ('employees: ">= 5"', {"employees": "5"}, True),
    ('employees: "> 5"', {"employees": "5"}, False),
    ('employees: "<= 5"', {"employees": "5"}, True),
    ('employees: "< 5"', {"employees": "5"}, False),
    ('employees: "<5"', {"employees": "4.9"}, True),
    ('employees: "200..999"', {"employees": "200"}, True),
    ('employees: "200..999"', {"employees": "999"}, True),
    ('employees: "200..999"', {"employees": "999.5"}, False),
    ('employees: "1000.."', {"employees": "1000"}, True),
    ('employees: "..199"', {"employees": "200"}, False),
    ('employees: "-5..-1"', {"employees": "-3"}, True),
    ('annual_revenue: ">= 5M EUR"', {"annual_revenue": "5500000"}, True),
    ('annual_revenue: ">= 5M EUR"', {"annual_revenue": "5499999"}, False),
    ('annual_revenue: ">= 5M EUR"', {"annual_revenue": "5000000 EUR"}, True),
    ('annual_revenue: "1k..2.5k"', {"annual_revenue": "2500"}, True),
    ('annual_revenue: ">= 1B"', {"annual_revenue": "1_000_000_000"}, True),
    # there is a value and it is not x
    ('industry: "!= Banking"', {"industry": "Retail"}, True),
    ('industry: "!= Banking"', {"industry": "banking"}, False),
    ('industry: "!= Banking"', MISSING, False),
    ('employees: "!= 5"', {"employees": "5.0"}, False),
    ('state: "!= US-TX"', {"country": "US", "state": "California"}, True),
    ("industry: {none_of: [Banking, Retail]}", {"industry": "Energy"}, True),
    ("industry: {none_of: [Banking, Retail]}", {"industry": "retail"}, False),
    ("industry: {none_of: [Banking, Retail]}", MISSING, False),
    # glob
    ('postal_code: "941*"', {"postal_code": "94-105"}, True),
    ('name: "*bank*"', {"name": "Deutsche Bank AG"}, True),
    ('name: "A?"', {"name": "ab"}, True),
    ('name: "A?"', {"name": "abc"}, False),
    ('name: "A?*"', {"name": "abc"}, True),
    ('name: "Acme *"', {"name": "Acme  GmbH"}, True),
    ('name: "Acme *"', {"name": "Acmex"}, False),
    ('name: "*a*b*"', {"name": "b then a"}, False),
    ('name: "a+(b)*"', {"name": "A+(B)c"}, True),
    ('domain: "*.co.uk"', {"domain": "www.acme.co.uk"}, True),
    # exactly this, nothing in it is special
    ("name: {is: 'A*STAR'}", {"name": "a*star"}, True),
    ("name: {is: 'A*STAR'}", {"name": "A123STAR"}, False),
    ("name: {is: missing}", {"name": "Missing"}, True),
    ("name: {is: missing}", MISSING, False),
    ("name: {contains: '*'}", {"name": "a*star"}, True),
    ("name: {contains: '*'}", {"name": "astar"}, False),
    ("name: {starts_with: '!= '}", {"name": "!=x"}, True),
    ("name: {ends_with: '?'}", {"name": "who?"}, True),
    ("name: {none_of: ['A*', missing]}", {"name": "Acme"}, True),
    ("name: {none_of: ['A*', missing]}", {"name": "MISSING"}, False),
    ("tags: {any_of: ['A*', missing]}", {"tags": ("a*",)}, True),
    ("tags: {any_of: ['A*', missing]}", {"tags": ("acme",)}, False),
    ("tags: {all_of: ['A*', x]}", {"tags": ("a*", "x", "y")}, True),
    ("name: {list: stars}", {"name": "a*star"}, True),
    ("name: {list: stars}", {"name": "a-big-star"}, False),
    ("name: {list: stars}", {"name": "missing"}, True),
    # there is no value; there is one
    ("industry: missing", MISSING, True),
    ('industry: "missing"', MISSING, True),
    ("industry: missing", {"industry": "  "}, True),
    ("employees: missing", {"employees": "many"}, True),
    ("annual_revenue: missing", {"annual_revenue": "5 GBP"}, True),
    ("renewal_date: missing", {"renewal_date": "soon"}, True),
    ("locked: missing", {"locked": "perhaps"}, True),
    ("country: missing", {"country": "Atlantis"}, False),
    ("state: missing", {"state": "CA"}, False),
    ("domain: missing", {"domain": "gmail.com"}, True),
    ("industry: {present: true}", {"industry": "x"}, True),
    ("industry: {present: true}", MISSING, False),
    ("industry: {present: false}", MISSING, True),
    # the value stands in the named list
    ("domain: {list: strategic}", {"domain": "https://shop.acme.com/en"}, True),
    ("domain: {list: strategic}", {"domain": "initech.com"}, False),
    ("country: {list: dach}", {"country": "Switzerland"}, True),
    ("tags: {list: stars}", {"tags": ("x", "A*Star")}, True),
    # several values: a plain value or list means any_of; none_of and the empty set
    ("tags: red", {"tags": ("Red", "blue")}, True),
    ("tags: [green, red]", {"tags": "red;blue"}, True),
    ("tags: [green, missing]", MISSING, True),
    ("tags: {all_of: [red, blue]}", {"tags": "red"}, False),
    ("tags: {none_of: [red]}", {"tags": "blue"}, True),
    ("tags: {none_of: [red]}", {"tags": "blue;RED"}, False),
    ("tags: {none_of: [red]}", MISSING, False),
    ("open_stages: {none_of: [red]}", MISSING, True),
    ("open_stages: missing", MISSING, False),
    ("open_opportunities: 0", MISSING, True),
    ("open_pipeline: 0", MISSING, True),
    ("open_pipeline: missing", MISSING, False),
    # boolean
    ("locked: true", {"locked": "TRUE"}, True),
    ("locked: true", {"locked": "false"}, False),
    ("locked: false", MISSING, False),
    # several keys in one mapping must all hold
    ("name: {starts_with: acme, ends_with: gmbh}", {"name": "Acme Nord GmbH"}, True),
    ("name: {starts_with: acme, ends_with: gmbh}", {"name": "Acme Inc."}, False),
    # system ids
    ("salesforce_id: 0015500000Xyy06", {"salesforce_id": "0015500000Xyy06AAB"}, True),
    ("salesforce_id: 0015500000Xyy06AAB", {"salesforce_id": "0015500000XYY06"}, False),
    ("hubspot_id: 12345", {"hubspot_id": ("777", "12345")}, True),
    ("hubspot_id: [1, 2]", {"hubspot_id": "3"}, False),
    ('hubspot_id: "!= 12345"', {"hubspot_id": ("777", "12345")}, False),
    ('hubspot_id: "!= 12345"', MISSING, False),
    # territory: a name or path equals it and everything below it
    ("territory: emea", {"territory": "emea/dach/banking"}, True),
    ("territory: dach", {"territory": "emea/dach/banking"}, True),
    ("territory: emea/dach", {"territory": "emea/dach/banking"}, True),
    ("territory: dach/banking", {"territory": "emea/dach/banking"}, False),
    ("territory: emea/da", {"territory": "emea/dach"}, False),
    ('territory: "!= emea"', {"territory": "emea/dach"}, False),
    ("territory: {none_of: [amer]}", {"territory": "emea/dach"}, True),
    ("territory: [amer, dach]", {"territory": "emea/dach"}, True),
    ('territory: "!= emea"', MISSING, False),
    ("territory: missing", MISSING, True),
    # postal codes: whole codes are cut and padded for US, parts and ranges never
    ('{country: US, postal_code: "94105"}', {"country": "US", "postal_code": "94105-1234"}, True),
    ('{country: US, postal_code: "94105-1234"}', {"country": "US", "postal_code": "94105"}, True),
    ("{country: US, postal_code: 1234}", {"country": "US", "postal_code": "01234"}, True),
    ("{country: US, postal_code: {none_of: [1234]}}", {"country": "US", "postal_code": "01234"}, False),
    ('{country: US, postal_code: "123*"}', {"country": "US", "postal_code": "1234"}, False),
    ('{country: US, postal_code: "01*"}', {"country": "US", "postal_code": "1234"}, True),
    ('{country: US, postal_code: {starts_with: "94105-1"}}', {"country": "US", "postal_code": "94105-1234"}, False),
    ('{country: [US, AT], postal_code: "1010"}', {"country": "AT", "postal_code": "1010"}, True),
    ('{country: DE, postal_code: "01067..01069"}', {"country": "DE", "postal_code": "01068"}, True),
    ('{country: AT, postal_code: "1000..1999"}', {"country": "AT", "postal_code": "10100"}, False),
    ('{country: US, postal_code: "94000..94199"}', {"country": "US", "postal_code": "94105-1234"}, True),
    ('{country: GB, postal_code: "sw1a 1aa"}', {"country": "UK", "postal_code": "SW1A-1AA"}, True),
    ('{country: GB, postal_code: "SW1*"}', {"country": "UK", "postal_code": "sw1a 1aa"}, True),
    # domain
    ("domain: www.acme.com", {"domain": "info@ACME.com"}, True),
    ("domain: acme.github.io", {"domain": "other.github.io"}, False),
    ("domain: {contains: acme}", {"domain": "acme.com"}, True),
    # country and state
    ("country: Holland", {"country": "NLD"}, True),
    ("country: Atlantis", {"country": "atlantis "}, True),
    ("{country: US, state: CA}", {"country": "USA", "state": "california"}, True),
    ("{country: US, state: CA}", {"country": "CA", "state": "ON"}, False),
    ("state: us-ca", {"state": "US-CA"}, True),
    ("state: US-CA", {"state": "CA"}, False),
]


@pytest.mark.parametrize(("condition", "account", "outcome"), TRUTHS)
def test_matcher_decides_as_written(condition: str, account: dict[str, str | tuple[str, ...]], outcome: bool) -> None:
    assert says(condition, account) is outcome


DATES = [
    # <= and range ends include the day, in the pack's zone
    ('renewal_date: "<= 2026-12-31"', "2026-12-31T22:59:59Z", True),
    ('renewal_date: "<= 2026-12-31"', "2026-12-31T23:00:00Z", False),
    ('renewal_date: "< 2026-12-31"', "2026-12-30T23:00:00Z", False),
    ('renewal_date: "> 2026-12-31"', "2026-12-31T12:00:00Z", False),
    ('renewal_date: "> 2026-12-31"', "2027-01-01", True),
    ('renewal_date: ">= 2026-12-31"', "2026-12-30T23:00:00Z", True),
    ('renewal_date: "2026-01-01..2026-01-31"', "2026-01-31T22:00:00Z", True),
    ('renewal_date: "2026-01-01..2026-01-31"', "2026-02-01", False),
    ('renewal_date: "2026-01-01.."', "2025-12-31", False),
    ('renewal_date: "..2026-01-01"', "2026-01-01T10:00:00+01:00", True),
    ("renewal_date: 2026-01-01", "2026-01-01T22:59:59Z", True),
    ("renewal_date: 2026-01-01", "2026-01-01T23:00:00Z", False),
    ("renewal_date: [2026-01-01, 2026-01-03]", "2026-01-03", True),
    ('renewal_date: "!= 2026-01-01"', "2026-01-01T12:00:00Z", False),
    ('renewal_date: "!= 2026-01-01"', "2026-01-02", True),
    ("renewal_date: {none_of: [2026-01-01, 2026-01-02]}", "2026-01-02", False),
    ("renewal_date: {is: 2026-01-01}", "2026-01-01", True),
    ('renewal_date: "<= 2026-01-01T10:00:00Z"', "2026-01-01T10:00:00Z", True),
    ('renewal_date: "<= 2026-01-01T10:00:00Z"', "2026-01-01T10:00:01Z", False),
    # from 30 days ago to now; from now to 30 days ahead; before that (today is 2026-12-01, 11:00 in Berlin)
    ("renewal_date: {last: 30d}", "2026-11-01", True),
    ("renewal_date: {last: 30d}", "2026-10-31T22:59:59Z", False),
    ("renewal_date: {last: 30d}", "2026-12-01T10:00:00Z", True),
    ("renewal_date: {last: 30d}", "2026-12-01T10:00:01Z", False),
    ("renewal_date: {last: 2h}", "2026-12-01T08:00:00Z", True),
    ("renewal_date: {last: 2h}", "2026-12-01T07:59:59Z", False),
    ("renewal_date: {last: 15min}", "2026-12-01T09:45:00Z", True),
    ("renewal_date: {last: 1mo}", "2026-11-01", True),
    ("renewal_date: {last: 1y}", "2025-12-01", True),
    ("renewal_date: {last: 1w}", "2026-11-24", True),
    ("renewal_date: {last: 1w}", "2026-11-23", False),
    ("renewal_date: {next: 30d}", "2026-12-31", True),
    ("renewal_date: {next: 30d}", "2026-12-31T22:59:59Z", True),
    ("renewal_date: {next: 30d}", "2027-01-01", False),
    ("renewal_date: {next: 30d}", "2026-12-01", True),
    ("renewal_date: {next: 30d}", "2026-12-01T09:00:00Z", False),
    ("renewal_date: {next: 1h}", "2026-12-01T11:00:00Z", True),
    ("renewal_date: {next: 1h}", "2026-12-01T11:00:01Z", False),
    ("renewal_date: {older_than: 30d}", "2026-10-31", True),
    ("renewal_date: {older_than: 30d}", "2026-11-01", False),
    ("renewal_date: {older_than: 90d}", None, False),
    # older or missing
    ("renewal_date: {not_since: 90d}", None, True),
    ("renewal_date: {not_since: 90d}", "2026-08-01", True),
    ("renewal_date: {not_since: 90d}", "2026-11-30", False),
    # this, last, next month, quarter, year
    ("renewal_date: {in: this_month}", "2026-12-31", True),
    ("renewal_date: {in: this_month}", "2026-11-30", False),
    ("renewal_date: {in: last_month}", "2026-11-30", True),
    ("renewal_date: {in: next_year}", "2027-06-01", True),
    ("renewal_date: {in: this_quarter}", "2026-10-01", True),
    ("renewal_date: {in: this_quarter}", "2026-09-30T22:00:00Z", True),
    ("renewal_date: {in: this_quarter}", "2026-09-30T21:00:00Z", False),
    ("renewal_date: {in: next_quarter}", "2027-03-31", True),
    ("renewal_date: {in: this_quarter}", None, False),
]


@pytest.mark.parametrize(("condition", "date", "outcome"), DATES)
def test_dates_are_read_in_the_zone_of_the_pack(condition: str, date: str | None, outcome: bool) -> None:
    assert says(condition, {"renewal_date": date} if date else {}, zone=BERLIN) is outcome


def matcher_of(text: str) -> Matcher:
    condition = condition_of(text)
    assert isinstance(condition, FieldTest)
    return condition.matcher


@pytest.mark.parametrize(
    ("start", "instant", "outcome"),
    [
        (2, "2026-11-01", True),  # February starts the year: the quarter is November to January
        (2, "2027-01-31", True),
        (2, "2026-10-31", False),
        (12, "2026-12-01", True),
        (12, "2026-11-30", False),
    ],
)
def test_quarters_follow_the_fiscal_year(start: int, instant: str, outcome: bool) -> None:
    from condition_reading import facts_of

    facts = facts_of({"renewal_date": instant})
    matcher = matcher_of("renewal_date: {in: this_quarter}")
    context = EvaluationContext(NOW, fiscal_year_start=start)
    assert matcher.matches(facts.values["renewal_date"], context) is outcome


def test_fiscal_years_follow_their_first_month() -> None:
    from condition_reading import facts_of

    matcher = matcher_of("renewal_date: {in: last_year}")
    context = EvaluationContext(NOW, fiscal_year_start=7)
    inside, outside = (facts_of({"renewal_date": day}).values["renewal_date"] for day in ("2025-07-01", "2026-07-01"))
    assert matcher.matches(inside, context)
    assert not matcher.matches(outside, context)


def test_every_matcher_but_three_is_false_of_a_missing_value() -> None:
    texts = [
        "industry: x",
        "industry: [a, b]",
        'employees: ">= 1"',
        'employees: "1..2"',
        'industry: "!= x"',
        "industry: {none_of: [x]}",
        'industry: "*"',
        "industry: {contains: x}",
        "tags: {none_of: [x]}",
        "renewal_date: {last: 1d}",
        "renewal_date: {older_than: 1d}",
        "locked: false",
        "territory: {none_of: [x]}",
    ]
    for text in texts:
        assert not matcher_of(text).matches(None, EvaluationContext(NOW)), text
    for text in ("industry: missing", "industry: [x, missing]", "renewal_date: {not_since: 1d}"):
        assert matcher_of(text).matches(None, EvaluationContext(NOW)), text


def test_a_list_of_plain_values_is_one_set_of_normalised_values() -> None:
    matcher = matcher_of("country: [Germany, AUT, ch]")
    assert isinstance(matcher, InList)
    assert matcher.values == {"DE", "AT", "CH"}
    assert matcher.text == "[Germany, AUT, ch]"


def test_a_glob_stays_quick_on_a_text_made_to_slow_it() -> None:
    glob = Glob("g", "*" + "a*" * 30 + "b")
    assert not glob.matches("a" * 5000, EvaluationContext(NOW))
    assert glob.matches("a" * 500 + "b", EvaluationContext(NOW))
