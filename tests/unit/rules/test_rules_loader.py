"""Loading packs: what a valid pack comes to, how files merge, and what is wrong with the others."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pack_writing import CATCH_ALL, MINIMAL, codes, errors, found, in_pack, loaded, with_territory, write

from syncd.errors import InputError, page_of
from syncd.rules.conditions import AllOf, Always, FieldTest, InSegment
from syncd.rules.loader import load_pack, pack_revision
from syncd.rules.pack import (
    Cap,
    Duration,
    Effective,
    OwnersByEmail,
    OwnersByLookup,
    OwnersByPool,
    Pack,
    Territory,
    Unassigned,
)
from syncd.rules.reading import pack_files

ACME = Path(__file__).parent / "packs" / "acme"


@pytest.fixture(scope="module")
def acme() -> Pack:
    return load_pack(ACME)


def territory(pack: Pack, name: str, role: str = "owner") -> Territory:
    return next(each for each in pack.territories(role) if each.name == name)


# What a pack comes to


def test_the_options_of_the_pack_are_read(acme: Pack) -> None:
    assert (acme.name, str(acme.zone), acme.fiscal_year_start) == ("acme", "Europe/Berlin", 2)
    assert (acme.default_country, acme.fill_missing_country) == ("US", True)
    assert (acme.manage, acme.manage_from) == (("emea",), date(2027, 1, 1))
    assert acme.respect_people_for == Duration(90, "d")
    assert (acme.plan_at, acme.write) == (("Mon-Fri 10:00",), ("territory", "band"))
    assert acme.cascade.contacts == "follow"


def test_trees_keep_the_order_written_with_inserted_files_in_place(acme: Pack) -> None:
    assert [each.name for each in acme.roles["owner"]] == ["strategic", "emea", "rest-of-world"]
    assert [each.path for each in acme.territories("csm")] == ["emea-csm"]
    assert territory(acme, "dach-banking").path == "emea/dach-banking"
    assert territory(acme, "dach-banking").place.path == "territories/emea.yaml"


def test_owners_in_every_form(acme: Pack) -> None:
    assert territory(acme, "dach-banking").owners == OwnersByEmail(("anna@example.com", "jonas@example.com"))
    assert territory(acme, "emea").owners == OwnersByPool("emea-triage")
    assert territory(acme, "rest-of-world").owners == Unassigned()
    looked_up = territory(acme, "strategic").owners
    assert isinstance(looked_up, OwnersByLookup)
    assert dict(looked_up.table) == {"acme.com": "ben@example.com", "globex.com": "seat:west-4"}


def test_inherited_options_are_resolved(acme: Pack) -> None:
    below = territory(acme, "dach-banking")
    assert (below.keep, below.labels["region"]) == (False, "emea")
    assert below.overflow == OwnersByPool("emea-triage")
    assert below.cap == Cap(120, 10, 30, {"A": 10})
    assert territory(acme, "emea").overflow is None
    assert territory(acme, "rest-of-world").keep is True


def test_what_a_child_says_wins_over_what_it_inherits(tmp_path: Path) -> None:
    pack = loaded(
        tmp_path,
        with_territory(
            "name: a",
            "when: {country: DE}",
            "owners: [a@example.com]",
            "keep: false",
            "balance_by: score",
            "overflow: [c@example.com]",
            "labels: {x: '1', y: '2'}",
            "territories:",
            "  - {name: b, when: {employees: 5}, owners: [b@example.com], keep: true, labels: {y: '3'}}",
        ),
    )
    child = territory(pack, "b")
    assert (child.keep, child.balance_by, dict(child.labels)) == (True, "score", {"x": "1", "y": "3"})
    assert child.overflow == OwnersByEmail(("c@example.com",))


def test_people_are_read(acme: Pack) -> None:
    anna = acme.reps["anna@example.com"]
    assert (anna.capacity, anna.max_accounts) == (Decimal(120), 150)
    assert anna.ramp == (Decimal("0.25"), Decimal("0.5"), Decimal("1.0"))
    assert anna.out_of_office[0].cover == "jonas@example.com"
    assert anna.hours == "09:00-17:00 Europe/Berlin"
    assert acme.seats["west-4"].holder == "lena@example.com"
    assert acme.pools["emea-triage"].members == (
        ("anna@example.com", Decimal(1)),
        ("jonas@example.com", Decimal(2)),
        ("seat:west-4", Decimal(1)),
    )


def test_exceptions_limits_and_quotas_are_read(acme: Pack) -> None:
    assert (acme.overrides[0].account, acme.overrides[0].expires) == ("acme.com", date(2026, 12, 31))
    assert (acme.disputes[0].account, acme.disputes[0].place.path) == ("globex.com", "lists/disputes.csv")
    assert acme.protect[0].name == "late-stage-deal"
    assert acme.deal_holdouts[0].territory == "emea/dach-banking"
    assert (acme.guard.changes_share, acme.guard.money) == (Decimal("0.05"), Decimal(10_000_000))
    assert [(each.name, each.enabled) for each in acme.monitors] == [
        ("Unassigned", True),
        ("Drift", False),
        ("UnworkedAccounts", True),
    ]
    assert acme.monitors[0].options == {"severity": "ticket", "for": "1d"}
    assert [(each.territory, each.rep, each.amount, each.currency) for each in acme.quotas] == [
        ("emea", None, Decimal(2_000_000), "EUR"),
        (None, "anna@example.com", Decimal(250_000), "USD"),
    ]


def test_cases_keep_raw_values(acme: Pack) -> None:
    first, second = acme.tests
    assert first.account == {"country": "Germany", "industry": "Banking", "employees": "5200"}
    assert first.expect == {"territory": ("dach-banking",), "owner": ("anna@example.com", "jonas@example.com")}
    assert first.now == datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert second.account is not None
    assert second.account["open_stages"] == ("Negotiation",)
    assert second.ledger["at"] == "2026-11-01T00:00:00Z"
    assert second.opportunities == ({"stage": "Negotiation", "amount": "5M"},)


def test_segments_may_name_segments_that_stand_later(tmp_path: Path) -> None:
    pack = loaded(tmp_path, in_pack("segments: {a: {in_segment: b}, b: {in_segment: [c]}, c: {country: DE}}"))
    assert isinstance(pack.segments["a"], InSegment)
    assert tuple(pack.segments) == ("a", "b", "c")


def test_states_resolve_by_the_country_of_an_ancestor(tmp_path: Path) -> None:
    pack = loaded(
        tmp_path,
        with_territory(
            "name: us",
            "when: {country: US}",
            "owners: [a@example.com]",
            "territories:",
            "  - {name: west, when: {state: [CA, OR]}, owners: [b@example.com]}",
        ),
    )
    test = territory(pack, "west").when
    assert isinstance(test, FieldTest)


def test_the_text_of_a_territory_says_its_rule_and_neither_children_nor_remarks(tmp_path: Path) -> None:
    lines = ("name: a", "when: {country:   [DE,  AT]}", "owners: [a@example.com]")
    children = ("territories:", "  - {name: b, when: {employees: 5}, owners: [b@example.com]}")
    plain = territory(loaded(tmp_path / "1", with_territory(*lines)), "a").text
    more = territory(loaded(tmp_path / "2", with_territory(*lines, "note: a remark", *children)), "a").text
    assert plain == more == "name: a, when: {country: [DE, AT]}, owners: [a@example.com]"


def test_a_pack_without_a_name_is_called_like_its_folder(tmp_path: Path) -> None:
    assert loaded(tmp_path / "west", {"a.yaml": MINIMAL}).name == "west"


# How files merge


def test_named_maps_and_lists_merge_across_files(tmp_path: Path) -> None:
    pack = loaded(
        tmp_path,
        {
            "a.yaml": MINIMAL + "segments: {x: {country: DE}}\nreps: [a@example.com]\nguard: {per_rep: 1}\n",
            "sub/b.yaml": "segments: {y: {in_segment: x}}\nreps: [{email: b@example.com}]\nguard: {api_calls: 2}\n",
        },
    )
    assert set(pack.segments) == {"x", "y"}
    assert set(pack.reps) == {"a@example.com", "b@example.com"}
    assert (pack.guard.per_rep, pack.guard.api_calls) == (1, 2)
    assert pack.files == ("a.yaml", "sub/b.yaml")


@pytest.mark.parametrize(
    ("first", "second", "line", "column"),
    [
        ("segments: {x: {country: DE}}", "segments: {x: {country: FR}}", 1, 12),
        ("pools: {p: {members: [a@example.com]}}", "pools: {p: {members: [b@example.com]}}", 1, 9),
        ("lists: {p: [a]}", "lists: {p: [b]}", 1, 9),
        ("reps: [a@example.com]", "reps: [{email: A@example.com}]", 1, 8),
        ("reps: [{seat: s, holder: a@example.com}]", "reps: [{seat: s, cover: b@example.com}]", 1, 8),
        ("guard: {per_rep: 1}", "guard: {per_rep: 1}", 1, 9),
        ("protect: {p: {when: {locked: true}}}", "protect: {p: {when: {locked: false}}}", 1, 11),
        (
            "tests: [{name: t, account: {}, expect: {held: x}}]",
            "tests: [{name: t, account: {}, expect: {held: x}}]",
            1,
            9,
        ),
    ],
)
def test_the_same_name_in_two_files_names_both_places(
    tmp_path: Path, first: str, second: str, line: int, column: int
) -> None:
    (finding,) = found(tmp_path, {"a.yaml": first, "b.yaml": second, "c.yaml": MINIMAL})
    assert (finding.code, str(finding.place)) == ("SYN206", f"b.yaml:{line}:{column}")
    assert "a.yaml:1:" in finding.message


def test_a_territory_name_is_unique_in_the_pack(tmp_path: Path) -> None:
    files = {
        "a.yaml": "format: 1\nterritories:\n  - {name: x, when: {country: DE}, owners: [a@example.com]}\n" + CATCH_ALL,
        "b.yaml": "territories:\n  - {name: x, role: csm, when: {country: DE}, owners: [a@example.com]}\n",
    }
    (finding,) = found(tmp_path, files)
    assert (finding.code, str(finding.place)) == ("SYN206", "b.yaml:2:12")
    assert "a.yaml:3:12" in finding.message


def test_the_territories_of_one_role_stand_in_one_file(tmp_path: Path) -> None:
    more = "territories:\n  - {name: x, when: {country: DE}, owners: [a@example.com]}\n"
    assert errors(tmp_path, {"a.yaml": more, "b.yaml": MINIMAL}) == ["b.yaml:3:3 SYN246"]


def test_territories_of_two_roles_may_stand_in_two_files(tmp_path: Path) -> None:
    more = "territories:\n  - {name: x, role: csm, when: {country: DE}, owners: [a@example.com]}\n"
    pack = loaded(tmp_path, {"a.yaml": more, "b.yaml": MINIMAL})
    assert set(pack.roles) == {"csm", "owner"}


def test_insertion_goes_on_in_inserted_files_and_in_children(tmp_path: Path) -> None:
    pack = loaded(
        tmp_path,
        {
            "pack.yaml": "format: 1\nterritories:\n  - file: t/one.yaml\n" + CATCH_ALL,
            "t/one.yaml": "- name: a\n  when: {country: DE}\n  owners: [a@example.com]\n"
            "  territories:\n    - file: t/two.yaml\n",
            "t/two.yaml": "- file: t/three.yaml\n- {name: b, when: {employees: 5}, owners: [b@example.com]}\n",
            "t/three.yaml": "- {name: c, when: {employees: 6}, owners: [b@example.com]}\n",
        },
    )
    assert [each.path for each in pack.territories()] == ["a", "a/c", "a/b", "rest"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"p.yaml": "format: 1\nterritories:\n  - file: no.yaml\n"}, ["p.yaml:3:11 SYN247"]),
        ({"p.yaml": "format: 1\nterritories:\n  - file: q.yaml\n", "q.yaml": "pools: {}\n"}, ["p.yaml:3:11 SYN247"]),
        (
            {"p.yaml": "format: 1\nterritories:\n  - file: q.yaml\n", "q.yaml": "- file: q.yaml\n"},
            ["q.yaml:1:9 SYN247"],
        ),
        ({"p.yaml": MINIMAL, "q.yaml": "- {name: a, when: always}\n"}, ["q.yaml:1:1 SYN247"]),
        (
            {"p.yaml": "format: 1\nterritories:\n  - file: q.yaml\n  - file: ./q.yaml\n", "q.yaml": CATCH_ALL},
            ["p.yaml:4:11 SYN247"],
        ),
        ({"p.yaml": "format: 1\nterritories:\n  - file: ../q.yaml\n"}, ["p.yaml:3:11 SYN248"]),
        ({"p.yaml": "format: 1\nterritories:\n  - {file: q.yaml, when: always}\n"}, ["p.yaml:3:5 SYN247"]),
    ],
)
def test_insertions_that_cannot_be_followed(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    assert [each for each in errors(tmp_path, files) if "SYN253" not in each] == expected


def test_an_inserted_file_that_cannot_be_read_is_reported_once(tmp_path: Path) -> None:
    files = {"p.yaml": "format: 1\nterritories:\n  - file: q.yaml\n", "q.yaml": "- name: [a\n"}
    assert codes(tmp_path, files) == ["SYN201"]


def test_a_name_defined_in_an_unreadable_file_is_not_missed_elsewhere(tmp_path: Path) -> None:
    files = {
        "p.yaml": "format: 1\nterritories:\n"
        "  - {name: a, when: {in_segment: big, domain: {list: vip}}, owners: {pool: triage}}\n" + CATCH_ALL,
        "q.yaml": "segments: {big: {employees: 5}}\nlists: {vip: [a]}\npools: {triage: [a@example.com}\n",
    }
    assert codes(tmp_path, files) == ["SYN201"]


def test_hidden_files_are_no_part_of_a_pack(tmp_path: Path) -> None:
    assert loaded(tmp_path, {"a.yaml": MINIMAL, ".git/x.yaml": "nonsense", ".lint.yaml": "[", "README.md": "["})


def test_a_yml_file_is_a_warning(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, {"a.yaml": MINIMAL, "b.yml": "["})
    assert (finding.code, finding.severity) == ("SYN282", "warning")


@pytest.mark.parametrize("files", [{}, {"readme.md": "x"}])
def test_a_folder_without_yaml_is_an_error(tmp_path: Path, files: dict[str, str]) -> None:
    assert codes(tmp_path, files) == ["SYN209"]
    assert codes(tmp_path / "none", {}) == ["SYN209"]


def test_links_that_lead_out_of_the_pack_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "out", {"b.yaml": "segments: {}", "l.csv": "domain\nacme.com\n"})
    root = write(tmp_path / "pack", {"a.yaml": MINIMAL + "lists: {l: {file: l.csv, column: domain}}\n"})
    (root / "b.yaml").symlink_to(tmp_path / "out" / "b.yaml")
    (root / "l.csv").symlink_to(tmp_path / "out" / "l.csv")
    assert errors(root, {}) == ["a.yaml:4:19 SYN248", "b.yaml:1:1 SYN248"]


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.rules.reading.pack_files.MOST_YAML_BYTES", 1024)
    assert codes(tmp_path, {"a.yaml": MINIMAL, "b.yaml": "# " + "x" * 2000}) == ["SYN209"]


@pytest.mark.parametrize(("limit", "most"), [("MOST_YAML_FILES", 2), ("MOST_FILES", 5)])
def test_a_folder_that_can_be_no_pack_is_not_read(
    limit: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a.yaml": MINIMAL} | {f"folder{number}/b.yaml": "format: 7" for number in range(4)}
    assert len(errors(tmp_path, files)) > 1
    monkeypatch.setattr(f"syncd.rules.reading.pack_files.{limit}", most)
    assert [(each.code, each.hint) for each in found(tmp_path, files)] == [
        ("SYN209", "a pack is a folder of its own: name that one")
    ]


def test_the_page_names_the_limits() -> None:
    page = " ".join((page_of("SYN209") or "").split())
    told = [f"{pack_files.MOST_YAML_BYTES >> 20} MB for YAML", f"{pack_files.MOST_CSV_BYTES >> 20} MB for CSV"]
    told += [f"{pack_files.MOST_YAML_FILES:,} YAML files", f"{pack_files.MOST_FILES:,} files of any kind"]
    assert [each for each in told if each not in page] == []


# The format and the sections


@pytest.mark.parametrize(
    ("text", "code"), [("format: 2", "SYN245"), ("format: one", "SYN245"), ("format: [1]", "SYN245")]
)
def test_another_format_is_an_error(tmp_path: Path, text: str, code: str) -> None:
    assert codes(tmp_path, {"a.yaml": MINIMAL.replace("format: 1", text)}) == [code]


def test_a_missing_format_is_a_warning(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, {"a.yaml": MINIMAL.replace("format: 1\n", "")})
    assert (finding.code, finding.severity) == ("SYN245", "warning")


def test_every_file_may_say_its_format(tmp_path: Path) -> None:
    assert loaded(tmp_path, {"a.yaml": MINIMAL, "b.yaml": "format: 1\n"})


def test_an_unknown_section_or_option_suggests_the_right_one(tmp_path: Path) -> None:
    first, second = found(
        tmp_path,
        {"a.yaml": MINIMAL + "teritories: []\n", "b.yaml": "reps:\n  - {email: a@example.com, capcity: 5}\n"},
    )
    assert (first.code, first.hint) == ("SYN240", "did you mean `territories`?")
    assert (second.code, second.hint) == ("SYN240", "did you mean `capacity`?")


# Territories


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("name: a", "when: {country: DE}"), "SYN252"),
        (("when: {country: DE}", "owners: [a@example.com]"), "SYN243"),
        (("name: a", "owners: [a@example.com]"), "SYN243"),
        (("name: A b", "when: {country: DE}", "owners: [a@example.com]"), "SYN244"),
        (("name: a", "when: {country: DE}", "owners: []"), "SYN241"),
        (("name: a", "when: {country: DE}", "owners: [{rep: a}]"), "SYN241"),
        (("name: a", "when: {country: DE}", "owners: nobody"), "SYN251"),
        (("name: a", "when: {country: DE}", "owners: {pool: nope}"), "SYN250"),
        (("name: a", "when: {country: DE}", "owners: [seat:nope]"), "SYN250"),
        (("name: a", "when: {country: DE}", "owners: {pol: x}"), "SYN241"),
        (("name: a", "when: {country: DE}", "owners: [a@example]"), "SYN251"),
        (("name: a", "when: {country: DE}", "owners: [a@example.com]", "assign: randomly"), "SYN242"),
        (("name: a", "when: {country: DE}", "owners: [a@example.com]", "cap: lots"), "SYN242"),
        (("name: a", "when: {country: DE}", "owners: [a@example.com]", "cap: -1"), "SYN242"),
        (("name: a", "when: {country: DE}", "owners: [a@example.com]", "keep: perhaps"), "SYN242"),
        (("name: a", "when: {country: DE}", "owners: [a@example.com]", "effective: {from: 1.1.2026}"), "SYN242"),
        (("name: a", "when: {country: DE}", "owners: [a@example.com]", "territories: []"), "SYN241"),
        (("name: a", "when: {owner: x@example.com}", "owners: [a@example.com]"), "SYN211"),
    ],
)
def test_one_mistake_in_a_territory_is_one_finding(tmp_path: Path, lines: tuple[str, ...], code: str) -> None:
    assert codes(tmp_path, with_territory(*lines)) == [code]


def test_swapped_days_are_a_warning(tmp_path: Path) -> None:
    lines = (
        "name: a",
        "when: {country: DE}",
        "owners: [a@example.com]",
        "effective: {from: 2027-01-02, until: 2027-01-01}",
    )
    pack = loaded(tmp_path, with_territory(*lines))
    assert [each.code for each in pack.findings] == ["SYN273"]
    assert territory(pack, "a").effective == Effective(date(2027, 1, 2), date(2027, 1, 1))


def test_a_group_ends_in_a_child_that_takes_the_rest(tmp_path: Path) -> None:
    group = (
        "name: g",
        "when: {country: DE}",
        "territories:",
        "  - {name: a, when: {employees: 5}, owners: [a@example.com]}",
    )
    last = "  - {name: b, when: always, owners: unassigned}"
    assert loaded(tmp_path / "1", with_territory(*group, last))
    assert codes(tmp_path / "2", with_territory(*group)) == ["SYN252"]
    window = last.replace("owners", "effective: {from: 2026-01-01}, owners")
    assert codes(tmp_path / "3", with_territory(*group, window)) == ["SYN252"]


@pytest.mark.parametrize(
    "text",
    [
        "format: 1\nterritories:\n  - {name: a, when: {country: DE}, owners: [a@example.com]}\n",
        "format: 1\nterritories:\n  - {name: a, when: always, owners: unassigned, effective: {until: 2027-01-01}}\n",
        "format: 1\nterritories:\n  - {name: a, role: csm, when: always, owners: [a@example.com]}\n",
        "format: 1\n",
    ],
)
def test_the_owner_tree_ends_in_a_catch_all(tmp_path: Path, text: str) -> None:
    assert codes(tmp_path, {"a.yaml": text}) == ["SYN253"]


def test_a_broken_condition_is_not_also_called_a_missing_catch_all(tmp_path: Path) -> None:
    text = "format: 1\nterritories:\n  - {name: a, when: {contry: DE}, owners: [a@example.com]}\n"
    assert codes(tmp_path, {"a.yaml": text}) == ["SYN210"]


def test_a_broken_condition_with_days_is_not_called_one_either(tmp_path: Path) -> None:
    text = "  - {name: a, when: {contry: DE}, owners: unassigned, effective: {from: 2026-01-01}}\n"
    assert codes(tmp_path, {"a.yaml": "format: 1\nterritories:\n" + text}) == ["SYN210"]


def test_what_follows_a_catch_all_is_a_warning(tmp_path: Path) -> None:
    pack = loaded(tmp_path, with_territory("name: all", "when: always", "owners: [a@example.com]"))
    assert [each.code for each in pack.findings] == ["SYN255"]


def test_a_role_below_the_top_is_an_error(tmp_path: Path) -> None:
    lines = ("name: a", "when: always", "territories:", "  - {name: b, role: csm, when: always, owners: unassigned}")
    assert "SYN256" in codes(tmp_path, with_territory(*lines))


@pytest.mark.parametrize(
    ("segments", "names"),
    [
        ("{a: {in_segment: a}}", "a → a"),
        ("{a: {in_segment: b}, b: {not: {in_segment: [c]}}, c: {any: [{in_segment: a}]}}", "c → a → b → c"),
    ],
)
def test_segments_in_a_circle_are_an_error(tmp_path: Path, segments: str, names: str) -> None:
    (finding,) = found(tmp_path, in_pack(f"segments: {segments}"))
    assert finding.code == "SYN254"
    assert names in finding.message


@pytest.mark.parametrize("count", [30, 3000])
def test_a_long_chain_of_segments_is_refused_by_name(tmp_path: Path, count: int) -> None:
    chain = "".join(f"  s{number}: {{in_segment: s{number + 1}}}\n" for number in range(count))
    assert codes(tmp_path, in_pack("segments:\n" + chain + f"  s{count}: {{country: DE}}")) == ["SYN254"]


def test_segments_that_multiply_are_refused_instead_of_written_out(tmp_path: Path) -> None:
    bomb = "".join(f"  s{number}: {{in_segment: [{', '.join([f's{number + 1}'] * 9)}]}}\n" for number in range(9))
    assert codes(tmp_path, in_pack("segments:\n" + bomb + "  s9: {country: DE}")) == ["SYN254"]


# People and exceptions


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("reps: [{capacity: 5}]", "SYN243"),
        ("reps: [{email: nobody}]", "SYN251"),
        ("reps: [{email: a@example.com, capacity: 0}]", "SYN242"),
        ("reps: [{email: a@example.com, hours: 9 to 5}]", "SYN242"),
        ("reps: [{email: a@example.com, out_of_office: [{from: 2026-01-01}]}]", "SYN243"),
        ("reps: {a: b}", "SYN241"),
        ("pools: {p: {members: []}}", "SYN241"),
        ("pools: {p: {members: [{rep: a@example.com, weight: 0}]}}", "SYN257"),
        ("pools: {p: {members: [{rep: a@example.com, weight: -1}]}}", "SYN242"),
        ("pools: {p: {members: [a@example.com, A@example.com]}}", "SYN206"),
        ("pools: {P: {members: [a@example.com]}}", "SYN244"),
        ("protect: {p: {reason: x}}", "SYN243"),
        ("protect: {p: {when: {locked: true}, roles: [onwer]}}", "SYN250"),
        ("overrides: [{owner: a@example.com, by: b, why: c}]", "SYN243"),
        ("overrides: [{account: acme.com, owner: a@example.com, by: b, why: c, role: cms}]", "SYN250"),
        ("deal_holdouts: [{opportunities: {stage: X}, of: {territory: nope}}]", "SYN250"),
        ("deal_holdouts: [{opportunities: {stge: X}}]", "SYN210"),
        ("pack: {manage: {territories: [nope]}}", "SYN250"),
        ("pack: {defaults: {country: Atlantis}}", "SYN242"),
        ("pack: {plan_at: [whenever]}", "SYN242"),
        ("pack: {respect_people_for: 3m}", "SYN242"),
        ("pack: {fiscal_year_start: 13}", "SYN242"),
        ("guard: {changes: {share: 5}}", "SYN242"),
        ("guard: {money: 5 EUR}", "SYN242"),
        ("guard: {windows: [always]}", "SYN242"),
        ("monitors: {Unasigned: {severity: page}}", "SYN240"),
        ("monitors: {Unassigned: {severity: loud}}", "SYN242"),
        ("lists: {l: acme.com}", "SYN241"),
        ("lists: {l: {file: no.csv, column: x}}", "SYN209"),
        ("lists: {l: {file: ../no.csv, column: x}}", "SYN248"),
        ("lists: {l: {file: /etc/passwd, column: x}}", "SYN248"),
        ("tests: [{name: t, account: {contry: DE}, expect: {owner: x}}]", "SYN240"),
        ("tests: [{name: t, account: {country: DE}, expect: {onwer: x}}]", "SYN240"),
        ("tests: [{name: t, account: {country: DE}}]", "SYN243"),
        ("tests: [{name: t, account: {country: DE}, parent: {contry: DE}, expect: {owner: x}}]", "SYN240"),
        ("tests: [{name: t, account: {country: DE}, parent: acme.com, expect: {owner: x}}]", "SYN241"),
    ],
)
def test_one_mistake_elsewhere_is_one_finding(tmp_path: Path, lines: str, code: str) -> None:
    assert codes(tmp_path, in_pack(lines)) == [code]


def test_a_key_with_nothing_after_it_is_not_also_missed(tmp_path: Path) -> None:
    assert codes(tmp_path, with_territory("name: a", "when:", "owners: [a@example.com]")) == ["SYN207"]
    assert codes(tmp_path, with_territory("name: a", "when: {country: DE}", "owners:")) == ["SYN207"]
    assert codes(tmp_path, with_territory("name: a", "when: {country: }", "owners: [a@example.com]")) == ["SYN207"]
    assert codes(tmp_path, in_pack("territories_:", "format_: 1")) == ["SYN240", "SYN207"][::-1]


def override(expires: str, owner: str = "a@example.com", account: str = "acme.com") -> str:
    return f"{{account: {account}, owner: {owner}, by: b, why: c, expires: {expires}}}"


def test_two_overrides_in_force_for_one_account_are_an_error(tmp_path: Path) -> None:
    both = in_pack(f"overrides: [{override('2026-12-31')}, {override('2027-12-31', account='ACME.com')}]")
    assert codes(tmp_path, both) == ["SYN270"]


def test_an_expired_override_is_a_warning_and_may_be_followed_by_a_new_one(tmp_path: Path) -> None:
    both = in_pack(f"overrides: [{override('2026-12-31')}, {override('2027-12-31')}]")
    last_day, next_day = datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2027, 1, 1, 0, tzinfo=UTC)
    assert codes(tmp_path, both, last_day) == ["SYN270"]
    assert codes(tmp_path, both, next_day) == ["SYN271"]
    assert load_pack(tmp_path, now=next_day).overrides[0].expires == date(2026, 12, 31)


def test_an_override_without_a_reason_is_a_warning(tmp_path: Path) -> None:
    pack = loaded(tmp_path, in_pack("overrides: [{account: acme.com, owner: a@example.com}]"))
    assert [each.code for each in pack.findings] == ["SYN272"]


# Revision and failure


def test_the_revision_is_over_yaml_and_the_csv_files_that_are_named(tmp_path: Path) -> None:
    files = {**in_pack("lists: {l: {file: l.csv, column: d}}"), "l.csv": "d\nx.com\n", "other.csv": "d\n1\n"}
    first = loaded(tmp_path, files).revision
    assert first == pack_revision(tmp_path)
    assert len(first) == 16
    assert loaded(tmp_path, {"other.csv": "changed\n", ".git/x": "y"}).revision == first
    assert loaded(tmp_path, {"l.csv": "d\nx.com\ny.com\n"}).revision != first


def test_the_revision_knows_names_and_is_the_same_in_every_folder(tmp_path: Path) -> None:
    one = loaded(tmp_path / "1", {"a.yaml": MINIMAL, "b.yaml": "format: 1\n"}).revision
    assert loaded(tmp_path / "2", {"a.yaml": MINIMAL, "b.yaml": "format: 1\n"}).revision == one
    assert loaded(tmp_path / "3", {"a.yaml": MINIMAL, "c.yaml": "format: 1\n"}).revision != one


def test_an_invalid_pack_raises_with_all_its_findings(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "teritories: 1\n", "b.yaml": MINIMAL + "reps: [x]\n"})
    with pytest.raises(InputError) as caught:
        load_pack(tmp_path)
    assert caught.value.code == "SYN200"
    assert [each.code for each in caught.value.findings] == ["SYN240", "SYN251"]


def test_conditions_of_a_pack_are_what_the_parser_makes(acme: Pack) -> None:
    assert isinstance(territory(acme, "dach-banking").when, AllOf)
    assert isinstance(territory(acme, "rest-of-world").when, Always)


@pytest.mark.parametrize(
    ("territories", "expected"),
    [
        (
            "{name: all, when: always, owners: unassigned}, {name: de, when: {country: DE}, owners: unassigned}",
            ["pack.yaml:2:15 SYN253"],
        ),
        (
            "{name: group, when: {country: DE}, territories: [{name: all, when: always, owners: unassigned},"
            " {name: big, when: {employees: 5}, owners: unassigned}]}, {name: rest, when: always, owners: unassigned}",
            ["pack.yaml:2:15 SYN252"],
        ),
        (
            "{name: de, when: {country: DE}, owners: unassigned, territories: [{name: all, when: always,"
            " owners: unassigned}, {name: big, when: {employees: 5}, owners: unassigned}]},"
            " {name: rest, when: always, owners: unassigned}",
            ["pack.yaml:2:128 SYN255"],
        ),
        ("{name: de, when: {country: DE}, owners: unassigned}", ["pack.yaml:2:14 SYN253"]),
    ],
)
def test_a_catch_all_in_the_wrong_place_is_one_finding(tmp_path: Path, territories: str, expected: list[str]) -> None:
    findings = found(tmp_path, {"pack.yaml": f"format: 1\nterritories: [{territories}]\n"})
    assert [f"{each.place} {each.code}" for each in findings] == expected


@pytest.mark.parametrize("field", ["employees", "annual_revenue", "created_at", "locked"])
def test_a_pattern_on_a_field_that_is_no_text_is_a_matcher_that_it_does_not_have(tmp_path: Path, field: str) -> None:
    (finding,) = found(tmp_path, with_territory("name: a", f"when: {{{field}: '9*'}}", "owners: unassigned"))
    assert (finding.code, str(finding.place)) == ("SYN212", f"pack.yaml:4:{len(field) + 14}")
