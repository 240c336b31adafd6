"""CSV exports as people and CRMs save them, read as a stream."""

from __future__ import annotations

import pytest

from syncd.errors import Severity
from syncd.rules.exports.files import read_rows
from syncd.rules.exports.rows import MOST_OF_A_KIND, Remarks
from syncd.rules.findings import Findings

KNOWN = ("id", "name", "country", "employees")


def read(tmp_path, data: bytes | str, required=("id",)):
    path = tmp_path / "accounts.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    findings = Findings()
    remarks = Remarks(path, findings)
    rows = [(row.line, dict(row.cells)) for row in read_rows(path, KNOWN, required, remarks)]
    remarks.close()
    return rows, [(each.code, each.severity.value, each.place.line) for each in findings.items]


def test_cells_are_trimmed_and_empty_ones_left_out(tmp_path):
    assert read(tmp_path, "id,name,country\n1, Acme ,\n2,,DE\n") == (
        [(2, {"id": "1", "name": "Acme"}), (3, {"id": "2", "country": "DE"})],
        [],
    )


def test_words_that_other_tools_take_for_nothing_stay_text(tmp_path):
    rows, _ = read(tmp_path, 'id,name\n1,NA\n2,null\n3,None\n4,""\n')
    assert [cells.get("name") for _, cells in rows] == ["NA", "null", "None", None]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfid,name\r\n1,Acme\r\n",
        b"ID,Name\n1,Acme\n",
        b'"id","name"\n"1","Acme"',
        b"\nid,name\n\n1,Acme\n,\n",
        b"id,name\r1,Acme\r",
    ],
)
def test_spreadsheet_habits_are_fine(tmp_path, data):
    rows, findings = read(tmp_path, data)
    assert [cells for _, cells in rows] == [{"id": "1", "name": "Acme"}]
    assert findings == []


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_read_with_a_note(tmp_path, separator):
    rows, findings = read(tmp_path, f"id{separator}name\n1{separator}Acme, Inc.\n")
    assert rows == [(2, {"id": "1", "name": "Acme, Inc."})]
    assert findings == [("SYN305", "note", 1)]


def test_a_quoted_line_break_is_one_row_and_later_lines_are_still_right(tmp_path):
    rows, findings = read(tmp_path, 'id,name\n1,"Acme\nInc."\n2\n')
    assert rows == [(2, {"id": "1", "name": "Acme\nInc."}), (4, {"id": "2"})]
    assert findings == [("SYN305", "warning", 4)]


def test_a_cell_of_200_kilobytes_is_read(tmp_path):
    rows, findings = read(tmp_path, f"id,name\n1,{'x' * 200_000}\n")
    assert len(rows[0][1]["name"]) == 200_000
    assert findings == []


def test_a_row_with_too_many_cells_is_an_error_and_the_others_are_still_read(tmp_path):
    rows, findings = read(tmp_path, "id,name\n1,Acme, Inc.\n2,Globex\n3,Initech,,\n")
    assert [cells["id"] for _, cells in rows] == ["2", "3"]
    assert findings == [("SYN305", "error", 2)]


def test_broken_quotes_are_an_error_at_their_row(tmp_path):
    rows, findings = read(tmp_path, 'id,name\n1,Acme\n2,"Glo"bex\n')
    assert len(rows) == 1
    assert findings == [("SYN305", "error", 3)]


def test_nul_characters_are_left_out_with_a_warning(tmp_path):
    rows, findings = read(tmp_path, b"id,name\n1,Ac\x00me\n")
    assert rows == [(2, {"id": "1", "name": "Acme"})]
    assert findings == [("SYN306", "warning", 2)]


def test_latin_1_is_an_error_with_the_line_and_the_byte(tmp_path):
    path_findings = read(tmp_path, "id,name\n1,Acme\n2,Müller\n".encode("latin-1"))[1]
    assert path_findings == [("SYN306", "error", 3)]


def test_utf_16_is_an_error_and_no_traceback(tmp_path):
    assert "error" in {severity for _, severity, _ in read(tmp_path, "id,name\n1,Acme\n".encode("utf-16"))[1]}


def test_a_misspelled_column_is_an_error_with_the_word_meant_and_a_foreign_one_a_warning(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,employes,Billing Notes\n1,5,x\n")
    findings = Findings()
    rows = list(read_rows(path, KNOWN, ("id",), Remarks(path, findings)))
    assert dict(rows[0].cells) == {"id": "1"}
    error, warning = sorted(findings.items, key=lambda each: each.severity)
    assert (error.severity, error.hint) == (
        Severity.ERROR,
        "Did you mean `employees`? Rename the column, or leave it out.",
    )
    assert (warning.severity, warning.message) == (
        Severity.WARNING,
        "there is no field `Billing Notes`; the column is left out",
    )


def test_two_columns_of_one_name_are_an_error(tmp_path):
    assert read(tmp_path, "id,name,Name\n1,a,b\n")[1] == [("SYN304", "error", 1)]


@pytest.mark.parametrize(("data", "code"), [("", "SYN310"), ("\n\n", "SYN310"), ("name,country\nAcme,DE\n", "SYN302")])
def test_a_file_without_header_or_key_column_is_an_error_and_gives_no_rows(tmp_path, data, code):
    assert read(tmp_path, data) == ([], [(code, "error", 1)])


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    findings = Findings()
    path = tmp_path / "none.csv"
    assert list(read_rows(path, KNOWN, ("id",), Remarks(path, findings))) == []
    assert [(each.code, each.message) for each in findings.items] == [
        ("SYN310", "the file cannot be opened: No such file or directory")
    ]


def test_findings_of_a_kind_are_cut_and_the_rest_counted(tmp_path):
    findings = read(tmp_path, "id,name\n" + "1,a,b\n" * (MOST_OF_A_KIND + 7))[1]
    assert len(findings) == MOST_OF_A_KIND + 1
    assert findings[0] == ("SYN305", "note", 1)
