"""Rows of teams and histories that lack a column which was asked for are damaged: they say nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from syncd.connectors.port import latest_version
from syncd.connectors.salesforce.history import TrackedField, stage_versions
from syncd.connectors.salesforce.teams import TeamShape
from syncd.errors import BadDataError
from syncd.model.refs import Kind

ACCOUNT, OPPORTUNITY, USER = "001Sb0000000001IAA", "006Sb0000000001IAA", "005Sb0000000001IAA"
AT = "2026-11-20T10:00:00.000+0000"
SHAPE = TeamShape(Kind.ACCOUNT, ("AccountAccessLevel", "TeamMemberRole"), restorable=True)
MEMBER = {"AccountId": ACCOUNT, "UserId": USER, "AccountAccessLevel": "Read", "TeamMemberRole": None}
OWNER = {"AccountId": ACCOUNT, "CreatedById": USER, "CreatedDate": AT, "OldValue": None, "NewValue": USER}
OWNERS = TrackedField("AccountHistory", "AccountId", "Owner")
STAGE = {"OpportunityId": OPPORTUNITY, "StageName": None, "CreatedDate": AT}

READERS: Mapping[str, tuple[Mapping[str, Any], Callable[[Mapping[str, Any]], object]]] = {
    "team": (MEMBER, lambda row: list(SHAPE.teams([row]))),
    "owners": (OWNER, lambda row: list(OWNERS.versions([row]))),
    "stages": (STAGE, lambda row: stage_versions([row])),
}


@pytest.mark.parametrize(
    ("reader", "column"),
    [
        ("team", "AccountAccessLevel"),
        ("team", "TeamMemberRole"),
        ("owners", "OldValue"),
        ("owners", "NewValue"),
        ("stages", "StageName"),
    ],
)
def test_a_row_without_a_column_that_was_asked_for_is_refused(reader: str, column: str) -> None:
    row, read = READERS[reader]
    assert read(row) is not None, "a column without a value is no damage"
    with pytest.raises(BadDataError) as caught:
        read({name: value for name, value in row.items() if name != column})
    assert caught.value.code == "SYN421"


def test_of_two_changes_in_one_second_the_one_that_the_record_shows_is_the_newest() -> None:
    other = "005Sb0000000002IAA"
    there = {**OWNER, "OldValue": USER, "NewValue": other}
    back = {**OWNER, "OldValue": other, "NewValue": USER}
    for rows in ([there, back], [back, there]):
        ((_, versions),) = OWNERS.versions(rows)
        for owner in (USER, other):
            newest = latest_version(versions, owner)
            assert newest is not None
            assert newest.owner == owner
    assert latest_version((), USER) is None
    (_, versions) = next(iter(OWNERS.versions([{**back, "CreatedDate": "2026-11-20T10:00:01.000+0000"}, there])))
    assert latest_version(versions, other) == versions[0], "an older one is no tie"


def test_rows_in_disorder_part_no_team() -> None:
    first, second = "006Sb0000000001IAA", "006Sb0000000002IAA"
    shape = TeamShape(Kind.OPPORTUNITY, (), restorable=True)
    rows = [
        {"OpportunityId": record, "UserId": f"005Sb000000000{user}IAA"}
        for record, user in ((first, 1), (second, 2), (first, 3))
    ]
    found = [(team.record.id, len(team.members)) for team in shape.gathered(rows)]
    assert found == [(first, 2), (second, 1)]
