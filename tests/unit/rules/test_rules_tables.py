"""Tables of territories: a row is a condition, rows of one territory are alternatives, and order decides."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pack_writing import codes, found, loaded

from syncd.model.fields import FieldType
from syncd.rules.conditions import AllOf, Always, AnyOf, EvaluationContext, FieldTest, placed_tests, trace
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.explaining.clauses import failing
from syncd.rules.facts import Facts, Value
from syncd.rules.pack import Effective, OwnersByEmail, OwnersByPool, Pack, Territory, Unassigned
from syncd.rules.proving.space import condition_key
from syncd.rules.reading.row_overlap import RowOverlap

CONTEXT = EvaluationContext(datetime(2026, 11, 22, tzinfo=UTC))
ROOT = "format: 1\nlists: {vip: [acme.com]}\npools: {p: [p@example.com]}\nterritories: {table: t.csv}\n"
BELOW = (
    "format: 1\nterritories:\n"
    "  - name: us\n    when: {country: US}\n    owners: [x@example.com]\n    territories: {table: t.csv}\n"
    "  - {name: rest, when: always, owners: unassigned}\n"
)


def table(root: Path, content: str, pack: str = ROOT) -> Pack:
    return loaded(root, {"pack.yaml": pack, "t.csv": content})


def taken_by(pack: Pack, **values: Value) -> str | None:
    chosen = choose_territory(pack, "owner", Facts("k", ("k",), values=values), CONTEXT).territory
    return chosen.name if chosen is not None else None


def test_rows_become_territories_with_their_options(tmp_path: Path) -> None:
    pack = table(
        tmp_path,
        "country,industry,territory,owners,assign,keep,cap,overflow,effective_from,labels,note,quota\n"
        "DE,Banking | Insurance,banks,a@example.com | seat:s,balanced,FALSE,120,pool:p,2026-01-01,x=1|y=2,hi,2M\n"
        ",,rest,unassigned,,,,,,,,\n",
        ROOT + "reps: [{seat: s, holder: s@example.com}]\n",
    )
    banks, rest = pack.roles["owner"]
    assert banks.owners == OwnersByEmail(("a@example.com", "seat:s"))
    assert (banks.assign, banks.keep, banks.quota and banks.quota.amount) == ("balanced", False, Decimal(2_000_000))
    assert banks.cap is not None
    assert banks.cap.total == 120
    assert banks.overflow == OwnersByPool("p")
    assert banks.effective == Effective(date(2026, 1, 1), None)
    assert (dict(banks.labels), banks.note) == ({"x": "1", "y": "2"}, "hi")
    assert isinstance(banks.when, AllOf)
    assert [test.field for test in banks.when.conditions if isinstance(test, FieldTest)] == ["country", "industry"]
    assert (str(banks.place), banks.row) == ("t.csv:2:1", 2)
    assert isinstance(rest.when, Always)
    assert rest.owners == Unassigned()


@pytest.mark.parametrize(
    ("cell", "value", "expected"),
    [
        ("Banking", "banking", True),
        ("Banking | Retail", "retail", True),
        ("Banking | Retail", "software", False),
        ("(missing)", None, True),
        ("(missing)", "banking", False),
        ("Banking | (missing)", None, True),
        ("", None, True),
        ("", "anything", True),
        ("Bank*", "banking", True),
        ("!= Banking", "retail", True),
        ("!= Banking", None, False),
    ],
)
def test_cells_hold_matchers(tmp_path: Path, cell: str, value: str | None, expected: bool) -> None:
    pack = table(tmp_path, f"industry,city,territory,owners\n{cell},x,hit,a@example.com\n,,rest,unassigned\n")
    values: dict[str, Value] = {"city": "x"} if value is None else {"city": "x", "industry": value}
    assert (taken_by(pack, **values) == "hit") is expected


def test_a_cell_may_name_a_list_and_hold_a_range(tmp_path: Path) -> None:
    pack = table(
        tmp_path,
        "domain,employees,territory,owners\n@vip,,vip,a@example.com\n,200..999,mid,b@example.com\n,,rest,unassigned\n",
    )
    assert taken_by(pack, domain="acme.com", employees=Decimal(300)) == "vip"
    assert taken_by(pack, domain="x.com", employees=Decimal(300)) == "mid"
    assert taken_by(pack, domain="x.com", employees=Decimal(5)) == "rest"


def test_states_resolve_by_the_country_of_their_row_and_of_the_territory_above(tmp_path: Path) -> None:
    pack = table(
        tmp_path / "1",
        "country,state,territory,owners\nUS,CA,west,a@example.com\nAU,WA,perth,b@example.com\n,,rest,unassigned\n",
    )
    assert taken_by(pack, country="AU", state="AU-WA") == "perth"
    below = table(tmp_path / "2", "state,territory,owners\nWA,west,a@example.com\n", BELOW)
    assert taken_by(below, country="US", state="US-WA") == "west"
    assert codes(
        tmp_path / "3", {"pack.yaml": ROOT, "t.csv": "state,territory,owners\nWA,w,a@example.com\n,rest,unassigned\n"}
    ) == ["SYN221"]


def test_one_territory_is_one_node_where_rows_exclude_each_other(tmp_path: Path) -> None:
    rows = "DE,dach,a@example.com\nFR,france,b@example.com\nAT | CH,dach,\n,rest,unassigned\n"
    pack = table(tmp_path, "country,territory,owners\n" + rows)
    dach, france, _ = pack.roles["owner"]
    assert (dach.name, france.name) == ("dach", "france")
    assert isinstance(dach.when, AnyOf)
    assert len(dach.when.conditions) == 2
    assert [str(each.place) for each in dach.when.conditions] == ["t.csv:2:1", "t.csv:4:1"]
    assert [taken_by(pack, country=country) for country in ("DE", "CH", "FR", "GB")] == [
        "dach",
        "dach",
        "france",
        "rest",
    ]


def test_rows_are_tried_in_order_also_between_alternatives(tmp_path: Path) -> None:
    rows = "DE,,dach,a@example.com\n,Banking,banks,b@example.com\nAT,,dach,\n,,rest,unassigned\n"
    pack = table(tmp_path, "country,industry,territory,owners\n" + rows)
    assert taken_by(pack, country="AT", industry="banking") == "banks"
    assert taken_by(pack, country="AT") == "dach"
    assert [each.path for each in pack.roles["owner"]] == ["dach", "banks", "dach", "rest"]
    assert pack.roles["owner"][0].owners == pack.roles["owner"][2].owners


CELLS = st.sampled_from(["", "x", "y", "x | y", "x*", "(missing)"])
ROWS = st.lists(st.tuples(CELLS, CELLS, st.sampled_from("abc")), min_size=1, max_size=8)


@settings(max_examples=60)
@given(rows=ROWS)
def test_a_table_takes_what_its_first_matching_row_names(
    rows: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("table")
    body = "".join(f"{first},{second},{name},a@example.com\n" for first, second, name in rows)
    content = "name,city,territory,owners\n" + body + ",,rest,unassigned\n"
    if "SYN264" in codes(root, {"pack.yaml": ROOT, "t.csv": content}):
        return
    pack = table(root, content)
    for name in ("x", "y", "xz", None):
        for city in ("x", "y", "xz", None):
            values = {key: value for key, value in (("name", name), ("city", city)) if value is not None}
            assert taken_by(pack, **values) == first_match(rows, name, city)


NAMES, CITIES = " | ".join(f"n{n}" for n in range(9)), " | ".join(f"c{n}" for n in range(9))


def test_rows_of_more_combinations_than_are_compared_keep_their_order_and_accuse_nobody(tmp_path: Path) -> None:
    rows = [("n8", "c8", "a"), (NAMES, CITIES, "b"), ("n0 | n1", "c0", "a"), (NAMES, CITIES, "b"), ("z", "c8", "a")]
    body = "".join(f"{first},{second},{name},a@example.com\n" for first, second, name in rows)
    pack = table(tmp_path, "name,city,territory,owners\n" + body + ",,rest,unassigned\n")
    assert [each.path for each in pack.roles["owner"]] == ["a", "b", "a", "b", "a", "rest"]
    for name in ("n0", "n1", "n8", "z", None):
        for city in ("c0", "c8", "z", None):
            values = {key: value for key, value in (("name", name), ("city", city)) if value is not None}
            assert taken_by(pack, **values) == first_match(rows, name, city)
    beaten = [each.place.line for each in pack.findings if each.code == "SYN265" and each.place]
    assert beaten == [5], "only the row that repeats another as a whole is known to lose"


def first_match(rows: list[tuple[str, str, str]], *values: str | None) -> str:
    def matches(cell: str, value: str | None) -> bool:
        parts = cell.split(" | ")
        return (
            not cell
            or (value is None and "(missing)" in parts)
            or (value is not None and (value in parts or (value.startswith("x") and "x*" in parts)))
        )

    return next((row[2] for row in rows if all(map(matches, row[:2], values))), "rest")


def test_rows_of_one_territory_share_what_one_of_them_fills(tmp_path: Path) -> None:
    pack = table(
        tmp_path, "country,territory,owners,assign\nDE,dach,a@example.com,stable\nAT,dach,,\n,rest,unassigned,\n"
    )
    assert pack.roles["owner"][0].assign == "stable"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "country,territory,owners\nDE,dach,a@example.com\nAT,dach,b@example.com\n,rest,unassigned\n",
            ["t.csv:3:9 SYN266"],
        ),
        (
            "country,territory,owners\nDE,dach,a@example.com\nGermany,emea,b@example.com\n,rest,unassigned\n",
            ["t.csv:3:1 SYN264"],
        ),
        ("contry,territory,owners\nDE,dach,a@example.com\n", ["t.csv:1:1 SYN263"]),
        ("country,owner,territory,owners\nDE,,dach,a@example.com\n", ["t.csv:1:9 SYN263"]),
        ("country,owners\nDE,a@example.com\n", ["pack.yaml:4:22 SYN261"]),
        ("country,territory,owners\nDE,,a@example.com\n,rest,unassigned\n", ["t.csv:2:4 SYN244"]),
        ("country,territory,owners\nDE,Big One,a@example.com\n,rest,unassigned\n", ["t.csv:2:4 SYN244"]),
        ("country,territory,owners\nDE,dach,\n,rest,unassigned\n", ["t.csv:2:1 SYN252"]),
        ("country,territory,owners\nDE,dach,nobody\n,rest,unassigned\n", ["t.csv:2:9 SYN251"]),
        ("country,territory,owners\nDE,dach,pool:nope\n,rest,unassigned\n", ["t.csv:2:9 SYN250"]),
        ("country,territory,owners,keep\nDE,dach,a@example.com,maybe\n,rest,unassigned,\n", ["t.csv:2:23 SYN242"]),
        ("country,territory,owners,leeway\nDE,dach,a@example.com,half\n,rest,unassigned,\n", ["t.csv:2:23 SYN242"]),
        ("domain,territory,owners\n@nope,a,a@example.com\n,rest,unassigned\n", ["t.csv:2:1 SYN220"]),
        ("country,territory,owners\nDE,dach,a@example.com\n", ["pack.yaml:4:14 SYN253"]),
        ("country,territory,owners\n", ["pack.yaml:4:22 SYN267"]),
    ],
)
def test_one_mistake_in_a_table_is_one_finding(tmp_path: Path, content: str, expected: list[str]) -> None:
    findings = found(tmp_path, {"pack.yaml": ROOT, "t.csv": content})
    assert [f"{each.place} {each.code}" for each in findings if each.severity == "error"] == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("us,x@example.com\n", []),
        ("us,x@example.com\nde,x@example.com\n", ["SYN264"]),
        ("us,x@example.com\nus,x@example.com\n", ["SYN265"]),
    ],
)
def test_a_table_may_test_nothing(tmp_path: Path, rows: str, expected: list[str]) -> None:
    assert codes(tmp_path, {"pack.yaml": ROOT, "t.csv": f"territory,owners\n{rows}"}) == expected


def test_a_table_below_a_territory_with_owners_needs_no_catch_all(tmp_path: Path) -> None:
    assert table(tmp_path, "industry,territory,owners\nBanking,banks,a@example.com\n", BELOW)


def test_a_table_below_a_group_needs_one(tmp_path: Path) -> None:
    group = BELOW.replace("    owners: [x@example.com]\n", "")
    content = "industry,territory,owners\nBanking,banks,a@example.com\n"
    assert codes(tmp_path / "1", {"pack.yaml": group, "t.csv": content}) == ["SYN252"]
    assert table(tmp_path / "2", content + ",others,unassigned\n", group)


def test_the_names_of_a_table_are_names_of_the_pack(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, {"pack.yaml": BELOW, "t.csv": "city,territory,owners\nx,us,a@example.com\n"})
    assert finding.code == "SYN206"


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["DE,,a", "DE,Banking,b"], [3]),
        (["DE,Banking,b", "DE,,a"], []),
        (["DE | AT,,a", "AT,Banking,b"], [3]),
        (["DE,,a", "AT,,b", "DE | AT,Banking,c"], [4]),
        (["DE,,a", "DE | AT,Banking,c"], []),
        ([",,a", "DE,,b", "FR,,c"], [3, 4, 5]),
        (["DE,,a", "Germany,,a"], [3]),
        (["DE,Bank*,a", "DE,Bank*,a"], [3]),
    ],
)
def test_rows_that_cannot_win_are_warnings(tmp_path: Path, rows: list[str], lines: list[int]) -> None:
    body = "".join(f"{row},a@example.com\n" for row in rows)
    pack = (
        table(tmp_path, "country,industry,territory,owners\n" + body + ",,rest,a@example.com\n")
        if rows[0] != ",,a"
        else None
    )
    if pack is None:
        findings = found(
            tmp_path,
            {"pack.yaml": ROOT, "t.csv": "country,industry,territory,owners\n" + body + "GB,,d,a@example.com\n"},
        )
    else:
        findings = pack.findings
    assert [each.place.line for each in findings if each.code == "SYN265" and each.place] == lines


@given(
    st.lists(
        st.tuples(*[st.sampled_from(cells) for cells in (("", "DE", "FR"), ("", "Bank", "Retail"), ("", "a", "b"))]),
        min_size=1,
        max_size=9,
    )
)
@settings(max_examples=40, deadline=None)
def test_the_short_way_over_a_whole_table_finds_what_each_row_alone_does(rows: list[tuple[str, str, str]]) -> None:
    lines = [f"{','.join(cells)},t{number % 3},a@example.com" for number, cells in enumerate(rows)]
    content = "\n".join(["country,industry,city,territory,owners", *lines, ""])
    with tempfile.TemporaryDirectory() as short, tempfile.TemporaryDirectory() as long:
        quick = found(Path(short), {"pack.yaml": ROOT, "t.csv": content})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RowOverlap, "_is_plain_and_disjoint", lambda _: False)
            patch.setattr(RowOverlap, "_codes", lambda _: iter(()))
            assert found(Path(long), {"pack.yaml": ROOT, "t.csv": content}) == quick


def test_rows_with_different_days_may_share_a_condition(tmp_path: Path) -> None:
    content = (
        "country,territory,owners,effective_from,effective_until\n"
        "DE,old,a@example.com,,2026-12-31\nDE,new,b@example.com,2027-01-01,\nDE,never,c@example.com,,\n,rest,unassigned,,\n"
    )
    assert table(tmp_path, content).findings == ()


def test_many_equal_problems_are_counted_not_listed(tmp_path: Path) -> None:
    body = "".join(f"{10000 + number},t-{number},a@example.com\n" for number in range(100))
    pack = table(tmp_path, "postal_code,territory,owners\n" + body + ",rest,unassigned\n")
    messages = [each.message for each in pack.findings if each.code == "SYN222"]
    assert len(messages) == 11
    assert "90 more cells of the column `postal_code` have this problem" in messages


def test_the_text_of_a_row_says_its_tests_and_options(tmp_path: Path) -> None:
    pack = table(tmp_path, "country,territory,owners,note\nDE,dach,a@example.com,x\nAT,dach,,y\n,rest,unassigned,\n")
    dach: Territory = pack.roles["owner"][0]
    assert dach.text == "territory: dach; country: DE | country: AT; owners: a@example.com"


def test_custom_fields_are_columns(tmp_path: Path) -> None:
    from syncd.model.fields import FieldCatalogue
    from syncd.model.refs import Kind
    from syncd.rules.loader import load_pack

    (tmp_path / "pack.yaml").write_text(ROOT)
    (tmp_path / "t.csv").write_text("vertical,territory,owners\nBio,bio,a@example.com\n,rest,unassigned\n")
    catalogue = FieldCatalogue().extended(Kind.ACCOUNT, {"vertical": FieldType.PICKLIST})
    assert taken_by(load_pack(tmp_path, catalogue=catalogue), vertical="bio") == "bio"


def test_ten_thousand_rows_are_read_in_seconds(tmp_path: Path) -> None:
    body = "".join(
        f"{10000 + number * 4},t-{number // 50},r{number // 50 % 90}@example.com\n" for number in range(10_000)
    )
    start = time.process_time()
    pack = table(tmp_path, "postal_code,territory,owners\n" + body, BELOW)
    assert time.process_time() - start < 10
    assert len(list(pack.territories())) == 202


def test_rows_share_the_test_of_a_cell_and_each_clause_stands_in_its_own_row(tmp_path: Path) -> None:
    rows = "DE,Banking,dach,a@example.com\nDE,Retail,dach,\nAT,Banking,dach,\n,,rest,unassigned\n"
    when = table(tmp_path, "country,industry,territory,owners\n" + rows).roles["owner"][0].when
    assert isinstance(when, AnyOf)
    first, second, third = (each.conditions for each in when.conditions if isinstance(each, AllOf))
    assert first[0] is second[0]
    assert first[1] is third[1]
    traced = trace(when, Facts("k", ("k",), values={"country": "AT"}), CONTEXT)
    assert [[str(leaf.place) for leaf in row.children] for row in traced.children] == [
        [f"t.csv:{line}:1"] * 2 for line in (2, 3, 4)
    ]
    (missing,) = failing(when, Facts("k", ("k",), values={"country": "AT"}), CONTEXT)
    assert str(missing.place) == "t.csv:4:1"
    placed = [(test.text, str(place)) for test, place, _ in placed_tests(when, None)]
    assert placed == [
        ("country: DE", "t.csv:2:1"),
        ("industry: Banking", "t.csv:2:1"),
        ("industry: Retail", "t.csv:3:1"),
        ("country: AT", "t.csv:4:1"),
    ]


@pytest.mark.parametrize("cell", ["Banking", "94105", "acme.com", "a-b c.d", "missing", "true", "5", "New York"])
def test_a_plain_cell_means_what_the_same_text_means_in_a_rule(tmp_path: Path, cell: str) -> None:
    for number, name in enumerate(("industry", "city", "domain", "employees", "locked", "postal_code", "created_at")):
        row = f"country,{name},territory,owners\nUS,{cell},t,a@example.com\n,,rest,unassigned\n"
        rule = (
            "format: 1\nterritories:\n"
            f"  - {{name: t, when: {{country: US, {name}: '{cell}'}}, owners: [a@example.com]}}"
            "\n  - {name: rest, when: always, owners: unassigned}\n"
        )
        written = {"pack.yaml": ROOT, "t.csv": row}
        said = [each for each in codes(tmp_path / f"t{number}", written) if each.startswith("SYN2")]
        assert said == [each for each in codes(tmp_path / f"r{number}", {"pack.yaml": rule}) if each.startswith("SYN2")]
        if not said:
            one, other = (
                loaded(tmp_path / f"l{number}{kind}", files).roles["owner"][0].when
                for kind, files in (("t", written), ("r", {"pack.yaml": rule}))
            )
            assert condition_key(one) == condition_key(other)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("DE,de,a@example.com\n,all,b@example.com\n", [("pack.yaml:4:5", "SYN255")]),
        (",all,b@example.com\n", [("pack.yaml:4:5", "SYN255")]),
        (",all,b@example.com\nDE,de,a@example.com\n", [("t.csv:3:1", "SYN265"), ("pack.yaml:4:5", "SYN255")]),
        ("DE,de,a@example.com\n", []),
    ],
    ids=["last row", "only row", "first row", "no such row"],
)
def test_what_follows_a_table_that_takes_everything_is_warned_of_once(
    tmp_path: Path, rows: str, expected: list[tuple[str, str]]
) -> None:
    """Of rows behind such a row the table tells itself."""
    root = (
        "format: 1\nterritories:\n  - table: t.csv\n  - {name: x, when: {country: US}, owners: unassigned}\n"
        "  - {name: rest, when: always, owners: unassigned}\n"
    )
    pack = table(tmp_path, "country,territory,owners\n" + rows, root)
    assert sorted((str(each.place), each.code) for each in pack.findings) == sorted(expected)
