"""Lines that moved: what was read from them is the same in its new lines, and the rest are the very same objects."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import Place
from syncd.rules.classes.identity import Identities
from syncd.rules.classes.terms import Terms
from syncd.rules.loader import load_pack
from syncd.rules.matching import date_matchers, matchers  # noqa: F401 - all matchers
from syncd.rules.matching.matchers import Matcher
from syncd.rules.pack import Territory
from syncd.rules.reading.line_shift import LineShift, UnmovableError

TEXT = (
    "format: 1\nsegments:\n  bank: {industry: Banking}\nterritories:\n"
    "  - {name: first, when: {country: FR}, owners: [a@example.com]}\n"
    "  - name: second\n    when: {country: [DE, AT], name: '*bank*', not: {in_segment: bank, employees: '>= 10'}}\n"
    "    owners: {pool: triage}\n    quota: 2M\n    effective: {from: 2026-01-01}\n"
    "  - {name: rest, when: always, owners: [a@example.com]}\n"
    "pools:\n  triage: {members: [a@example.com]}\n"
)


def territories(folder: Path, text: str) -> tuple[Territory, ...]:
    folder.mkdir()
    (folder / "pack.yaml").write_text(text)
    return load_pack(folder).roles["owner"]


def parts(value: Any) -> list[Any]:
    """A value and all that it is made of."""
    found = [value]
    if is_dataclass(value):
        for each in fields(value):
            found += parts(getattr(value, each.name))
    elif isinstance(value, tuple):
        for item in value:
            found += parts(item)
    return found


def test_rules_below_new_lines_come_out_as_if_read_there(tmp_path: Path) -> None:
    before = territories(tmp_path / "before", TEXT)
    now = territories(tmp_path / "now", TEXT.replace("  - name: second", "  # two\n  # lines\n  - name: second"))
    shift = LineShift("pack.yaml", 6, 2)
    assert shift.moved(before) == now
    assert LineShift("pack.yaml", 8, -2).moved(now) == before
    assert LineShift("pack.yaml", 9, -2).moved(now) != before


def test_what_no_line_of_moved_is_the_very_object(tmp_path: Path) -> None:
    first, second, _ = territories(tmp_path / "pack", TEXT)
    shift = LineShift("pack.yaml", 6, 2)
    assert shift.moved(first) is first
    assert LineShift("other.yaml", 1, 2).moved(second) is second
    moved = shift.moved(second)
    segment = {id(each) for each in parts(second) if getattr(each, "place", None) == Place("pack.yaml", 3, 9)}
    assert segment <= {id(each) for each in parts(moved)}
    assert {id(each) for each in parts(second) if isinstance(each, Matcher)} <= {id(each) for each in parts(moved)}


def test_a_value_of_unknown_make_is_refused() -> None:
    with pytest.raises(UnmovableError):
        LineShift("pack.yaml", 1, 1).moved((Place("pack.yaml", 1), object()))


def test_no_matcher_holds_a_place() -> None:
    waiting, seen = [Matcher], list[type]()
    while waiting:
        kind = waiting.pop()
        seen.append(kind)
        waiting += kind.__subclasses__()
    assert len(seen) > 8
    assert not [kind for kind in seen if is_dataclass(kind) for each in fields(kind) if "Place" in str(each.type)]


def test_a_condition_that_moved_is_not_split_again(tmp_path: Path) -> None:
    before = territories(tmp_path / "pack", TEXT)
    now = LineShift("pack.yaml", 6, 2).moved(before)
    splitter = Terms(Identities())
    terms = [splitter.of([each.when]) for each in before]
    count = splitter.count
    for old, new, known in zip(before, now, terms, strict=True):
        assert all(one is other for one, other in zip(splitter.of([new.when]), known, strict=True))
        assert splitter.reads_clock(new.when) is splitter.reads_clock(old.when)
    assert splitter.count == count


def test_places_remembered_for_a_splitter_do_not_grow_without_end(tmp_path: Path) -> None:
    now = territories(tmp_path / "pack", TEXT)
    splitter = Terms(Identities())
    for _ in range(200):
        now = LineShift("pack.yaml", 6, 1).moved(now)
        for each in now:
            splitter.of([each.when])
    assert splitter.count == 3
    assert len(splitter._first_of) <= 8 * 3 + 1
