"""Which company is a deal's, and what the mapping makes of odd objects."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.connectors.hubspot.companies import chosen, inline_company
from syncd.connectors.hubspot.mapping import DEFAULT_MAPPING, columns_of, stages_of, user_of
from syncd.connectors.hubspot.paths import paths_of
from syncd.errors import BadDataError
from syncd.model.refs import Kind


@pytest.mark.parametrize(
    ("associated", "company"),
    [
        ([], None),
        ([("1", False)], "1"),
        ([("1", False), ("1", False)], "1"),
        ([("1", False), ("2", True)], "2"),
        ([("1", False), ("2", False)], None),
    ],
)
def test_the_primary_company_wins_and_several_without_one_are_not_guessed(
    associated: list[tuple[str, bool]], company: str | None
) -> None:
    assert chosen(associated) == company


def deal(*rows: tuple[Any, str], more: bool = False) -> dict[str, Any]:
    block: dict[str, Any] = {"results": [{"id": known, "type": type_} for known, type_ in rows]}
    if more:
        block["paging"] = {"next": {"after": "9"}}
    return {"id": "5", "associations": {"companies": block}}


def test_inline_associations_name_the_primary_company_by_its_label() -> None:
    rows = (("1", "deal_to_company_unlabeled"), (2, "deal_to_company"), (2, "deal_to_company_unlabeled"))
    assert inline_company(deal(*rows)) == ("2", True)
    assert inline_company({"id": "5"}) == (None, True)


def test_inline_associations_that_go_on_are_complete_only_with_a_primary_one() -> None:
    assert inline_company(deal(("1", "deal_to_company_unlabeled"), more=True)) == ("1", False)
    assert inline_company(deal(("1", "deal_to_company"), more=True)) == ("1", True)


def company(**changes: Any) -> dict[str, Any]:
    properties = {"hs_lastmodifieddate": "2026-11-20T10:00:00.000Z", "hubspot_owner_id": "77", "name": "Acme"}
    return {"id": "1", "properties": properties, "archived": False, **changes}


def test_an_archived_object_is_stamped_when_it_was_archived() -> None:
    columns = columns_of(DEFAULT_MAPPING, Kind.ACCOUNT)
    record = columns.record(company(archived=True, archivedAt="2026-11-21T10:00:00.000Z"), None, {})
    assert (record.deleted, record.stamp.day) == (True, 21)


def test_merged_ids_are_listed() -> None:
    raw = company()
    raw["properties"]["hs_merged_object_ids"] = "8;9"
    assert columns_of(DEFAULT_MAPPING, Kind.ACCOUNT).record(raw, None, {}).merged_from == ("8", "9")


@pytest.mark.parametrize("changes", [{"id": None}, {"id": ""}, {"properties": None}, {"archived": "no"}])
def test_an_object_of_another_shape_is_bad_data(changes: dict[str, Any]) -> None:
    with pytest.raises(BadDataError):
        columns_of(DEFAULT_MAPPING, Kind.ACCOUNT).record(company(**changes), None, {})


def test_a_deal_in_an_unknown_stage_keeps_what_hubspot_says_of_it() -> None:
    properties = {
        "hs_lastmodifieddate": "2026-11-20T10:00:00Z",
        "dealstage": "99",
        "hs_is_closed": "true",
        "hs_is_closed_won": "false",
        "hs_deal_stage_probability": "0.25",
    }
    record = columns_of(DEFAULT_MAPPING, Kind.OPPORTUNITY).record({"id": "1", "properties": properties}, None, {})
    assert dict(record.fields) == {"stage": "99", "is_closed": "true", "is_won": "false", "probability": "25"}


def test_a_stage_is_won_only_if_it_is_closed_and_certain() -> None:
    stages = [
        {"id": "a", "label": "A", "metadata": {"isClosed": "true", "probability": "1.0"}},
        {"id": "b", "label": "B", "metadata": {"isClosed": "false", "probability": "1.0"}},
        {"id": "c", "label": "C", "metadata": {"isClosed": "true", "probability": "0.0"}},
        {"id": "d", "label": "D", "metadata": {}},
    ]
    known = stages_of([{"id": "p", "label": "P", "stages": stages}])
    assert [known[name].won for name in "abcd"] == [True, False, False, False]


def test_an_archived_owner_is_inactive_and_keeps_the_user_number() -> None:
    user = user_of(
        {"id": "7", "email": None, "userId": None, "userIdIncludingInactive": 9002, "archived": True, "firstName": ""}
    )
    assert (user.active, user.email, user.fields["user_id"]) == (False, "", "9002")


def test_every_path_of_a_dated_version_carries_the_date() -> None:
    paths = paths_of("2026-03")
    every = [
        paths.list("companies"), paths.search("deals"), paths.batch_read("deals"), paths.batch_update("deals"),
        paths.owners, paths.pipelines_of("deals"), paths.properties_of("deals"), paths.associated("deals", "companies"),
        paths.account,
    ]  # fmt: skip
    assert all("2026-03" in path for path in every)
    assert paths_of("v3").associated("deals", "companies") == "/crm/v4/associations/deals/companies/batch/read"
