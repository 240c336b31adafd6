"""The fake HubSpot's search: filters, the window of 10,000, ties, lag, and the walk that survives them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sandbox_hubspot_client import BEN, START, Client, make

from syncd.sandbox.hubspot.values import milliseconds


def _ms(minutes: float) -> str:
    """The modification stamp of company number `minutes`, as a filter takes it."""
    return str(milliseconds(START - timedelta(days=30) + timedelta(minutes=minutes)))


def _walk(client: Client, *filters: tuple[str, str, str], limit: int = 200) -> list[str]:
    """The walk of hubspot.md 2.2: by id, never by offset."""
    seen: list[str] = []
    last = "0"
    while True:
        rows = client.search(
            *filters,
            ("hs_object_id", "GT", last),
            sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            limit=limit,
        )["results"]
        if not rows:
            return seen
        assert not seen or int(rows[0]["id"]) > int(seen[-1]), "the walk stands still"
        seen += [row["id"] for row in rows]
        last = max((row["id"] for row in rows), key=int)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("hs_lastmodifieddate", "GTE", _ms(1)), ("hs_lastmodifieddate", "LT", _ms(3))], ["1002", "1003"]),
        ([("hs_lastmodifieddate", "GT", _ms(1))], ["1003", "1004"]),
        ([("hs_lastmodifieddate", "LTE", _ms(0))], ["1001"]),
        ([("hs_lastmodifieddate", "EQ", _ms(2))], ["1003"]),
        ([("hs_object_id", "GT", "1002")], ["1003", "1004"]),
        ([("numberofemployees", "GTE", "20"), ("numberofemployees", "LT", "40")], ["1002", "1003"]),
        ([("numberofemployees", "EQ", "20.0")], ["1002"]),
        ([("name", "EQ", "company 1")], ["1002"]),
        ([("name", "NEQ", "Company 1")], ["1001", "1003", "1004"]),
        ([("name", "CONTAINS_TOKEN", "comp*")], ["1001", "1002", "1003", "1004"]),
        ([("domain", "CONTAINS_TOKEN", "*any2.test")], []),
        ([("phone", "NOT_HAS_PROPERTY", "")], ["1001", "1002", "1003", "1004"]),
        ([("phone", "HAS_PROPERTY", "")], []),
    ],
)
def test_filters(filters: list[tuple[str, str, str]], found: list[str]) -> None:
    assert make(companies=4).found(*filters) == found


def test_between_in_and_groups() -> None:
    client = make(companies=4)

    def ids(*groups: dict[str, object]) -> list[str]:
        body = {"filterGroups": [{"filters": [group]} for group in groups], "limit": 100}
        return [row["id"] for row in client.post("/crm/objects/2026-09/0-2/search", body)["results"]]

    between = {"propertyName": "numberofemployees", "operator": "BETWEEN", "value": "20", "highValue": "30"}
    several = {"propertyName": "name", "operator": "IN", "values": ["company 0", "company 3"]}
    assert ids(between) == ["1002", "1003"]
    assert ids(several) == ["1001", "1004"]
    assert ids({**several, "operator": "NOT_IN"}) == ["1002", "1003"]
    assert ids(between, several) == ["1001", "1002", "1003", "1004"]


def test_results_are_sorted_by_one_property() -> None:
    client = make(companies=3)
    body = {"sorts": [{"propertyName": "numberofemployees", "direction": "DESCENDING"}]}
    assert [row["id"] for row in client.post("/crm/v3/objects/companies/search", body)["results"]] == [
        "1003",
        "1002",
        "1001",
    ]
    body = {"sorts": [*body["sorts"], {"propertyName": "name"}]}
    assert client.post("/crm/v3/objects/companies/search", body, status=400)["category"] == "VALIDATION_ERROR"
    client.portal.quirks.extra_sorts = "ignore"
    client.post("/crm/v3/objects/companies/search", body)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "x"},
        {"after": "10000"},
        {"query": "x" * 3001},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "LIKE", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "nonsense", "operator": "EQ", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "createdate", "operator": "GT", "value": "soon"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "IN", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "EQ"}]}]},
    ],
)
def test_a_search_that_hubspot_refuses_is_400(body: dict[str, object]) -> None:
    make().post("/crm/v3/objects/companies/search", body, status=400)


def test_pages_by_offset_end_at_ten_thousand() -> None:
    client = make(companies=10_001)
    after, seen = "0", 0
    while after != "10000":
        page = client.search(limit=200, after=after)
        assert page["total"] == 10_001
        seen += len(page["results"])
        after = page["paging"]["next"]["after"]
    assert seen == 10_000
    client.post("/crm/v3/objects/companies/search", {"after": after}, status=400)


def test_a_page_across_the_end_of_the_window_is_cut() -> None:
    page = make(companies=10_050).search(limit=200, after="9900")
    assert (len(page["results"]), page["paging"]["next"]["after"]) == (100, "10000")


def test_exactly_ten_thousand_hits_fit_the_window() -> None:
    client = make(companies=10_000)
    assert "paging" not in client.search(limit=200, after="9800")


def test_a_walk_by_id_finds_every_record_of_one_millisecond() -> None:
    client = make(companies=1_234)
    client.portal.edit(object="companies", restamp="2026-11-20T09:00:00.123Z")
    stamp = str(milliseconds(START - timedelta(hours=1)) + 123)
    both = (("hs_lastmodifieddate", "GTE", stamp), ("hs_lastmodifieddate", "LTE", stamp))
    assert client.search(*both)["total"] == 1_234
    assert _walk(client, *both) == [str(1001 + number) for number in range(1_234)]


def test_ids_are_ordered_as_numbers_or_as_text() -> None:
    client = make(companies=0)
    client.portal.load("companies", [{"id": key, "name": "x"} for key in ("72", "7198", "7199", "719869649082")])
    sort = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    assert client.found(("hs_object_id", "GT", "0"), sorts=sort) == ["72", "7198", "7199", "719869649082"]
    assert client.found(("hs_object_id", "GT", "72"), sorts=sort) == ["7198", "7199", "719869649082"]
    client.portal.quirks.id_order = "text"
    assert client.found(("hs_object_id", "GT", "0"), sorts=sort) == ["7198", "719869649082", "7199", "72"]
    assert client.found(("hs_object_id", "GT", "7199"), sorts=sort) == ["72"]


def test_the_index_lags_behind_the_store() -> None:
    client = make()
    client.portal.quirks.index_lag = 60.0
    client.update(("1001", BEN))
    stamp = str(milliseconds(START))
    assert client.found(("hs_lastmodifieddate", "GTE", stamp)) == []
    assert client.found(("hs_lastmodifieddate", "GTE", _ms(0))) == ["1001", "1002", "1003"]
    client.clock.advance(timedelta(seconds=61))
    assert client.found(("hs_lastmodifieddate", "GTE", stamp)) == ["1001"]
    assert client.found(("hubspot_owner_id", "EQ", BEN)) == ["1001"]


def test_a_hit_may_be_newer_than_the_filter_that_found_it() -> None:
    client = make()
    client.portal.quirks.index_lag = 60.0
    client.update(("1001", BEN))
    old = (("hs_lastmodifieddate", "LTE", _ms(0)),)
    [hit] = client.search(*old, properties=["hubspot_owner_id"])["results"]
    assert hit["properties"]["hubspot_owner_id"] == BEN
    assert hit["updatedAt"] == "2026-11-20T10:00:00.000Z"
    client.portal.quirks.hits_show_index = True
    [hit] = client.search(*old, properties=["hubspot_owner_id"])["results"]
    assert hit["updatedAt"] == "2026-10-21T10:00:00.000Z"


def test_new_and_archived_records_reach_the_index_late() -> None:
    client = make()
    client.portal.edit(configure={"index_lag": 30})
    client.portal.edit(object="companies", create={"name": "New"})
    client.portal.edit(object="companies", id="1001", delete=True)
    assert client.found(("name", "HAS_PROPERTY", "")) == ["1001", "1002", "1003"]
    client.clock.advance(timedelta(seconds=30))
    assert client.found(("name", "HAS_PROPERTY", "")) == ["1002", "1003", "1004"]


def test_a_later_change_never_shows_before_an_earlier_one() -> None:
    client = make()
    client.portal.quirks.record_lag = {"companies/1001": 3600.0}
    client.portal.edit(object="companies", id="1001", set={"name": "First"})
    client.portal.quirks.record_lag = {}
    client.portal.edit(object="companies", id="1001", set={"name": "Second"})
    assert client.found(("name", "EQ", "Company 0")) == ["1001"]
    client.clock.advance(timedelta(hours=1))
    assert client.found(("name", "EQ", "Second")) == ["1001"]


def test_each_record_may_have_its_own_lag() -> None:
    client = make(companies=40)
    client.portal.quirks.index_lag = 3600.0
    client.portal.quirks.index_lag_varies = True
    client.update(*[(str(1001 + number), BEN) for number in range(40)])
    client.clock.advance(timedelta(minutes=30))
    half = client.found(("hubspot_owner_id", "EQ", BEN))
    assert 5 < len(half) < 35
    client.clock.advance(timedelta(minutes=30))
    assert len(client.found(("hubspot_owner_id", "EQ", BEN))) == 40


def test_hits_may_come_out_of_order_and_the_total_may_be_wrong() -> None:
    client = make(companies=20)
    client.portal.quirks.configure({"hits_out_of_order": True, "total_off_by": 3})
    sort = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    answer = client.search(limit=200, sorts=sort)
    ids = [int(row["id"]) for row in answer["results"]]
    assert sorted(ids) == list(range(1001, 1021))
    assert ids != sorted(ids)
    assert answer["total"] == 23


def test_a_remembered_walk_sees_every_change() -> None:
    client = make(companies=30)
    window = ("hs_lastmodifieddate", "GTE", _ms(0))
    first = client.found(window, ("hs_object_id", "GT", "1005"), sorts=[{"propertyName": "hs_object_id"}])
    client.portal.edit(object="companies", id="1010", delete=True)
    second = client.found(window, ("hs_object_id", "GT", "1005"), sorts=[{"propertyName": "hs_object_id"}])
    assert [one for one in first if one not in second] == ["1010"]


def test_search_never_shows_archived_records_history_associations_or_limits() -> None:
    client = make()
    client.portal.edit(object="companies", id="1002", delete=True)
    answer = client.search(properties=["name"])
    assert [row["id"] for row in answer["results"]] == ["1001", "1003"]
    assert set(answer["results"][0]) == {"id", "properties", "createdAt", "updatedAt", "archived"}
    assert not [name for name in client.last.headers if "RateLimit" in name]


def test_an_unknown_quirk_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown quirks: nonsense"):
        make().portal.edit(configure={"nonsense": 1})
    with pytest.raises(ValueError, match="id_order is one of"):
        make().portal.edit(configure={"id_order": "random"})
