"""The pages of codes as a terminal of 80 columns shows them."""

from __future__ import annotations

import pytest

from syncd.errors import known_codes, page_of
from syncd.report.page_text import page_text


@pytest.mark.parametrize("code", known_codes())
def test_a_page_fits_80_columns_and_keeps_every_word(code: str) -> None:
    page = page_of(code)
    assert page is not None
    folded = page_text(page)
    assert folded.split() == page.split()
    prose = [line for line in folded.splitlines() if not line.startswith(("    ", "#"))]
    assert [line for line in prose if len(line) > 80 and " " in line.removeprefix("- ").strip()] == []
    examples = [line for line in page.splitlines() if line.startswith(("    ", "#"))]
    assert [line for line in folded.splitlines() if line.startswith(("    ", "#"))] == examples


def test_items_hang_and_paragraphs_are_joined() -> None:
    page = "# SYN999: one\n\nA line\nand its end.\n\n- an item\n  that goes on\n- another one " + "word " * 20 + "\n"
    assert page_text(page).splitlines() == [
        "# SYN999: one",
        "",
        "A line and its end.",
        "",
        "- an item that goes on",
        "- another one " + " ".join(["word"] * 13),
        "  " + " ".join(["word"] * 7),
    ]
