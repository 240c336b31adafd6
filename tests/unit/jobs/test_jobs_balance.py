"""`balance` over both sandboxes: what it proposes stands, keeps to its budget and to what may not move."""

from __future__ import annotations

import copy
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jobs_world import SALESFORCE, World

from syncd.cli.main import cli
from syncd.errors import InputError, UsageError
from syncd.jobs.aids.balancing import Wanted, balance
from syncd.jobs.leadership import leadership
from syncd.jobs.plans import apply as jobs
from syncd.jobs.plans.plan import make_plan
from syncd.planning.aids import balance_optimum
from syncd.report.aids.balance_sheet import balance_sheet
from syncd.report.aids.sheet_html import render_html
from syncd.report.aids.sheet_markdown import render_markdown
from syncd.report.aids.sheet_text import render_text
from syncd.sandbox.dataset import Dataset

PACK = """
format: 1
pack: {{name: balance}}
pools: {{all: {{members: [{reps}]}}}}
territories:
  - name: everywhere
    when: always
    owners: {{pool: all}}
    {options}
{more}
"""


@pytest.fixture(scope="module")
def make_lopsided(
    tmp_path_factory: pytest.TempPathFactory, data: Dataset, empty_database: Path
) -> Iterator[Callable[[], World]]:
    """Worlds whose accounts are all with the first of a team of four."""
    made: list[World] = []

    def make() -> World:
        folder = tmp_path_factory.mktemp("balance")
        shutil.copyfile(empty_database, folder / "syncd.db")
        made.append(World.make(folder, f"sqlite:///{folder}/syncd.db", copy.deepcopy(data)))
        world = made[-1]
        world.pulled()
        world.adopt()
        write(world, reps=world.reps[:1])
        carried_out(world, make_plan(world.context)["plan_id"])
        return world

    yield make
    for each in made:
        each.context.close()


@pytest.fixture(scope="module")
def standing(make_lopsided: Callable[[], World]) -> World:
    """One that no test writes to."""
    return make_lopsided()


@pytest.fixture
def world(standing: World) -> World:
    write(standing)
    return standing


def write(world: World, reps: tuple[str, ...] = (), options: str = "", more: str = "") -> None:
    text = PACK.format(reps=", ".join(reps or world.reps[:4]), options=options, more=more)
    (world.folder / "pack" / "pack.yaml").write_text(text)


def carried_out(world: World, plan: str) -> None:
    document = {"plan_id": plan, "guard": {"tripped": []}}
    world.approve(document)
    with leadership(world.context) as leader:
        jobs.apply(world.context, leader, plan)
    world.wait()
    world.pulled()


def rendered(document: Mapping[str, Any]) -> str:
    json.dumps(document)
    sheet = balance_sheet(document)
    assert render_html(sheet)
    assert render_markdown(sheet)
    return render_text(sheet)


def loads(document: Mapping[str, Any], side: str) -> Counter[str]:
    return Counter({each["rep"]: each[side]["accounts"] for each in document["reps"]})


@pytest.mark.parametrize("engine", ["exact", "heuristic"])
def test_a_lopsided_team_is_balanced_within_its_budget(world: World, engine: str) -> None:
    document = balance(world.context, Wanted("accounts", budget=6, engine=engine, curve=True))
    assert document["moves"] == 6
    assert len(document["companies"]) == 6
    assert max(loads(document, "after").values()) == max(loads(document, "before").values()) - 6
    shares = [each["share"] for each in document["curve"]]
    assert shares == sorted(shares, reverse=True)
    assert all(each["moves"] <= each["budget"] for each in document["curve"])
    text = rendered(document)
    assert "6 moves of at most 6" in text
    assert ("exact" in document["engine"]) is (engine == "exact")


def test_the_next_plan_keeps_what_a_balance_moved(make_lopsided: Callable[[], World]) -> None:
    world = make_lopsided()
    for options in ("", "keep: false"):  # with `keep: false` what was applied is remembered
        write(world, options=options)
        if options:
            dealt = make_plan(world.context)["plan_id"]
            assert dealt is None  # everything was applied in this territory
        document = balance(world.context, Wanted("accounts", budget=5, save=True))
        assert document["moves"] == 5
        carried_out(world, document["plan"])
        assert make_plan(world.context)["changes"] == []
        again = balance(world.context, Wanted("accounts", budget=5))
        assert loads(again, "before") == loads(document, "after")
    world.wait(24 * 60)
    document = balance(world.context, Wanted("accounts", budget=5, save=True))
    assert document["plan"] is None
    assert "Nothing is saved, for no move can be written now: " in " ".join(rendered(document).split())
    assert "stale" in rendered(document)


def test_a_balance_says_when_the_rules_are_to_move_accounts_first(world: World) -> None:
    document = balance(world.context, Wanted("accounts", budget=5))
    assert document["moved_by_rules"] == 0
    assert "about to move" not in rendered(document)
    write(world, reps=world.reps[1:5])  # the owner of everything is no member any more
    document = balance(world.context, Wanted("accounts", budget=5))
    moved = sum(each["accounts"] for each in document["fixed"] if each["reason"].startswith("the rules move it"))
    assert document["moved_by_rules"] == moved > 0
    assert f"about to move {moved} accounts" in " ".join(rendered(document).split())


def test_what_is_protected_or_overridden_does_not_move(world: World) -> None:
    write(world, more="protect: {big: {when: {employees: '>= 1'}, reason: big}}")
    document = balance(world.context, Wanted("accounts", budget=100))
    kept = {each["reason"]: each["accounts"] for each in document["fixed"]}
    assert kept["big"] > 0
    with world.context.store.read():
        named = {each["company"] for each in document["companies"]}
    protected = {each["company"] for each in make_plan(world.context)["decisions"] if each["reason"] == "big"}
    assert protected
    assert not named & protected


def test_caps_and_capacity_hold(world: World) -> None:
    one, two, three, four = world.reps[:4]
    more = f"reps: [{{email: {two}, capacity: 30, max_accounts: 3}}, {{email: {three}, capacity: 10}}]"
    write(world, options="cap: 7", more=more)
    document = balance(world.context, Wanted("accounts", budget=100))
    after = loads(document, "after")
    assert after[two] <= 3
    assert after[three] <= 7
    assert after[four] <= 7
    shares = {each["rep"]: float(each["share"]) for each in document["reps"]}
    assert shares[two] == pytest.approx(3 * shares[three], abs=0.02)
    assert after[one] > after[four]


def test_questions_that_have_no_answer_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="SYN770"):
        balance(world.context, Wanted(scope="everywher"))
    with pytest.raises(InputError, match="SYN772"):
        balance(world.context, Wanted("score"))
    monkeypatch.setattr(balance_optimum, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="SYN771"):
        balance(world.context, Wanted("accounts", engine="exact"))
    assert balance(world.context, Wanted("accounts"))["engine"].startswith("heuristic")


def test_the_command_prints_and_nothing_is_written(world: World) -> None:
    sent = len(world.wire(SALESFORCE).sent)
    for by in ("potential", "workload", "pipeline"):
        assert rendered(balance(world.context, Wanted(by, scope="everywhere"))).startswith("Balance\n")
    assert len(world.wire(SALESFORCE).sent) == sent
    assert "--budget" in CliRunner().invoke(cli, ["balance", "--help"]).output
