"""`--as-of T`: now is T for everything that reads the clock, and nothing of it can be approved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from jobs_world import NOW, World

from syncd.cli.main import cli
from syncd.cli.session import instant_option
from syncd.errors import UsageError
from syncd.jobs.answers.explaining import explain_company
from syncd.jobs.plans.plan import make_plan
from syncd.store import plans

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
PACK = """\
format: 1
pack: {{name: jobs, time_zone: UTC}}
territories:
  - {{name: next-year, when: always, effective: {{from: 2027-01-01}}, owners: [{first}]}}
  - {{name: this-year, when: always, owners: unassigned}}
  - {{name: csm-all, role: csm, when: always, owners: {{pair_with: owner, file: pods.csv}}}}
"""


@pytest.fixture
def new_year(world: World) -> World:
    """A mirror, and a pack whose territories change on January 1."""
    (world.folder / "pack" / "pack.yaml").write_text(PACK.format(first=world.reps[0]))
    (world.folder / "pack" / "pods.csv").write_text(f"owner,csm\n{world.reps[0]},{world.reps[1]}\n")
    world.pulled()
    return world


def territories(document: object) -> set[str]:
    assert isinstance(document, dict)
    return {each["territory"] for each in document["decisions"] if each["role"] == "owner"}


def test_a_plan_as_of_a_day_to_come_follows_the_days_of_territories(new_year: World) -> None:
    assert territories(make_plan(new_year.context, all_decisions=True)) == {"this-year"}
    document = make_plan(new_year.context, as_of=NEW_YEAR, all_decisions=True)
    assert territories(document) == {"next-year"}
    assert document["now"] == "2027-01-01T00:00:00.000Z"
    assert document["created_at"].startswith(f"{NOW:%Y-%m-%d}")


def test_the_mirror_is_not_stale_because_the_instant_is_another(new_year: World) -> None:
    document = make_plan(new_year.context, as_of=NEW_YEAR, all_decisions=True)
    assert document["changes"]
    assert {each["reason"] for each in document["decisions"]}.isdisjoint({"system-stale"})


def test_a_plan_as_of_another_instant_cannot_be_approved(new_year: World) -> None:
    document = make_plan(new_year.context, as_of=NEW_YEAR)
    assert document["plan_id"] is None
    with new_year.context.store.read() as conn:
        assert plans.list_plans(conn, 10) == ()


def test_two_plans_as_of_one_instant_are_equal(new_year: World) -> None:
    first = make_plan(new_year.context, as_of=NEW_YEAR)
    again = make_plan(new_year.context, as_of=NEW_YEAR)
    assert {**first, "created_at": ""} == {**again, "created_at": ""}


def test_explain_says_when_time_alone_changes_it_and_how_it_is_then(new_year: World) -> None:
    key = str(new_year.ref(next(iter(new_year.wires)), new_year.accounts(next(iter(new_year.wires)))[0]))
    today = explain_company(new_year.context, key)
    assert (today["territory"], today["decision"]["next_change_at"]) == ("this-year", "2027-01-01T00:00:00.000Z")
    then = explain_company(new_year.context, key, as_of=NEW_YEAR)
    assert (then["territory"], then["now"]) == ("next-year", "2027-01-01T00:00:00.000Z")
    assert (then["picked"], [each["email"] for each in then["candidates"]]) == (False, [new_year.reps[0]])
    assert "as of an instant to come: by the rules and the mirror of now" in then["notes"]


def test_explain_of_another_role_shows_its_own_tree(new_year: World) -> None:
    key = str(new_year.ref(next(iter(new_year.wires)), new_year.accounts(next(iter(new_year.wires)))[0]))
    found = explain_company(new_year.context, key, role="csm", as_of=NEW_YEAR)
    assert (found["role"], found["territory"], found["picked"]) == ("csm", "csm-all", False)
    assert "its rep is looked up by the owner, who is not picked yet" in found["notes"]
    with pytest.raises(UsageError, match="no role se"):
        explain_company(new_year.context, key, role="se")


@pytest.mark.parametrize("command", ["plan", "explain"])
def test_an_instant_that_is_none_is_a_usage_error(command: str) -> None:
    result = CliRunner().invoke(cli, [command, *(["acme.com"] if command == "explain" else []), "--as-of", "soon"])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == "SYN005 --as-of 'soon' is no instant"


def test_a_day_is_its_beginning_in_utc() -> None:
    assert instant_option("--as-of", "2026-07-01") == datetime(2026, 7, 1, tzinfo=UTC)
    assert instant_option("--as-of", "2026-07-01T02:00:00+02:00") == datetime(2026, 7, 1, tzinfo=UTC)
    with pytest.raises(UsageError, match="SYN005"):
        instant_option("--as-of", "2026-07-32")
