"""What a condition may not be, as findings at the exact place: RULES.md sections 1 to 3."""

from __future__ import annotations

import pytest
from condition_reading import PLACE, codes, condition_of, node_of, read, scope_of
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import Place, known_codes
from syncd.model.fields import SELF_READING_FIELDS
from syncd.model.refs import Kind
from syncd.rules.conditions import AllOf, Always, FieldTest
from syncd.rules.findings import Findings
from syncd.rules.matching.matchers import AnyMatcher, EqualTo, InList
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.parsing.condition_parser import parse_condition, parse_matcher_cell

REFUSED = [
    # unknown names
    ("industy: Banking", ["SYN210"]),
    ("stage: Negotiation", ["SYN210"]),
    ("opportunities: {any: {industry: x}}", ["SYN210"]),
    ("in_segment: enterprize", ["SYN219"]),
    ("in_segment: [enterprise, nope]", ["SYN219"]),
    ("domain: {list: strategics}", ["SYN220"]),
    ("name: {start_with: x}", ["SYN225"]),
    ("name: {not: x}", ["SYN225"]),
    # a matcher that its type does not have
    ('country: "D*"', ["SYN212"]),
    ("country: {starts_with: D}", ["SYN212"]),
    ("state: {contains: a}", ["SYN212"]),
    ('industry: ">= 5"', ["SYN212"]),
    ('industry: "<5"', ["SYN212"]),
    ('name: "A..F"', ["SYN212"]),
    ('postal_code: ">= 5"', ["SYN212"]),
    ("{country: US, postal_code: {contains: 5}}", ["SYN212"]),
    ("employees: {contains: 5}", ["SYN212"]),
    ("employees: {list: strategic}", ["SYN212"]),
    ("employees: {last: 5d}", ["SYN212"]),
    ("name: {last: 5d}", ["SYN212"]),
    ("name: {any_of: [a]}", ["SYN212"]),
    ("locked: {is: true}", ["SYN212"]),
    ("locked: {none_of: [true]}", ["SYN212"]),
    ('locked: "!= true"', ["SYN212"]),
    ('tags: "!= red"', ["SYN212"]),
    ("tags: {is: red}", ["SYN212"]),
    ('tags: "re*"', ["SYN212"]),
    ("tags: {contains: re}", ["SYN212"]),
    ('tags: ">= 5"', ["SYN212"]),
    ('salesforce_id: "001*"', ["SYN212"]),
    ("renewal_date: {list: strategic}", ["SYN212"]),
    # values that cannot be read
    ("employees: many", ["SYN213"]),
    ('employees: "1,000"', ["SYN213"]),
    ('employees: ">= 5m"', ["SYN213"]),
    ('employees: "1..x"', ["SYN213"]),
    ("employees: {none_of: ['>= 5']}", ["SYN213"]),
    ("employees: {is: missing}", ["SYN213"]),
    ('annual_revenue: "$5"', ["SYN213"]),
    ("renewal_date: 31.12.2026", ["SYN213"]),
    ("renewal_date: 2026-02-30", ["SYN213"]),
    ('renewal_date: ">= 30d"', ["SYN213"]),
    ("locked: yes", ["SYN213"]),
    ("name: {present: maybe}", ["SYN213"]),
    ('annual_revenue: "5M GBP"', ["SYN227"]),
    # quote this
    ("postal_code: 01234", ["SYN214"]),
    ("nickname: 1.5", ["SYN214"]),
    ("nickname: 1e5", ["SYN214"]),
    ("nickname: +49", ["SYN214"]),
    ("nickname: 0x1F", ["SYN214"]),
    ("nickname: .inf", ["SYN214"]),
    ("nickname: true", ["SYN214"]),
    ("salesforce_id: 001550000000060", ["SYN214"]),
    ("nickname: [a, 007]", ["SYN214"]),
    ("nickname: {none_of: [a, 1.0]}", ["SYN214"]),
    ("nickname: {contains: 1.0}", ["SYN214"]),
    # nothing there
    ('nickname: ""', ["SYN215"]),
    ("nickname: {contains: '  '}", ["SYN215"]),
    ("country: []", ["SYN216"]),
    ("country: {none_of: []}", ["SYN216"]),
    ("country: {}", ["SYN216"]),
    ("any: []", ["SYN216"]),
    ("in_segment: []", ["SYN216"]),
    ("not: {}", ["SYN216"]),
    # ranges
    ('employees: "999..200"', ["SYN217"]),
    ('employees: ".."', ["SYN217"]),
    ('annual_revenue: "5M EUR..5M"', ["SYN217"]),
    ('renewal_date: "2026-02-01..2026-01-01"', ["SYN217"]),
    ('{country: US, postal_code: "9400..94199"}', ["SYN217"]),
    ('{country: US, postal_code: "94199..94100"}', ["SYN217"]),
    ('{country: US, postal_code: "94100.."}', ["SYN217"]),
    ('{country: GB, postal_code: "SW1..SW9"}', ["SYN217"]),
    # !=
    ('industry: ["!= a", b]', ["SYN218"]),
    ('industry: "!= missing"', ["SYN218"]),
    ('industry: "!= Bank*"', ["SYN218"]),
    ('employees: "!= 1..5"', ["SYN218"]),
    ('employees: "!= >= 5"', ["SYN218"]),
    ('industry: "!="', ["SYN218"]),
    # the shape of a condition
    ("[{country: DE}]", ["SYN224"]),
    ("any: {country: DE}", ["SYN224"]),
    ("any: [sometimes]", ["SYN224"]),
    ("opportunities: {stage: Won}", ["SYN224"]),
    ("opportunities: x", ["SYN224"]),
    ("opportunities: {any: {in_segment: enterprise}}", ["SYN224"]),
    ("opportunities: {any: {opportunities: {any: always}}}", ["SYN224"]),
    ("name: [a, [b]]", ["SYN224"]),
    ("name: {contains: [a, b]}", ["SYN224"]),
    ("name: {is: [a, b]}", ["SYN224"]),
    ("name: {none_of: [{list: strategic}]}", ["SYN224"]),
    ("name: {list: [a]}", ["SYN224"]),
    ("in_segment: {a: b}", ["SYN224"]),
    # spans
    ("renewal_date: {last: 3m}", ["SYN226"]),
    ("renewal_date: {last: x}", ["SYN226"]),
    ("renewal_date: {last: [3d]}", ["SYN226"]),
    ("renewal_date: {in: this_week}", ["SYN226"]),
    # states
    ("state: CA", ["SYN221"]),
    ("state: California", ["SYN221"]),
    ("{country: [US, AU], state: WA}", ["SYN221"]),
    ("{country: [US, CA], state: Bavaria}", ["SYN221"]),
    ('{country: "!= US", state: CA}', ["SYN221"]),
    ("{country: {none_of: [US]}, state: CA}", ["SYN221"]),
    ("{country: {present: true}, state: CA}", ["SYN221"]),
    ("any: [{country: US}, {state: CA}]", ["SYN221"]),
    ("{none: [{country: US}], state: CA}", ["SYN221"]),
    ("{not: {country: US}, state: CA}", ["SYN221"]),
    # one pass
    ("{industy: x, employees: many, country: [], state: CA}", ["SYN210", "SYN213", "SYN216", "SYN221"]),
    ("any: [{industy: x}, {employees: [many, few]}]", ["SYN210", "SYN213", "SYN213"]),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED)
def test_refused_with_every_problem_in_one_pass(text: str, expected: list[str]) -> None:
    condition, findings = read(text)
    assert condition is None
    assert sorted(each.code for each in findings.items if each.severity == "error") == sorted(expected)
    assert all(each.hint and each.place for each in findings.items)
    assert all(each.code in known_codes() for each in findings.items)


WARNED = [
    ('postal_code: "941*"', ["SYN222"]),
    ('postal_code: "94100..94199"', ["SYN222"]),
    ("postal_code: missing", []),
    ('{country: US, postal_code: "941*"}', []),
    ('{in_segment: dach, postal_code: "941*"}', []),
    ("{country: US, postal_code: 1234}", ["SYN229"]),
    ("{country: DE, postal_code: 1234}", []),
    ("not: {country: DE, industry: Banking}", ["SYN223"]),
    ("not: {country: DE}", []),
    ("not: {all: [{country: DE}, {industry: Banking}]}", []),
    ("country: Germnay", ["SYN228"]),
    ("{country: US, state: Californa}", ["SYN228"]),
    ("domain: gmail.com", ["SYN230"]),
    ("domain: co.uk", ["SYN230"]),
]


@pytest.mark.parametrize(("text", "expected"), WARNED)
def test_warned_of_but_read(text: str, expected: list[str]) -> None:
    condition, findings = read(text)
    assert condition is not None
    assert [each.code for each in findings.items] == expected
    assert not findings.has_errors


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("industy: x", "did you mean `industry`?"),
        ("stage: x", "opportunities: {any: {stage: ...}}"),
        ("in_segment: enterprize", "did you mean `enterprise`?"),
        ("domain: {list: strategics}", "did you mean `strategic`?"),
        ("name: {start_with: x}", "did you mean `starts_with`?"),
        ("country: Germnay", "did you mean `germany`?"),
        ("postal_code: 01234", '"01234"'),
        ('employees: "1,000"', "1000"),
        ('employees: ">= 5m"', "5M"),
        ("renewal_date: {last: 3m}", "3mo or 3min"),
        ('employees: "999..200"', '"200..999"'),
        ('industry: "!= missing"', "{present: true}"),
        ("name: {contains: [a, b]}", "[{contains: a}, {contains: b}]"),
    ],
)
def test_hint_says_what_to_write(text: str, hint: str) -> None:
    assert hint in (read(text)[1].items[0].hint or "")


def test_not_over_two_fields_prints_both_readings() -> None:
    found = read("not: {country: DE, industry: Banking}")[1].items[0]
    assert "unless all of these hold: country: DE and industry: Banking" in found.message
    assert "not (country: DE) and not (industry: Banking)" in (found.hint or "")
    assert "none: [{country: DE}, {industry: Banking}]" in (found.hint or "")


def test_finding_stands_at_the_offending_scalar() -> None:
    findings = read("country: DE\nany:\n  - industry: [Banking, 007]\n  - industy: x\n")[1]
    assert [(each.code, each.place.line, each.place.column) for each in findings.items if each.place] == [
        ("SYN214", 3, 25),
        ("SYN210", 4, 5),
    ]


@pytest.mark.parametrize("text", ["nickname:", "nickname: ~", "nickname: null", "industry: [a, null]"])
def test_a_null_is_nothing_to_compare_with(text: str) -> None:
    key, _, value = text.partition(":")
    node: Node = Scalar(value.strip(), False, PLACE)
    if value.strip().startswith("["):
        node = Sequence((Scalar("a", False, PLACE), Scalar("null", False, PLACE)), PLACE)
    findings = Findings()
    entry = Entry(Scalar(key, False, PLACE), node)
    assert parse_condition(Mapping((entry,), PLACE), scope_of(), findings) is None
    assert [each.code for each in findings.items] == ["SYN215"]


# States: the path that fixes the country

STATES = [
    "{country: US, state: CA}",
    "{state: CA, country: United States}",
    "{country: [US, DE], state: CA}",
    "{country: [US, missing], state: CA}",
    "{country: {is: US}, state: CA}",
    "{country: US, state: California}",
    "{country: US, state: [CA]}",
    "{country: US, state: {none_of: [CA]}}",
    '{country: US, state: "!= CA"}',
    "{all: [{country: US}, {state: CA}]}",
    "{all: [{country: US}], state: CA}",
    "{country: US, all: [{industry: x}, {state: CA}]}",
    "{country: US, any: [{state: CA}, {industry: x}]}",
    "any: [{country: US, state: CA}, {country: AU, state: WA}]",
    "{in_segment: americas, state: NY}",
    "{country: US, none: [{state: CA}]}",
    "{country: US, not: {state: CA}}",
    "not: {country: US, state: CA}",
    "{any: [{country: US}, {country: DE}], state: CA}",
    "state: US-CA",
]


@pytest.mark.parametrize("text", STATES)
def test_state_is_read_where_the_path_fixes_its_country(text: str) -> None:
    assert not [code for code in codes(text) if code != "SYN223"]


def state_of(text: str, **scope: object) -> object:
    condition = condition_of(text, **scope)
    tests = condition.conditions if isinstance(condition, AllOf) else (condition,)
    found = next(each for each in tests if isinstance(each, FieldTest) and each.field == "state")
    assert isinstance(found.matcher, EqualTo)
    return found.matcher.value


def test_named_list_and_ancestors_fix_the_country() -> None:
    assert state_of("{country: {list: dach}, state: BY}") == "DE-BY"
    above = condition_of("country: [US, DE]")
    assert state_of("state: CA", ancestors=(above,)) == "US-CA"
    assert state_of("{country: DE, state: BE}", ancestors=(condition_of("country: [DE, CH]"),)) == "DE-BE"


def test_of_several_countries_exactly_one_must_have_the_state() -> None:
    assert codes("{country: [DE, CH], state: BE}") == ["SYN221"]
    assert state_of("{country: [US, AU], state: NSW}") == "AU-NSW"


def test_where_the_path_contradicts_itself_the_nearest_country_counts() -> None:
    assert state_of("{country: US, state: CA}", ancestors=(condition_of("country: DE"),)) == "US-CA"


def test_default_country_counts_only_where_the_path_fixes_none() -> None:
    assert state_of("state: CA", default_country="US") == "US-CA"
    assert codes("{country: [AU, GB], state: CA}", default_country="US") == ["SYN221"]
    assert codes("state: BY", default_country="US") == ["SYN221"]


# Who may read what


@pytest.mark.parametrize("name", sorted(SELF_READING_FIELDS))
def test_a_rule_must_not_read_its_own_result(name: str) -> None:
    value = {"owner_active": "true", "owner_changed_at": "{last: 5d}"}.get(name, "x")
    assert codes(f"{name}: {value}", forbidden=SELF_READING_FIELDS) == ["SYN211"]
    assert codes(f"{name}: {value}") == []


def test_a_segment_that_reads_a_forbidden_field_is_refused_where_it_is_named() -> None:
    findings = read("in_segment: mine", forbidden=SELF_READING_FIELDS)[1]
    assert [each.code for each in findings.items] == ["SYN211"]
    assert "owner" in findings.items[0].message
    assert codes("opportunities: {any: {owner: a@example.com}}", forbidden=SELF_READING_FIELDS) == ["SYN211"]


def test_opportunity_conditions_know_opportunity_fields() -> None:
    assert codes("stage: Negotiation", kind=Kind.OPPORTUNITY) == []
    assert codes("industry: x", kind=Kind.OPPORTUNITY) == ["SYN210"]
    assert codes("{email: a@b.com, country: DE}", kind=Kind.LEAD) == []


def test_what_was_reported_broken_is_not_reported_again() -> None:
    condition, findings = read("{in_segment: broken, domain: {list: bad}}", unreadable=frozenset({"broken", "bad"}))
    assert condition is None
    assert findings.items == ()


def test_a_picklist_value_of_the_crm_may_hold_an_operator() -> None:
    schema = {"industry": frozenset({"> 90 days", "R*D"})}
    condition, findings = read('industry: ["> 90 Days", "R*D"]', schema_values=schema)
    assert [each.code for each in findings.items] == ["SYN231", "SYN231"]
    assert isinstance(condition, FieldTest)
    assert isinstance(condition.matcher, InList)
    assert condition.matcher.values == {"> 90 days", "r*d"}


# Cells and rows of tables


def cell(text: str, field: str = "industry", **scope: object) -> tuple[object, list[str]]:
    findings = Findings()
    matcher = parse_matcher_cell(text, field, scope_of(**scope), Place("t.csv", 2, 1), findings)
    return matcher, [each.code for each in findings.items]


def test_cells_hold_one_matcher_or_several() -> None:
    assert cell("Banking | Insurance")[0] == InList("Banking | Insurance", frozenset({"banking", "insurance"}))
    matcher, found = cell("(missing) | Bank*")
    assert isinstance(matcher, AnyMatcher)
    assert found == []
    assert cell("@strategic", "domain")[0] == InList("@strategic", frozenset({"acme.com", "globex.com"}), "strategic")
    assert cell("01234", "postal_code", default_country="US")[1] == ["SYN222"]
    assert cell("true", "locked")[0] == EqualTo("true", True)
    assert cell("200..999", "employees")[1] == []
    assert cell("!= a | b")[1] == ["SYN218"]
    assert cell("@nope", "domain")[1] == ["SYN220"]
    assert cell("x", "industy")[1] == ["SYN210"]
    assert cell("x", "owner", forbidden=SELF_READING_FIELDS)[1] == ["SYN211"]


def test_a_cell_reads_states_and_codes_in_the_country_of_its_ancestors() -> None:
    above = (condition_of("country: US"),)
    assert cell("CA | NY", "state", ancestors=above)[0] == InList("CA | NY", frozenset({"US-CA", "US-NY"}))
    assert cell("94105-1234", "postal_code", ancestors=above)[0] == EqualTo("94105-1234", "94105")
    assert cell("CA", "state")[1] == ["SYN221"]


# Nothing raises

SPLIT = """all any none not in_segment opportunities country state postal_code employees tags industry renewal_date
    locked domain annual_revenue owner territory is none_of list any_of all_of contains starts_with present last in
    always missing US CA dach .. 1..5 A* 30d this_quarter true null 01 2026-01-01 x 99999d 9999-12-31 0001-01-01
    9999-12-31..0001-01-01 1e400 != > strategic enterprise"""
WORDS = st.sampled_from([*SPLIT.split(), "!= x", ">= 5", "5M EUR", "5 XXX", "", " "])


@st.composite
def nodes(draw: st.DrawFn, depth: int = 0) -> Node:
    kind = draw(st.integers(0, 5))
    if depth == 4 or kind <= 1:
        return Scalar(draw(WORDS | st.text(max_size=6)), draw(st.booleans()), PLACE)
    count = draw(st.integers(0, 3))
    below = nodes(depth + 1)
    if kind == 2:
        return Sequence(tuple(draw(below) for _ in range(count)), PLACE)
    keys = {draw(WORDS) for _ in range(count)}
    return Mapping(tuple(Entry(Scalar(key, False, PLACE), draw(below)) for key in sorted(keys)), PLACE)


@settings(max_examples=300)
@given(nodes())
def test_parsing_never_raises_and_none_means_an_error(node: Node) -> None:
    findings = Findings()
    condition = parse_condition(node, scope_of(), findings)
    assert (condition is None) is findings.has_errors
    assert all(each.code in known_codes() for each in findings.items)


def test_a_condition_without_end_is_refused_before_it_is_read() -> None:
    node: Node = Scalar("always", False, PLACE)
    for _ in range(3000):
        node = Mapping((Entry(Scalar("not", False, PLACE), node),), PLACE)
    findings = Findings()
    assert parse_condition(node, scope_of(), findings) is None
    assert [each.code for each in findings.items] == ["SYN232"]


def test_always_is_a_word_quoted_or_not() -> None:
    for text in ("always", '"always"'):
        assert isinstance(parse_condition(node_of(text), scope_of(), Findings()), Always)
