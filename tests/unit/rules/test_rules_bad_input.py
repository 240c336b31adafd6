"""The worst that people and spreadsheets do to a pack: each a finding at its place, soon, and never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import process_time

import pytest
from pack_writing import CATCH_ALL, MINIMAL, write

from syncd.errors import Severity
from syncd.rules.loader import MOST_ERRORS, check_pack

SECONDS = 3.0
"""Of processor time: each takes far less than one on an idle machine, and others may be using it."""
TABLE = (
    "format: 1\nterritories:\n  - name: us\n    when: {country: US}\n    owners: unassigned\n"
    "    territories: {table: t.csv}\n" + CATCH_ALL
)
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))


def one(when: str) -> dict[str, str]:
    return {"pack.yaml": f"format: 1\nterritories:\n  - {{name: a, when: {when}, owners: unassigned}}\n{CATCH_ALL}"}


def table(content: str | bytes) -> dict[str, str | bytes]:
    return {"pack.yaml": TABLE, "t.csv": content}


def yaml(content: str | bytes) -> dict[str, str | bytes]:
    return {"pack.yaml": content}


ROW = "territory,postal_code,owners\n"
FOUND: dict[str, tuple[Mapping[str, str | bytes], str]] = {
    "a tab": (yaml(MINIMAL.replace("  -", "\t-")), "pack.yaml:3:1 SYN204"),
    "a key twice": (one("{country: DE, country: AT}"), "pack.yaml:3:35 SYN206"),
    "an alias bomb": (yaml(BOMB + MINIMAL), "pack.yaml:1:5 SYN205"),
    "an alias of itself": (yaml("format: 1\nterritories: &a [*a]\n"), "pack.yaml:2:18 SYN205"),
    "brackets without end": (yaml(MINIMAL + "segments: {a: " + "[" * 200_000), "pack.yaml:4:73 SYN208"),
    "a deep block": (
        yaml("format: 1\n" + "".join(" " * n + "a:\n" for n in range(500))),
        "pack.yaml:62:61 SYN208",
    ),
    "a file of 20 MB": (yaml(MINIMAL + "lists: {a: [" + "abcdefgh, " * 2_000_000), "pack.yaml:1:1 SYN209"),
    "Latin-1": (yaml(MINIMAL.encode() + "# Zürich".encode("latin-1")), "pack.yaml:4:4 SYN202"),
    "UTF-16": (yaml(MINIMAL.encode("utf-16")), "pack.yaml:1:1 SYN202"),
    "UTF-16 without its mark": (yaml(MINIMAL.encode("utf-16-le")), "pack.yaml:1:2 SYN202"),
    "NUL": (yaml(MINIMAL.replace("rest", "re\0st")), "pack.yaml:3:14 SYN202"),
    "a bell": (yaml(MINIMAL.replace("rest", "re\x07st")), "pack.yaml:3:14 SYN202"),
    "a tag that runs code": (yaml(MINIMAL + "x: !!python/object/apply:os.system [ls]\n"), "pack.yaml:4:4 SYN205"),
    "two documents": (yaml(f"{MINIMAL}---\n{MINIMAL}"), "pack.yaml:4:1 SYN208"),
    "quotes never closed": (yaml('format: 1\nx: "' + "k" * 500_000), "pack.yaml:2:4 SYN201"),
    "curly quotes around a word": (one("{industry: “Banking”}"), "pack.yaml:3:32 SYN368"),
    "curly quotes around a comparison": (one("{employees: “>= 1000”}"), "pack.yaml:3:33 SYN213"),
    "a space without width": (one("{industry: Bank\u200bing}"), "pack.yaml:3:36 SYN368"),
    "text turned around": (one("{industry: \u202eBanking}"), "pack.yaml:3:32 SYN368"),
    "a dot for thousands": (one('{employees: ">= 1.000"}'), "pack.yaml:3:33 SYN370"),
    "commas for thousands": (one('{employees: ">= 1,000"}'), "pack.yaml:3:33 SYN213"),
    "a ZIP code without quotes": (one("{country: US, postal_code: 02139}"), "pack.yaml:3:48 SYN214"),
    "a number without end": (one("{employees: " + "9" * 100_000 + "}"), "pack.yaml:3:33 SYN213"),
    "a table in Latin-1": (table("territory,city,owners\na,Zürich,x\n".encode("latin-1")), "t.csv:2:4 SYN202"),
    "a table in UTF-16": (table(ROW.encode("utf-16")), "t.csv:1:1 SYN202"),
    "a workbook": (table(b"PK\x03\x04" + bytes(range(256))), "t.csv:1:1 SYN202"),
    "NUL in a table": (table(ROW + "a,94\x00105,unassigned\n"), "t.csv:2:5 SYN202"),
    "ZIP codes that lost their zero": (table(ROW + "a,2139,unassigned\n"), "t.csv:2:3 SYN229"),
    "ZIP codes as numbers": (table(ROW + "a,94105.0,unassigned\n"), "t.csv:2:3 SYN369"),
    "ZIP codes with an exponent": (table(ROW + "a,9.4105E+04,unassigned\n"), "t.csv:2:3 SYN369"),
    "curly quotes in a table": (table("territory,industry,owners\na,“Banking”,unassigned\n"), "t.csv:2:1 SYN368"),
    "a broken formula": (table("territory,employees,owners\na,#REF!,unassigned\n"), "t.csv:2:3 SYN213"),
    "a range that became a date": (table("territory,employees,owners\na,Jan-99,unassigned\n"), "t.csv:2:3 SYN213"),
    "rows of several lengths": (table(ROW + "a,94105\n"), "t.csv:2:1 SYN260"),
    "a quote never closed": (table(ROW + 'a,"' + "9,\n" * 300_000), "t.csv:2:1 SYN260"),
    "semicolons": (table(ROW.replace(",", ";") + "a;94105;unassigned\n"), "t.csv:1:1 SYN262"),
    "Excel's line for the separator": (
        table("sep=;\r\n" + ROW.replace(",", ";") + "a;94105;unassigned\n"),
        "t.csv:1:1 SYN262",
    ),
    "a web page": (table("<html><body>territory</body></html>"), "pack.yaml:6:26 SYN261"),
    "a table of which every cell is bad": (
        table(
            "territory,country,state,postal_code,industry,employees,owners\n"
            + "".join(f"a,Nowhere{n},Q{n},>= x{n},>= b{n},>= many{n},unassigned\n" for n in range(20_000))
        ),
        "t.csv:1:11 SYN371",
    ),
    "a table of names that are none": (
        table(ROW + "".join(f"Z {n},94105,unassigned\n" for n in range(20_000))),
        "t.csv:1001:1 SYN371",
    ),
    "a list of countries that are none": (
        {
            "pack.yaml": one("{country: {list: l}}")["pack.yaml"] + "lists: {l: {file: t.csv, column: c}}\n",
            "t.csv": "c\n" + "".join(f"Nowhere{n}\n" for n in range(20_000)),
        },
        "pack.yaml:3:38 SYN228",
    ),
    "a table of too many rows": (table(ROW + "a,94105,unassigned\n" * 210_000), "pack.yaml:6:26 SYN267"),
    "a table of a million rows": (table(ROW + "a,94105,unassigned\n" * 1_000_000), "pack.yaml:6:26 SYN267"),
}
FINE: dict[str, Mapping[str, str | bytes]] = {
    "a byte-order mark": yaml(b"\xef\xbb\xbf" + MINIMAL.encode()),
    "CRLF": yaml(MINIMAL.replace("\n", "\r\n")),
    "CR": yaml(MINIMAL.replace("\n", "\r")),
    "a table with a byte-order mark": table(b"\xef\xbb\xbf" + (ROW + "a,94105,unassigned\n").encode()),
    "a table with CRLF": table((ROW + "a,94105,unassigned\n").replace("\n", "\r\n")),
    "columns that a spreadsheet left behind": table(ROW.replace("\n", ",,\n") + "a,94105,unassigned,,\n,,,,\n"),
    "Norway": one("{country: NO}"),
    "apostrophes inside a word": one("{name: O’Reilly}"),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_went_wrong_is_found_at_its_place_and_soon(name: str, tmp_path: Path) -> None:
    files, expected = FOUND[name]
    root = write(tmp_path, files)
    started = process_time()
    _, findings = check_pack(root)
    assert process_time() - started < SECONDS
    assert expected in [f"{each.place} {each.code}" for each in findings]
    assert all(each.hint for each in findings if f"{each.place} {each.code}" == expected and each.code != "SYN262")


@pytest.mark.parametrize("name", FINE)
def test_what_is_only_unusual_is_read(name: str, tmp_path: Path) -> None:
    pack, findings = check_pack(write(tmp_path, FINE[name]))
    assert pack is not None
    assert findings == ()


def test_after_a_thousand_errors_nothing_more_is_looked_for(tmp_path: Path) -> None:
    many = "format: 1\nterritories:\n" + "".join(f"  - {{nam: t{number}}}\n" for number in range(20_000))
    pack, findings = check_pack(write(tmp_path, {"pack.yaml": many}))
    assert pack is None
    assert sum(each.severity is Severity.ERROR for each in findings) == MOST_ERRORS + 1
    assert [each.code for each in findings if each.code == "SYN371"] == ["SYN371"]


def test_the_separator_line_keeps_the_lines_of_the_rows(tmp_path: Path) -> None:
    pack, _ = check_pack(write(tmp_path, table("sep=;\n" + ROW.replace(",", ";") + "a;94105;unassigned\n")))
    assert pack is not None
    assert [each.row for each in pack.territories() if each.name == "a"] == [3]
