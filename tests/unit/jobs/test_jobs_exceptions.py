"""`exceptions`: each one by what it costs, with what would move without it, and its end."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from jobs_world import SALESFORCE, World

from syncd.cli.main import cli
from syncd.jobs.people.exceptions import exceptions
from syncd.jobs.plans.plan import make_plan
from syncd.report.exceptions_text import exceptions_markdown, exceptions_text

pytestmark = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)  # it only reads

PACK = """
format: 1
reps: [{{email: {first}, capacity: 100}}]
territories:
  - {{name: everywhere, when: always, owners: [{first}]}}
{more}
"""


def write(world: World, more: str = "") -> None:
    (world.folder / "pack" / "pack.yaml").write_text(PACK.format(first=world.reps[0], more=more))


def moving(world: World) -> list[dict[str, Any]]:
    """The changes that the rules want, the most money first."""
    document = make_plan(world.context)
    found = [each for each in document["decisions"] if each["outcome"] == "change" and each["reason"] == "picked"]
    return sorted(found, key=lambda each: -float(each.get("money", "0")))


def told(world: World) -> dict[str, dict[str, Any]]:
    return {each["kind"]: each for each in exceptions(world.context)["exceptions"]}


def test_each_exception_says_what_it_holds_and_what_would_move_without_it(world: World) -> None:
    write(world)
    world.pulled()
    world.adopt()
    (rich, poor), other = moving(world)[:2], world.reps[1]
    write(
        world,
        f"""
disputes: [{{account: '{rich["accounts"][0]}', opened: 2026-11-10, by: mei@x.com, why: two claims}}]
overrides: [{{account: '{poor["accounts"][0]}', owner: {other}, by: mei@x.com, why: sponsor, expires: 2026-11-25}}]
protect: {{rest: {{when: {{name: {{present: true}}}}, reason: quiet quarter, until: 2026-12-31}}}}
deal_holdouts: [{{opportunities: {{is_closed: false}}, by: mei@x.com, why: quarter end, expires: 2027-01-31}}]
""",
    )
    found = told(world)
    assert found["dispute"]["accounts"] == 1
    assert found["dispute"]["state"] == "open for 10 days, over 48 h"
    assert found["dispute"]["would_move"] == 0, "the protect rule would hold it as well"
    assert (found["override"]["ends"], found["override"]["state"]) == ("2026-11-25", "ends soon")
    assert found["protect"]["ends"] == "2026-12-31"
    assert found["protect"]["would_move"] >= 1
    assert found["deal-holdout"]["opportunities"] >= 1
    order = [float(each["would_move_money"]) for each in exceptions(world.context)["exceptions"]]
    assert order == sorted(order, reverse=True)


def test_a_dispute_alone_keeps_its_account_from_moving(world: World) -> None:
    write(world)
    world.pulled()
    world.adopt()
    rich = moving(world)[0]
    write(world, f"disputes: [{{account: '{rich['accounts'][0]}', opened: 2026-11-19}}]")
    dispute = told(world)["dispute"]
    assert (dispute["would_move"], dispute["would_move_money"]) == (1, rich.get("money", "0"))
    assert dispute["state"] == "open for 1 day"


def test_what_a_person_changed_is_one_line(world: World) -> None:
    write(world)
    world.pulled()
    world.adopt()
    account = world.account(SALESFORCE)
    user = world.salesforce.records("User")
    other = next(row["Id"] for row in user if row["Email"].lower() == world.reps[2])
    world.wait()
    world.edit_salesforce(account.id, OwnerId=other)
    world.wait()
    world.pulled()
    person = told(world)["changed-by-person"]
    assert (person["accounts"], person["would_move"]) == (1, 1)


def test_an_exception_that_matches_nothing_or_is_over_is_listed_so(world: World) -> None:
    write(
        world,
        """
disputes: [{account: nobody.example}]
protect: {old: {when: {name: {present: true}}, reason: past, until: 2026-01-31}}
""",
    )
    world.pulled()
    found = told(world)
    assert found["dispute"]["state"] == "matches no account"
    assert (found["protect"]["state"], found["protect"]["accounts"]) == ("over", 0)


def test_the_command_prints_a_table(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write(world, "protect: {all: {when: {name: {present: true}}, reason: 'a | b'}}")
    world.pulled()
    document = exceptions(world.context)
    assert "protect" in exceptions_text(document)
    assert "a \\| b" in exceptions_markdown(document)
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(cli, ["--config", str(world.folder / "config.toml"), "exceptions"])
    assert shown.exit_code == 0, shown.output
    assert "would move" in shown.output
