"""Every code has a page, every page a use, and every page says what it means and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.errors import EXIT_PRECEDENCE, ExitCode, Finding, Place, Severity, known_codes, page_of, worst

ROOT = Path(__file__).parents[3]
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "syncd").rglob("*.py")))
USED = set(re.findall(r"\"(SYN\d{3})\"", SOURCES))


def test_every_code_that_is_used_has_a_page() -> None:
    assert sorted(USED - set(known_codes())) == []


def test_every_page_is_of_a_code_that_is_used() -> None:
    assert sorted(set(known_codes()) - USED - {"SYN001"}) == []


@pytest.mark.parametrize("code", known_codes())
def test_a_page_says_what_it_means_and_what_to_do(code: str) -> None:
    page = page_of(code)
    assert page is not None
    assert page.startswith(f"# {code}: ")
    assert re.search(r"^#* ?\**What it means", page, re.MULTILINE), page
    assert re.search(r"^#* ?\**What to do", page, re.MULTILINE), page
    assert re.search(r"^#* ?\**Example", page, re.MULTILINE), page


def test_a_code_is_found_in_any_case_and_an_unknown_one_is_not() -> None:
    assert page_of("syn100") == page_of("SYN100")
    assert page_of("SYN999") is None
    assert page_of("../pages/SYN100") is None


def test_the_worst_of_several_causes_decides_the_exit_code() -> None:
    assert worst([]) is ExitCode.OK
    order = [2, 3, 8, 6, 5, 4, 7]
    assert [int(code) for code in EXIT_PRECEDENCE if code in order] == order
    assert worst([ExitCode.PARTIAL, ExitCode.CRM, ExitCode.GUARD]) is ExitCode.CRM


def test_a_finding_shows_its_line_and_a_caret_under_the_column() -> None:
    finding = Finding("SYN103", Severity.ERROR, "unknown key", Place("a.yaml", 2, 5), "did you mean b?", "    kay: 1\n")
    assert finding.rendered().splitlines() == [
        "a.yaml:2:5: error SYN103 unknown key",
        "        kay: 1",
        "        ^",
        "    did you mean b?",
    ]


def test_the_caret_stays_in_view_on_a_very_long_line() -> None:
    finding = Finding("SYN103", Severity.ERROR, "odd", Place("a.csv", 1, 5000), None, "x" * 4999 + "!" + "y" * 9000)
    _, source, caret = finding.rendered().splitlines()
    assert source[caret.index("^")] == "!"
    assert len(source) < 120
