"""The evening of docs/operations.md, spent again: every command says what the page shows."""

from __future__ import annotations

from tests.acceptance import evening


def test_the_evening_goes_as_the_page_says() -> None:
    assert evening.stable(evening.transcript()) == evening.stable(evening.documented())
