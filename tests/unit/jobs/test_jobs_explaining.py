"""Explaining one company of the mirror: without the whole book, with what was planned and written, then and now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from jobs_world import NOW, SALESFORCE, World

from syncd.cli.main import cli
from syncd.errors import UsageError
from syncd.jobs.answers.explaining import explain_company, explain_toward
from syncd.jobs.answers.lead_explaining import explain_lead
from syncd.jobs.books.family_book import read_family
from syncd.jobs.leadership import leadership
from syncd.jobs.plans.apply import apply
from syncd.jobs.plans.plan import deliberate, make_plan
from syncd.report.explanation_text import render_explanation
from syncd.report.lead_text import render_lead
from syncd.report.toward_text import render_toward

PACK = """\
format: 1
pack: {{name: jobs, time_zone: UTC}}
territories:
  - {{name: giants, when: {{employees: ">= 100000000"}}, owners: [{first}]}}
  - {{name: everywhere, when: always, follow_parent: {follow}, owners: [{first}, {second}], keep: false}}
  - {{name: csm-all, role: csm, when: always, owners: unassigned}}
routing:
  leads: [{{match: account}}, {{territory: true}}]
"""


@pytest.fixture
def pulled(world: World) -> World:
    """A complete mirror, and a pack that picks for every account."""
    write(world)
    world.pulled()
    return world


def write(world: World, follow: str = "false") -> None:
    text = PACK.format(first=world.reps[0], second=world.reps[1], follow=follow)
    (world.folder / "pack" / "pack.yaml").write_text(text)


def key_of(world: World, number: int = 0) -> str:
    return str(world.account(SALESFORCE, number))


@pytest.mark.parametrize("follow", ["false", "true"])
def test_a_company_read_alone_is_what_the_whole_book_says_of_it(pulled: World, follow: str) -> None:
    write(pulled, follow)
    pulled.adopt()
    make_plan(pulled.context)
    thought = deliberate(pulled.context)
    for facts in thought.source.book.facts:
        with pulled.context.store.read() as conn:
            book = read_family(pulled.context, conn, thought.pack, [facts.key], thought.now)
        alone = next(each for each in book.facts if each.key == facts.key)
        assert replace(alone) == facts
        assert dict(alone.values) == dict(facts.values)
        assert book.directory == thought.source.book.directory


def test_what_is_not_picked_yet_lists_the_candidates(pulled: World) -> None:
    document = explain_company(pulled.context, key_of(pulled))
    assert (document["picked"], document["decision"], document["planned"]) == (False, None, None)
    assert [each["email"] for each in document["candidates"]] == [*pulled.reps[:2]]
    assert "not picked yet" in render_explanation(document)


def test_a_planned_pick_is_shown_with_its_loads_and_never_made_again(pulled: World) -> None:
    plan = make_plan(pulled.context)
    entry = next(each for each in plan["decisions"] if each["reason"] == "picked")
    document = explain_company(pulled.context, entry["company"])
    assert document["picked"] is True
    assert document["decision"]["owner"] == entry["owner"]
    assert {each["email"]: each["load"] for each in document["candidates"]} == entry["loads"]
    assert (document["planned"]["plan_id"], document["planned"]["status"]) == (plan["plan_id"], "offered")
    assert f"plan {plan['plan_id']} (offered" in render_explanation(document)


def test_a_pick_by_other_rules_is_not_passed_off_as_todays(pulled: World) -> None:
    plan = make_plan(pulled.context)
    write(pulled, follow="true")
    document = explain_company(pulled.context, plan["decisions"][0]["company"])
    assert document["pack_revision"] != plan["pack_revision"]
    assert document["picked"] is False
    assert document["planned"]["pack_revision"] == plan["pack_revision"]


def test_the_write_that_followed_is_shown_with_its_approval(pulled: World) -> None:
    pulled.adopt()
    plan = make_plan(pulled.context)
    entry = next(each for each in plan["decisions"] if each["outcome"] == "change")
    plan_id = pulled.approve(plan)
    with leadership(pulled.context) as leader:
        apply(pulled.context, leader, plan_id)
    document = explain_company(pulled.context, entry["company"])
    receipt = document["written"][-1]
    assert (receipt["plan_id"], receipt["state"], receipt["approved_by"]) == (plan_id, "confirmed", "ruth")
    assert receipt["to"] == entry["owner"]["email"]
    assert document["last_applied"]["owner"] == entry["owner"]["email"]
    text = render_explanation(document)
    assert "approved by ruth: looks right" in text
    assert "last applied" in text


def test_of_a_past_instant_the_plan_of_then_is_shown(pulled: World) -> None:
    plan = make_plan(pulled.context)
    entry = next(each for each in plan["decisions"] if each["reason"] == "picked")
    pulled.wait(120)
    write(pulled, follow="true")
    then = explain_company(pulled.context, entry["company"], as_of=NOW + timedelta(minutes=30))
    assert then["decision"]["owner"] == entry["owner"]
    assert any(f"the decision is that of plan {plan['plan_id']}" in note for note in then["notes"])
    assert any("the rules have changed since" in note for note in then["notes"])
    before = explain_company(pulled.context, entry["company"], as_of=NOW - timedelta(days=1))
    assert (before["planned"], before["written"]) == (None, [])
    assert "no plan from before then names it" in " ".join(before["notes"])


def test_what_would_send_it_elsewhere_is_shown(pulled: World) -> None:
    document = explain_toward(pulled.context, key_of(pulled), "giants")
    (change,) = document["ways"][0]["changes"]
    assert (change["field"], change["to"]) == ("employees", "100000000")
    text = render_toward(document)
    assert "The smallest change toward giants is of one field:" in text
    assert "-> 100000000" in text
    there = explain_toward(pulled.context, key_of(pulled), pulled.reps[1])
    assert "It is there already: everywhere." in render_toward(there)
    for target in ("giant", "nobody@example.com"):
        with pytest.raises(UsageError) as refused:
            explain_toward(pulled.context, key_of(pulled), target)
        assert refused.value.code == "SYN020"


def test_a_lead_is_explained_by_the_account_that_it_matches(pulled: World) -> None:
    thought = deliberate(pulled.context)
    account = next(
        each for each in thought.source.book.facts if each.owner_active and isinstance(each.values.get("domain"), str)
    )
    document = explain_lead(pulled.context, [f"email=jo@{account.values['domain']}"])
    assert (document["reason"], document["matched"]) == ("matched-account", account.key)
    assert document["owner"] == account.current_owner.email  # type: ignore[union-attr]
    other = explain_lead(pulled.context, ["email=jo@nobody-knows.com", "country=Germany"])
    assert (other["reason"], other["path"][-1]["territory"]) == ("picked", "everywhere")
    text = render_lead(other)
    assert "passed: no account matches by domain, nor by name and place" in text
    assert "everywhere  (pack.yaml:5)" in text


@pytest.mark.parametrize("given", ["email", "email=", "emial=jo@acme.com"])
def test_a_value_that_is_none_of_a_lead_is_a_usage_error(pulled: World, given: str) -> None:
    with pytest.raises(UsageError) as refused:
        explain_lead(pulled.context, [given])
    assert refused.value.code == "SYN021"


@pytest.mark.parametrize("words", [[], ["acme.com", "--lead", "email=a@b.com"], ["--lead", "x=1", "--toward", "a"]])
def test_exactly_one_thing_is_explained(words: list[str]) -> None:
    done = CliRunner().invoke(cli, ["explain", *words])
    assert isinstance(done.exception, UsageError)
    assert done.exception.code == "SYN021"


def test_several_companies_of_one_name_are_listed_with_what_tells_them_apart(pulled: World) -> None:
    with pytest.raises(UsageError) as refused:
        explain_company(pulled.context, "a")
    assert refused.value.code == "SYN003"
    assert refused.value.hint is not None
    assert ":account:" in refused.value.hint
    assert "Hamburg, Germany" in refused.value.hint
