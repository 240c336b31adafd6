"""Tests of monitors as written: what is read, and what is found fault with, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.errors import InputError
from syncd.rules.loader import check_pack, load_pack

HEAD = """\
format: 1
territories:
  - {name: rest, when: always, owners: [ben@example.com]}
tests:
  - name: a plain case
    now: 2026-12-01T10:00:00Z
    account: {country: DE}
    expect: {territory: rest}
"""


def written(folder: Path, text: str) -> Path:
    (folder / "pack.yaml").write_text(HEAD + text, encoding="utf-8")
    return folder


def test_both_kinds_of_tests_stand_side_by_side(tmp_path: Path) -> None:
    text = """\
  - name: one
    watch:
      - now: 2026-12-01T10:00:00Z
        accounts: {Acme: {type: Customer, systems: [a, b]}}
      - {after: 2h, users: {Ben@example.com: inactive}, stale: true, expect: [], told: []}
      - after: 1d
        expect: [RepLeft ben@example.com, {alert: Unassigned, about: rest, state: pending, severity: info}]
"""
    text = text.replace(", systems: [a, b]", "")
    pack = load_pack(written(tmp_path, text))
    assert [case.name for case in pack.tests] == ["a plain case"]
    (case,) = pack.alert_tests
    first, second, third = case.steps
    assert (first.expect, first.told, dict(first.accounts["Acme"])) == (None, None, {"type": "Customer"})
    assert (second.after, second.stale, dict(second.users)) == (7200.0, True, {"ben@example.com": False})
    assert (second.expect, second.told) == ((), ())
    assert third.expect is not None
    assert [(each.monitor, each.about, each.state, each.severity) for each in third.expect] == [
        ("RepLeft", "ben@example.com", "firing", None),
        ("Unassigned", "rest", "pending", "info"),
    ]


@pytest.mark.parametrize(
    ("watch", "code", "words"),
    [
        ("[{accounts: {Acme: {country: DE}}}]", "SYN243", "no `now`"),
        ("[{now: 2026-12-01}, {expect: []}]", "SYN241", "`now`, or `after`"),
        ("[{now: 2026-12-01}, {now: 2026-12-02, after: 1d}]", "SYN241", "`now`, or `after`"),
        ("[{now: 2026-12-01}, {after: 1mo}]", "SYN242", "1mo"),
        ("[{now: 2026-12-01, accounts: {Acme: {contry: DE}}}]", "SYN240", "country"),
        ("[{now: 2026-12-01, accounts: {Acme: {open_pipeline: 5}}}]", "SYN240", "open_pipeline"),
        ("[{now: 2026-12-01, users: {ben: active}}]", "SYN251", "no e-mail"),
        ("[{now: 2026-12-01, users: {ben@example.com: gone}}]", "SYN242", "active or inactive"),
        ("[{now: 2026-12-01, expect: [RepLft ben]}]", "SYN240", "RepLeft"),
        ("[{now: 2026-12-01, expect: [{about: x}]}]", "SYN243", "alert"),
        ("[{now: 2026-12-01, expect: [{alert: RepLeft, state: open}]}]", "SYN242", "state"),
        ("[{now: 2026-12-01, expct: []}]", "SYN240", "expect"),
    ],
)
def test_what_is_wrong_is_found_at_its_place(tmp_path: Path, watch: str, code: str, words: str) -> None:
    pack, findings = check_pack(written(tmp_path, f"  - {{name: one, watch: {watch}}}\n"))
    assert pack is None
    (finding, *_) = [each for each in findings if each.code == code]
    assert finding.place is not None
    assert finding.place.line == 9
    assert words in f"{finding.message} {finding.hint}"


def test_two_tests_of_one_name_are_an_error(tmp_path: Path) -> None:
    case = "  - {name: one, watch: [{now: 2026-12-01}]}\n"
    with pytest.raises(InputError) as caught:
        load_pack(written(tmp_path, case + case))
    assert {finding.code for finding in caught.value.findings} == {"SYN206"}
