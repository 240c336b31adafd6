"""Plans of one mirror by a pack that is being edited: the same decisions as a plan of its own, and what differs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import click
import pytest
from click.testing import CliRunner
from jobs_world import SALESFORCE, World

from syncd.cli import replanning as cli
from syncd.cli.main import cli as main
from syncd.errors import InputError, RefusedError, UsageError
from syncd.jobs.books import live_mirror
from syncd.jobs.plans import replanning
from syncd.jobs.plans.plan import deliberate
from syncd.jobs.plans.replanning import Replanner

GRADED = """
lifecycle:
  - name: big
    when: {employees: ">= 500"}
"""
SPLIT = """
territories:
  - name: top
    when: {lifecycle: [big, customer]}
    owners: {pool: all}
  - name: everywhere
    when: always
    owners: {pool: all}
"""


def edit(world: World, text: str) -> None:
    """The world's pack with other territories."""
    world.write_pack()
    path = world.folder / "pack" / "pack.yaml"
    path.write_text(path.read_text().partition("territories:")[0] + text.strip() + "\n")


def pulled(make_world: Callable[..., World]) -> World:
    world = make_world()
    world.pulled()
    world.adopt()
    return world


def test_each_edit_gives_the_decisions_of_a_plan_of_its_own(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = pulled(make_world)
    reads: list[object] = []
    original = live_mirror.read_book
    monkeypatch.setattr(live_mirror, "read_book", lambda *given: (reads.append(given), original(*given))[1])
    replanner = Replanner(world.context)
    first = replanner.plan()
    assert (first.read, first.rules, first.entries) == (True, (), ())
    for text in (SPLIT + GRADED, SPLIT):
        edit(world, text)
        replan = replanner.plan()
        alone = deliberate(world.context)
        assert replan.side.decisions == alone.decisions
        assert replan.side.facts == alone.facts
    assert len(reads) == 1


def test_a_large_book_is_asked_only_what_an_edit_changed_and_decided_alike(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    delta = pytest.importorskip("syncd.rules.batch.delta", reason="the extra `fast` is not installed")
    monkeypatch.setattr(replanning, "MANY", 1)
    again: list[int] = []
    original = delta.LiveTerritories.decide

    def counted(*given: object) -> object:
        found = original(*given)
        again.append(len(found.again))
        return found

    monkeypatch.setattr(delta.LiveTerritories, "decide", counted)
    world = pulled(make_world)
    replanner = Replanner(world.context)
    replanner.plan()
    whole = again[-1]
    ungraded = SPLIT.replace("{lifecycle: [big, customer]}", '{employees: ">= 500"}')
    for text in (ungraded, ungraded.replace("500", "50"), ungraded, SPLIT + GRADED, ungraded):
        edit(world, text)
        assert replanner.plan().side.decisions == deliberate(world.context).decisions
    assert whole > 0
    assert sum(again[1:]) < len(again[1:]) * whole


def test_the_difference_to_the_last_plan_is_shown(make_world: Callable[..., World]) -> None:
    world = pulled(make_world)
    replanner = Replanner(world.context)
    before = replanner.plan()
    edit(world, SPLIT.replace("{lifecycle: [big, customer]}", '{employees: ">= 500"}'))
    replan = replanner.plan()
    moved = {
        each.company
        for each, other in zip(replan.side.decisions, before.side.decisions, strict=True)
        if (each.territory, each.owner, each.outcome) != (other.territory, other.owner, other.outcome)
    }
    assert moved
    assert {entry["company"] for entry in replan.entries} == moved
    assert [(rule["change"], rule["name"]) for rule in replan.rules] == [("added", "top")]
    assert replanner.plan().entries == ()
    text = "\n".join(cli.told(replan))
    assert "added territory top" in text
    assert f"{len(moved)} decisions differ from the last plan" in text


def test_an_invalid_pack_is_refused_and_the_last_good_one_stays(make_world: Callable[..., World]) -> None:
    world = pulled(make_world)
    replanner = Replanner(world.context)
    replanner.plan()
    edit(world, SPLIT.replace("lifecycle", "lifecicle"))
    with pytest.raises(InputError) as refused:
        replanner.plan()
    assert refused.value.findings
    edit(world, SPLIT)
    assert [rule["name"] for rule in replanner.plan().rules] == ["top"]


def test_a_pull_in_between_is_seen(make_world: Callable[..., World]) -> None:
    world = pulled(make_world)
    replanner = Replanner(world.context)
    replanner.plan()
    world.edit_salesforce(world.accounts(SALESFORCE)[0], Name="Renamed")
    world.wait()
    assert not replanner.plan().read
    world.pulled()
    replan = replanner.plan()
    assert replan.read
    assert replan.side.decisions == deliberate(world.context, as_of=replan.now).decisions


def test_no_plan_before_a_complete_mirror(make_world: Callable[..., World]) -> None:
    world = make_world()
    with pytest.raises(RefusedError, match="no complete mirror"):
        Replanner(world.context).plan()


def test_the_command_shows_findings_goes_on_and_ends_with_ctrl_c(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = pulled(make_world)
    edits = iter([lambda: edit(world, SPLIT + "  - nonsense"), lambda: edit(world, SPLIT), lambda: None])

    class Clock:
        """The world's clock; while it sleeps somebody edits, and in the end presses Ctrl-C."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.clock, name)

        def sleep(self, seconds: float) -> None:
            world.clock.advance(timedelta(seconds=seconds))
            step = next(edits, None)
            if step is None:
                raise KeyboardInterrupt
            step()

    monkeypatch.setattr(world.context, "clock", Clock())

    class Opened:
        def __enter__(self) -> object:
            return world.context

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(cli, "open_context", lambda _: Opened())
    assert cli.watch_pack(click.Context(click.Command("plan")), None, all_=True, timings=True) == 0
    shown = capsys.readouterr()
    assert shown.out.count("decisions differ from the last plan") == 1, "the first has none before it"
    assert "added territory top" in shown.out
    assert "error SYN" in shown.err
    assert "read the mirror" in shown.err


def test_save_without_watch_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["plan", "--save"])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == "SYN005 --save goes with --watch"
