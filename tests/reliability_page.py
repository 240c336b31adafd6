"""The tables of docs/reliability.md: each stands between two marks, written by the command that made its figures."""

from __future__ import annotations

from pathlib import Path


def put(page: Path, name: str, text: str) -> None:
    """Put a table between its marks; ValueError where the page has no such marks."""
    before, _, after = _around(page, name)
    begin, end = _marks(name)
    page.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def rows(page: Path, name: str) -> list[list[str]]:
    """The cells of the table between the marks, without its head; ValueError where the page has no such marks."""
    lines = _around(page, name)[1].strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _around(page: Path, name: str) -> tuple[str, str, str]:
    """What stands before the marks, between them and after them."""
    begin, end = _marks(name)
    whole = page.read_text(encoding="utf-8")
    if whole.count(begin) != 1 or whole.count(end) != 1:
        raise ValueError(f"{page} has no place for the table {name}")
    before, rest = whole.split(begin)
    between, after = rest.split(end)
    return before, between, after


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
