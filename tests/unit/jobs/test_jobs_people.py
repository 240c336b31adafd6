"""The leaver's drill, the joiner's first book and distribution, on both sandboxes, to what the CRMs hold at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from jobs_world import HUBSPOT, SALESFORCE, World
from people_world import HOLDOUT, apply, carried_out, deactivate, ids_of, owned, settled, write

from syncd.cli.main import cli
from syncd.errors import InputError, UsageError
from syncd.jobs.people.distributing import distribute
from syncd.jobs.people.joiner import joiner
from syncd.jobs.people.leaver import leaver
from syncd.jobs.plans.plan import make_plan
from syncd.jobs.watching.watch import watch
from syncd.model.refs import Kind
from syncd.report.people_text import people_markdown, people_text
from syncd.report.plans.plan_formats import render
from syncd.report.redaction import redacted
from syncd.store import episodes, picking

ONE_DATABASE = pytest.mark.parametrize("make_world", ["sqlite"], indirect=True)
"""For what is decided, not stored: once is enough."""


def books(world: World) -> Counter[str]:
    document = make_plan(world.context, all_decisions=True, offered=False)
    return Counter(each["owner"]["email"] for each in document["decisions"] if each["owner"])


def test_after_apply_nothing_is_left_on_whoever_left_on_either_database(world: World) -> None:
    write(world)
    settled(world)
    who = world.reps[0]
    before = owned(world, who)
    assert before
    deactivate(world, who)
    world.wait()
    world.pulled()
    document = leaver(world.context, who)
    told = document["people"]
    assert {each["reason"] for each in told["accounts"]} == {"succession"}
    assert all(each["to"] in world.reps[1:] for each in told["accounts"])
    assert carried_out(world, document).exit_code == 0
    assert owned(world, who) == []
    assert make_plan(world.context)["changes"] == []


@ONE_DATABASE
class TestLeaver:
    def test_the_list_is_by_money_and_by_system_and_says_what_is_not_mirrored(self, world: World) -> None:
        write(world)
        settled(world)
        told = leaver(world.context, world.reps[0])["people"]
        money = [float(each["money"]) for each in told["accounts"]]
        assert money == sorted(money, reverse=True)
        assert sum(money) == float(told["owns"]["money"]["amount"])
        assert told["owns"]["systems"].keys() <= {"salesforce", "hubspot"}
        assert "tasks of hubspot" in told["not_mirrored"]

    def test_a_departure_is_planned_while_the_rep_is_still_there(self, world: World) -> None:
        write(world)
        settled(world)
        document = leaver(world.context, world.reps[0])
        assert document["kind"] == "leaver"
        assert carried_out(world, document).exit_code == 0
        assert owned(world, world.reps[0]) == []

    def test_a_deal_holdout_holds_for_an_active_owner_and_not_for_one_who_left(self, world: World) -> None:
        write(world, more=HOLDOUT)
        settled(world)
        who = next(rep for rep in world.reps if leaver(world.context, rep)["people"]["opportunities"])
        deals = leaver(world.context, who)["people"]["opportunities"]
        assert all("deal holdout" in deal["text"] for deal in deals)
        assert {deal["to"] for deal in deals} == {None}
        deactivate(world, who)
        world.wait()
        world.pulled()
        document = leaver(world.context, who)
        moved = [deal for deal in document["people"]["opportunities"] if deal["ref"].startswith("salesforce")]
        assert all("does not hold: its owner has left" in deal["text"] for deal in moved)
        assert carried_out(world, document).exit_code == 0
        assert owned(world, who) == []

    def test_what_stays_says_so(self, world: World) -> None:
        write(world)
        settled(world)
        who = world.reps[0]
        company = leaver(world.context, who)["people"]["accounts"][0]
        write(world, more=f"disputes: [{{account: '{company['accounts'][0]}', opened: 2026-11-20}}]")
        told = leaver(world.context, who)["people"]["accounts"]
        held = next(each for each in told if each["company"] == company["company"])
        assert (held["to"], held["reason"]) == (None, "dispute")
        assert {each["reason"] for each in told} == {"dispute", "succession"}

    def test_a_book_goes_to_the_named_person_alone_and_only_where_the_rules_let_it(self, world: World) -> None:
        write(world)
        settled(world)
        who, wanted = world.reps[0], world.reps[1]
        told = leaver(world.context, who, to=[wanted])["people"]["accounts"]
        assert {each["to"] for each in told} == {wanted}
        write(world, reps=(who, *world.reps[2:]))
        told = leaver(world.context, who, to=[wanted])["people"]["accounts"]
        assert {(each["to"], each["reason"]) for each in told} == {(None, "successor-not-named")}
        assert "pack.yaml" in told[0]["text"]

    def test_what_its_territory_has_nobody_for_goes_to_the_cover(self, world: World) -> None:
        write(world)
        settled(world)
        who, cover = world.reps[0], world.reps[3]
        entries = f"{{email: {who}, manager: {cover}}}"
        write(world, reps=(who,), entries=entries)
        deactivate(world, who)
        world.wait()
        world.pulled()
        document = leaver(world.context, who)
        told = document["people"]["accounts"]
        assert {(each["to"], each["reason"], each["cover"]) for each in told} == {(cover, "interim-cover", cover)}
        assert carried_out(world, document).exit_code == 0
        assert owned(world, who) == []

    def test_it_is_approved_within_the_guard_like_any_plan(self, world: World) -> None:
        write(world, more="guard: {per_rep: 1}")
        world.pulled()
        document = leaver(world.context, world.reps[0])
        if len(document["changes"]) > 2:
            assert [trip["limit"] for trip in document["guard"]["tripped"]] == ["per_rep"]

    def test_nobody_knows_a_stranger(self, world: World) -> None:
        world.pulled()
        with pytest.raises(UsageError) as caught:
            leaver(world.context, "stranger@nowhere.example")
        assert caught.value.code == "SYN650"

    def test_within_one_poll_an_alert_names_the_drill_and_the_next_plan_decides_the_book_anew(
        self, world: World
    ) -> None:
        write(world)
        settled(world)
        watch(world.context)
        who = world.reps[0]
        deactivate(world, who)
        world.wait()
        world.pulled()
        watch(world.context)
        with world.context.store.read() as conn:
            left = [each for each in episodes.open_episodes(conn) if each.monitor == "RepLeft"]
        assert [each.labels["rep"] for each in left] == [who]
        assert left[0].detail["command"] == f"syncd leaver {who}"
        document = make_plan(world.context)
        mine = [each for each in document["decisions"] if (each["current_owner"] or {}).get("email") == who]
        assert mine
        assert all(each["outcome"] == "change" and each["owner"]["email"] != who for each in mine)

    def test_a_dispute_that_is_opened_after_the_plan_holds_at_apply(self, world: World) -> None:
        write(world)
        settled(world)
        document = leaver(world.context, world.reps[0])
        world.approve(document)
        account = document["changes"][0]["ref"]
        rows = {each["ref"] for each in document["people"]["opportunities"]}
        assert account not in rows
        write(world, more=f"disputes: [{{account: '{account}', opened: 2026-11-20}}]")
        states = Counter(row.code for row in apply(world, document).rows)
        assert states["refused-now"] >= 1


@ONE_DATABASE
class TestJoiner:
    def test_a_joiner_gets_a_fair_share_peeled_off_full_books_which_the_next_plan_leaves(self, world: World) -> None:
        write(world, reps=world.reps[1:])
        settled(world)
        write(world)
        who = world.reps[0]
        before = books(world)
        document = joiner(world.context, who, "team")
        told = document["people"]
        assert told["target"] >= 2
        assert told["accounts"] == told["target"]
        assert max(before, key=lambda rep: before[rep]) in told["peeled"]
        assert carried_out(world, document).exit_code == 0
        after = books(world)
        assert after[who] == told["target"]
        assert make_plan(world.context)["changes"] == []

    def test_the_ramp_says_how_much_and_when(self, world: World) -> None:
        who = world.reps[0]
        write(world, reps=world.reps[1:])
        settled(world)
        write(world, entries=f"{{email: {who}, start: 2026-11-01, ramp: [0.5, 1.0]}}")
        told = joiner(world.context, who, "everywhere")["people"]
        assert [(step["from"], step["share"]) for step in told["ramp"]] == [("2026-11-01", "0.5"), ("2026-12-01", "1")]
        assert told["target"] < told["ramp"][1]["accounts"]

    def test_share_and_budget_make_it_less(self, world: World) -> None:
        from decimal import Decimal

        write(world, reps=world.reps[1:])
        settled(world)
        write(world)
        whole = joiner(world.context, world.reps[0], "team")["people"]["target"]
        assert joiner(world.context, world.reps[0], "team", share=Decimal("0.5"))["people"]["target"] == whole // 2
        assert joiner(world.context, world.reps[0], "team", budget=1)["people"]["accounts"] == 1

    @pytest.mark.parametrize(
        ("into", "entry", "code"),
        [
            ("few", "", "SYN651"),
            ("nowhere", "", "SYN651"),
            ("everywhere", "start: 2027-01-01", "SYN653"),
        ],
    )
    def test_what_cannot_be_is_refused(self, world: World, into: str, entry: str, code: str) -> None:
        who = world.reps[0]
        write(world, entries=f"{{email: {who}, {entry}}}" if entry else "")
        world.pulled()
        with pytest.raises((InputError, UsageError)) as caught:
            joiner(world.context, who, into)
        assert caught.value.code == code

    def test_whom_nobody_names_gets_nothing(self, world: World) -> None:
        write(world, reps=world.reps[1:])
        world.pulled()
        with pytest.raises(InputError) as caught:
            joiner(world.context, world.reps[0], "team")
        assert caught.value.code == "SYN652"
        assert "pack.yaml" in str(caught.value.where)


@ONE_DATABASE
class TestDistribution:
    def unworked(self, world: World, *, capacity: int = 6) -> None:
        entries = ", ".join(f"{{email: {rep}, capacity: {capacity}}}" for rep in world.reps[:2])
        text = f"""
format: 1
reps: [{entries}]
score: {{components: {{size: {{field: employees, curve: [[0, 0], [10000, 100]]}}}}, bands: {{A: ">= 0"}}}}
pools: {{few: [{", ".join(world.reps[:2])}]}}
territories:
  - {{name: unworked, when: always, owners: unassigned}}
"""
        (world.folder / "pack" / "pack.yaml").write_text(text)

    def test_books_are_filled_to_capacity_the_best_score_first(self, world: World) -> None:
        self.unworked(world)
        world.pulled()
        world.adopt()
        document = distribute(world.context, "few", sources=["unworked"])
        told = document["people"]
        rooms = {each["email"]: each for each in told["members"]}
        assert all(each["before"] + each["gained"] <= max(each["room"], each["before"]) for each in rooms.values())
        if told["given"] < told["supply"]:
            assert told["left_over"] == {"every book is full": told["supply"] - told["given"]}
        scores = [each["grade"]["score"] for each in document["decisions"] if each["outcome"] == "change"]
        assert scores
        if document["plan_id"] is not None:
            assert carried_out(world, document).exit_code == 0
            with world.context.store.read() as conn:
                rows = picking.assignments_since(conn, world.clock.now().replace(hour=0))
            assert Counter(row.reason for row in rows) == {"distributed": told["given"]}
            assert make_plan(world.context)["changes"] == []

    def test_the_budget_limits_one_plan(self, world: World) -> None:
        self.unworked(world, capacity=30)
        world.pulled()
        told = distribute(world.context, "few", sources=["unworked"], budget=1)["people"]
        assert told["given"] == 1
        assert set(told["left_over"]) <= {"the budget is used up"}

    @pytest.mark.parametrize(("pool", "source", "code"), [("nope", [], "SYN298"), ("few", ["nope"], "SYN654")])
    def test_unknown_names_are_refused(self, world: World, pool: str, source: list[str], code: str) -> None:
        self.unworked(world)
        world.pulled()
        with pytest.raises(UsageError) as caught:
            distribute(world.context, pool, sources=source)
        assert caught.value.code == code

    def test_a_pool_without_capacities_has_no_books_to_fill(self, world: World) -> None:
        write(world)
        world.pulled()
        with pytest.raises(InputError) as caught:
            distribute(world.context, "team")
        assert caught.value.code == "SYN655"


@ONE_DATABASE
def test_the_commands_print_text_markdown_and_json(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write(world)
    settled(world)
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    run = CliRunner()
    config = ["--config", str(world.folder / "config.toml")]
    shown = run.invoke(cli, [*config, "leaver", world.reps[0]])
    assert shown.exit_code == 0, shown.output
    assert "Accounts, by money" in shown.output
    assert "not in the mirror, look in the CRM: " in shown.output
    marked = run.invoke(cli, [*config, "leaver", world.reps[0], "--format", "markdown"])
    assert "### Accounts, by money" in marked.output
    joined = run.invoke(cli, [*config, "joiner", world.reps[0], "--into", "team", "--share", "50%"])
    assert "starts in team" in joined.output, joined.output
    wrong = run.invoke(cli, [*config, "joiner", world.reps[0], "--into", "team", "--share", "200%"])
    assert isinstance(wrong.exception, UsageError)
    assert wrong.exception.code == "SYN656"
    document = leaver(world.context, world.reps[0])
    assert f'syncd approve {document["plan_id"]} --why "…", then syncd apply' in people_text(document)
    assert people_markdown(document).startswith("## ")
    for format_ in ("text", "markdown", "csv", "html"):
        assert world.reps[0] in render(document, format_)
    hidden = redacted(document)
    people_text(hidden)
    told = document["people"]
    shown_names = json.dumps(hidden, ensure_ascii=False)
    for name in (world.reps[0], told["leaver"]["name"], *(each["name"] for each in told["accounts"])):
        assert name not in shown_names


@ONE_DATABASE
def test_hubspot_alone_losing_a_rep_is_a_departure_too(make_world: Callable[..., World]) -> None:
    world = make_world()
    write(world)
    settled(world)
    who = world.reps[1]
    owner = ids_of(world, who)[HUBSPOT]
    world.hubspot.edit({"object": "owners", "id": owner, "deactivate": True})
    world.wait()
    world.pulled()
    document = leaver(world.context, who)
    assert {each["reason"] for each in document["people"]["accounts"]} == {"succession"}
    assert carried_out(world, document).exit_code == 0
    left = [key for key in owned(world, who) if key in world.truth(SALESFORCE, Kind.ACCOUNT)]
    assert left == []


@ONE_DATABASE
def test_a_pool_with_nobody_eligible_any_more_alerts_unassigned_until_it_has_somebody(world: World) -> None:
    def firing() -> list[str]:
        world.pulled()
        watch(world.context)
        with world.context.store.read() as conn:
            found = [each for each in episodes.open_episodes(conn) if each.monitor == "Unassigned"]
        assert all("everywhere has no eligible rep" in line for each in found for line in each.detail["evidence"])
        return [each.subject for each in found if each.detail.get("quiet") is None]

    who, other = world.reps[:2]
    last_day = f"{{email: {who}, end: 2026-11-20}}"
    write(world, reps=(who,), entries=last_day)
    settled(world)
    assert firing() == []
    world.wait(60 * 24)
    assert firing() == ["everywhere"]
    write(world, reps=(who, other), entries=last_day)
    world.wait()
    assert firing() == []
