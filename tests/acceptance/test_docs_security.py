"""The auditors' page: every test that it names exists, every chapter of ASVS 5.0 stands in it, every target runs."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("|") and "proved by" not in line and "---" not in line]


@cache
def names_in(path: Path) -> frozenset[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


@pytest.mark.parametrize(("path", "test"), NAMED)
def test_a_named_test_exists(path: str, test: str) -> None:
    found = names_in(ROOT / path)
    assert (test in found) if test else found


def test_every_control_names_its_proof() -> None:
    chapters = PAGE[PAGE.index("## V1 ") :]
    rows = [line for line in ROWS if line in chapters]
    assert len(rows) > 40
    assert [line for line in rows if "`tests/" not in line and "`make " not in line] == []


def test_every_chapter_of_the_standard_is_spoken_of() -> None:
    headings = " ".join(re.findall(r"^## (.*)$", PAGE, re.MULTILINE))
    assert re.findall(r"\bV(\d+)\b", headings) == [str(number) for number in range(1, 18)]


def test_every_target_that_is_named_can_be_made() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pages = PAGE + (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z-]+)", pages)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_codes_that_are_named_have_their_pages() -> None:
    for code in set(re.findall(r"SYN\d{3}", PAGE)):
        assert (ROOT / "syncd" / "errors" / "pages" / f"{code}.md").is_file()
