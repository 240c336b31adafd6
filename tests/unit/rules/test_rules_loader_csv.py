"""CSV files of a pack: as spreadsheets save them, and what is wrong with the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pack_writing import codes, found, in_pack, loaded, with_territory

from syncd.rules.findings import Findings
from syncd.rules.pack import OwnersByLookup
from syncd.rules.reading import csv_reader
from syncd.rules.reading.csv_reader import Sheet, read_csv

LIST = "lists: {l: {file: l.csv, column: domain}}"
LOOKUP = (
    "name: a",
    "when: {country: DE}",
    "owners: {file: l.csv, key: domain, column: rep}",
)


def entries(root: Path, content: str | bytes) -> tuple[str, ...]:
    return loaded(root, {**in_pack(LIST), "l.csv": content}).lists["l"].entries


def read(text: str) -> Sheet:
    sheet = read_csv(text.encode(), "l.csv", Findings())
    assert sheet is not None
    return sheet


@pytest.mark.parametrize(
    "content",
    [
        "domain\na.com\nb.com\n",
        "\ufeffdomain\r\na.com\r\nb.com",
        "name,domain\nx,a.com\n\n,\ny,b.com\n",
        "name,domain,\nx,a.com,\ny, b.com ,\n",
        'name,domain\n"x, y",a.com\n"two\nlines",b.com\n',
        'name,domain\n"a ""b""",a.com\nz,"b.com"\n',
        "name;domain\nx;a.com\ny;b.com\n",
        "name\tdomain\nx\ta.com\ny\tb.com\n",
        "domain\ra.com\rb.com\r",
        "domain\na.com\na.com\nb.com\n",
    ],
)
def test_csv_files_of_every_spreadsheet_are_read(tmp_path: Path, content: str) -> None:
    assert entries(tmp_path, content) == ("a.com", "b.com")


@pytest.mark.parametrize(
    ("content", "code", "line", "column"),
    [
        (b"domain\nM\xfcller.de\n", "SYN202", 2, 2),
        (b"domain\na\x00.com\n", "SYN202", 2, 2),
        ("domain\na.com,b\n", "SYN260", 2, 1),
        ('name,domain\n"a" b,x\n', "SYN260", 2, 1),
        ('name,domain\nx,y\n"a,x\nb,y\n', "SYN260", 3, 1),
        ("name,domain\nx\n", "SYN260", 2, 1),
        ("", "SYN267", 1, 1),
        ("\n\n", "SYN267", 1, 1),
        ("domain,domain\na,b\n", "SYN267", 1, 1),
        ("a,,domain\nx,y,z\n", "SYN267", 1, 1),
    ],
)
def test_a_broken_csv_file_is_named_at_its_line(
    tmp_path: Path, content: str | bytes, code: str, line: int, column: int
) -> None:
    (finding,) = found(tmp_path, {**in_pack(LIST), "l.csv": content})
    assert (finding.code, str(finding.place)) == (code, f"l.csv:{line}:{column}")


def test_a_missing_column_names_those_there_are(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, {**in_pack(LIST), "l.csv": "Domain,rep\na.com,x\n"})
    assert (finding.code, finding.place and finding.place.path) == ("SYN261", "pack.yaml")
    assert finding.hint == "its columns are `Domain`, `rep`"


def test_a_file_named_twice_is_reported_once_for_its_own_mistakes(tmp_path: Path) -> None:
    lists = "lists: {l: {file: l.csv, column: a}, m: {file: l.csv, column: b}}"
    assert codes(tmp_path, {**in_pack(lists), "l.csv": "a,a\n1,2\n"}) == ["SYN267"]


def test_cells_know_their_place() -> None:
    sheet = read("a,b,c\n1, 2,3\n\n4,5,6\n")
    assert str(sheet.place(sheet.rows[0], 1)) == "l.csv:2:4"
    assert str(sheet.place(sheet.rows[1], 2)) == "l.csv:4:5"


@given(
    st.lists(st.sampled_from(["a", ",", ";", "\t", " ", "\n", "\r\n", "\r", '"', "é", "\u00a0", "b c"]), max_size=14)
)
@settings(max_examples=150, deadline=None)
def test_a_file_without_quotes_and_white_space_is_read_by_lines_as_by_the_csv_module(parts: list[str]) -> None:
    data = ("x,y\n" + "".join(parts)).encode()
    short, long = Findings(), Findings()
    quick = read_csv(data, "l.csv", short)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_reader, "_plain_rows", lambda *_: [])
        assert read_csv(data, "l.csv", long) == quick
    assert long.items == short.items


def test_rows_after_quoted_lines_know_their_line() -> None:
    sheet = read('a,b\n"x\ny\nz",1\n2,3\n')
    assert [row.line for row in sheet.rows] == [2, 5]


def test_empty_lists_are_warnings(tmp_path: Path) -> None:
    assert codes(tmp_path, {**in_pack(LIST), "l.csv": "domain\n"}) == ["SYN281"]
    assert codes(tmp_path, in_pack("lists: {l: []}")) == ["SYN281"]


def lookup(root: Path, content: str, key: str = "domain") -> OwnersByLookup:
    lines = tuple(line.replace("key: domain", f"key: {key}") for line in LOOKUP)
    pack = loaded(root, {**with_territory(*lines), "l.csv": content})
    owners = pack.roles["owner"][0].owners
    assert isinstance(owners, OwnersByLookup)
    return owners


def test_look_up_keys_are_normalised_like_the_field(tmp_path: Path) -> None:
    assert dict(lookup(tmp_path / "1", "domain,rep\nhttps://www.Acme.com/x,A@example.com\n").table) == {
        "acme.com": "a@example.com"
    }
    assert dict(lookup(tmp_path / "2", "employees,rep\n1_000,a@example.com\n", "employees").table) == {
        "1000": "a@example.com"
    }
    assert dict(lookup(tmp_path / "3", "country,rep\nGermany,a@example.com\n", "country").table) == {
        "DE": "a@example.com"
    }


def test_a_look_up_row_without_a_rep_is_a_warning_and_left_out(tmp_path: Path) -> None:
    files = {**with_territory(*LOOKUP), "l.csv": "domain,rep\na.com,tbd\nb.com,b@example.com\nc.com,\n"}
    pack = loaded(tmp_path, files)
    assert [(each.code, str(each.place)) for each in pack.findings] == [
        ("SYN259", "l.csv:2:7"),
        ("SYN259", "l.csv:4:7"),
    ]
    owners = pack.roles["owner"][0].owners
    assert isinstance(owners, OwnersByLookup)
    assert dict(owners.table) == {"b.com": "b@example.com"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("domain,rep\na.com,a@example.com\nwww.a.com,b@example.com\n", ["SYN258"]),
        ("domain,who\na.com,a@example.com\n", ["SYN261"]),
        ("site,rep\na.com,a@example.com\n", ["SYN261"]),
        ("domain,rep\na.com,seat:nope\n", ["SYN250"]),
    ],
)
def test_look_up_files_that_cannot_be_used(tmp_path: Path, content: str, expected: list[str]) -> None:
    assert codes(tmp_path, {**with_territory(*LOOKUP), "l.csv": content}) == expected


@pytest.mark.parametrize(("key", "code"), [("domian", "SYN250"), ("locked", "SYN242"), ("created_at", "SYN242")])
def test_a_look_up_needs_a_field_that_is_a_key(tmp_path: Path, key: str, code: str) -> None:
    lines = tuple(line.replace("key: domain", f"key: {key}") for line in LOOKUP)
    assert codes(tmp_path, {**with_territory(*lines), "l.csv": f"{key},rep\n"}) == [code]


def test_exceptions_may_stand_in_files(tmp_path: Path) -> None:
    files = {
        **in_pack("overrides: {file: o.csv}", "disputes: {file: d.csv}"),
        "more.yaml": "overrides: [{account: b.com, owner: b@example.com, by: x, why: y}]\n",
        "o.csv": "account,owner,role,by,why,expires\na.com,a@example.com,,mei,said so,2027-01-31\n",
        "d.csv": "account,opened\nc.com,2026-11-20\n",
    }
    pack = loaded(tmp_path, files)
    assert {(each.account, each.role, str(each.place)) for each in pack.overrides} == {
        ("a.com", "owner", "o.csv:2:1"),
        ("b.com", "owner", "more.yaml:1:13"),
    }
    assert [str(each.opened) for each in pack.disputes] == ["2026-11-20"]


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        ("account,owner,by,why,until\na.com,a@example.com,x,y,\n", "SYN263", "o.csv:1:1"),
        ("account,owner,by,why,expires\na.com,a@example.com,x,y,31.12.2026\n", "SYN242", "o.csv:2:25"),
        ("account,owner,by,why\na.com,nobody,x,y\n", "SYN251", "o.csv:2:7"),
        ("account,owner,by,why\na.com,,x,y\n", "SYN243", "o.csv:2:1"),
        ("owner,by,why\na@example.com,x,y\n", "SYN261", "pack.yaml:4:19"),
    ],
)
def test_mistakes_in_a_file_of_overrides(tmp_path: Path, content: str, code: str, place: str) -> None:
    (finding,) = found(tmp_path, {**in_pack("overrides: {file: o.csv}"), "o.csv": content})
    assert (finding.code, str(finding.place)) == (code, place)


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        ("territory,period,quota\nnope,2026-Q4,5\n", "SYN250", "q.csv:2:1"),
        ("territory,period,quota\nrest,Q4,5\n", "SYN242", "q.csv:2:6"),
        ("territory,period,quota\nrest,2026-Q4,much\n", "SYN242", "q.csv:2:14"),
        ("territory,rep,period,quota\nrest,a@example.com,2026-Q4,5\n", "SYN242", "q.csv:2:1"),
        ("rep,period,quota\nnobody,2026-Q4,5\n", "SYN251", "q.csv:2:1"),
        ("rep,period,quota\na@example.com,2026,5\nA@example.com,2026,6\n", "SYN206", "q.csv:3:1"),
        ("period,quota\n2026,5\n", "SYN261", "pack.yaml:4:16"),
        ("territory,period,quota,curency\nrest,2026-Q4,5,\n", "SYN263", "q.csv:1:1"),
    ],
)
def test_mistakes_in_a_file_of_quotas(tmp_path: Path, content: str, code: str, place: str) -> None:
    (finding,) = found(tmp_path, {**in_pack("quotas: {file: q.csv}"), "q.csv": content})
    assert (finding.code, str(finding.place)) == (code, place)
