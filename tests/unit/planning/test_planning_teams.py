"""Teams around a write: saved before it, put back after it, by this process or the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count

import pytest
from planning_world import (
    SF,
    ScriptedCrm,
    World,
    account,
    answer,
    deal,
    decision,
    facts,
    opportunity,
    plan_input,
    user_id,
)

from syncd import crashpoints
from syncd.connectors.port import OwnerWrite, Reading, WriteOutcome, WriteResult
from syncd.errors import ExitCode, RetryableError
from syncd.model.plans import SavedPlan
from syncd.model.records import Team, TeamMember
from syncd.model.refs import Kind, Ref
from syncd.planning.proposing.builder import PlanInput
from syncd.planning.undo import plan_undo
from syncd.planning.writing.looks import MOST_LOOKS
from syncd.store import ledger, saved_teams

ENGINEER = TeamMember(user_id("cleo", SF), (("AccountAccessLevel", "Edit"), ("TeamMemberRole", "Engineer")))
SPONSOR = TeamMember(user_id("ben", SF), (("TeamMemberRole", "Sponsor"),))


class Killed(BaseException):
    """The end of a process at a crashpoint."""


def ready(world: World, *, with_deal: bool = False) -> tuple[PlanInput, SavedPlan]:
    """An approved plan that moves an account, whose team has two members, from old to anna."""
    book = facts(1)
    deals = [opportunity(1, account(1))] if with_deal else []
    source = plan_input((book, decision(book)), opportunities=deals)
    world.crms[SF].teams_of[account(1)] = Team(account(1), (SPONSOR, ENGINEER))
    return source, world.approved(source)


def team_of(world: World, ref: Ref) -> tuple[TeamMember, ...]:
    found = world.crms[SF].teams_of.get(ref)
    return found.members if found else ()


def test_a_team_that_an_old_answer_shows_untouched_is_looked_at_again(world: World) -> None:
    source, plan = ready(world)
    crm = world.crms[SF]
    plain, old = crm.teams, [Team(account(1), (SPONSOR, ENGINEER))]

    def lagging(kind: Kind, ids: Sequence[str] | None = None) -> Iterator[Team]:
        if crm.effects and old:  # the first look after the write
            return iter([old.pop()])
        return plain(kind, ids)

    crm.teams = lagging  # type: ignore[method-assign]
    world.apply(plan, source)
    assert not old
    assert team_of(world, account(1)) == (SPONSOR, ENGINEER)


@pytest.fixture
def kill_at() -> Iterator[Callable[[str], None]]:
    def arm(name: str) -> None:
        def hook(at: str) -> None:
            if at == name:
                crashpoints.install(None)
                raise Killed(name)

        crashpoints.install(hook)

    yield arm
    crashpoints.install(None)


def test_a_team_is_whole_again_after_its_account_got_another_owner(world: World) -> None:
    source, plan = ready(world)
    report = world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "confirmed"}
    assert team_of(world, account(1)) == (SPONSOR, ENGINEER)
    assert [(team.ref, team.members, team.lost) for team in report.teams] == [(str(account(1)), 2, ())]
    assert report.exit_code is ExitCode.OK
    with world.store.read() as conn:
        events = [entry.event for entry in ledger.entries(conn, ref=str(account(1)))]
    assert events.index("team.restored") > events.index("write.confirmed")


def died_before_sending(world: World, kill_at: Callable[[str], None]) -> tuple[PlanInput, SavedPlan]:
    """The same, and a process that died after it had said what it would write, and saved the team."""
    source, plan = ready(world)
    kill_at("apply.claimed")
    with pytest.raises(Killed):
        world.apply(plan, source)
    return source, plan


@pytest.mark.parametrize("seats", [(SPONSOR,), ()], ids=["one of two", "all"])
def test_whom_a_person_took_out_before_anything_was_sent_stays_out(
    world: World, kill_at: Callable[[str], None], seats: tuple[TeamMember, ...]
) -> None:
    source, plan = died_before_sending(world, kill_at)
    world.crms[SF].teams_of[account(1)] = Team(account(1), seats)
    world.lead()
    world.recover()
    report = world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "confirmed"}
    assert team_of(world, account(1)) == seats
    assert [team.members for team in report.teams] == ([1] if seats else [])


def test_a_row_that_ends_without_having_been_sent_puts_nobody_back(
    world: World, kill_at: Callable[[str], None]
) -> None:
    source, plan = died_before_sending(world, kill_at)
    crm = world.crms[SF]
    world.lead()
    world.recover()
    crm.edit(account(1), user_id("ben", SF))
    crm.teams_of[account(1)] = Team(account(1), (ENGINEER,))
    report = world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "conflict"}
    assert team_of(world, account(1)) == (ENGINEER,)
    assert report.teams == ()


def test_a_write_that_lands_after_it_was_given_up_has_its_team_put_back(world: World) -> None:
    source, plan = ready(world)
    crm = world.crms[SF]
    late: list[OwnerWrite] = []

    def lands_later(writes: Sequence[OwnerWrite], crm: ScriptedCrm) -> tuple[WriteResult, ...]:
        late.extend(writes)
        return tuple(WriteResult(write.ref, WriteOutcome.UNKNOWN) for write in writes)

    crm.script = [lands_later]
    plain, looks = crm.read, count()

    def read(kind: Kind, ids: Sequence[str]) -> Mapping[str, Reading]:
        if next(looks) == 1 + MOST_LOOKS:
            crm.accept(late)
        return plain(kind, ids)

    crm.read = read  # type: ignore[method-assign]
    world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "skipped_already"}
    assert team_of(world, account(1)) == (SPONSOR, ENGINEER)


def test_the_team_of_an_opportunity_is_put_back_too(world: World) -> None:
    source, plan = ready(world, with_deal=True)
    world.crms[SF].teams_of[deal(1)] = Team(deal(1), (ENGINEER,))
    world.apply(plan, source)
    assert set(world.states(plan).values()) == {"confirmed"}
    assert team_of(world, deal(1)) == (ENGINEER,)
    assert team_of(world, account(1)) == (SPONSOR, ENGINEER)


def test_the_new_owner_gets_no_seat_in_the_team_again(world: World) -> None:
    source, plan = ready(world)
    newcomer = TeamMember(user_id("anna", SF))
    world.crms[SF].teams_of[account(1)] = Team(account(1), (newcomer, ENGINEER))
    report = world.apply(plan, source)
    assert team_of(world, account(1)) == (ENGINEER,)
    assert report.teams[0].lost == ()


def test_a_member_who_cannot_be_put_back_is_named(world: World) -> None:
    source, plan = ready(world)
    refusal = WriteResult(account(1), WriteOutcome.REJECTED, "INACTIVE_OWNER_OR_USER", "inactive user")
    world.crms[SF].refused_members[SPONSOR.user] = refusal
    report = world.apply(plan, source)
    assert team_of(world, account(1)) == (ENGINEER,)
    assert report.teams[0].lost == (SPONSOR.user,)
    assert report.exit_code is ExitCode.PARTIAL
    told = [fields for name, fields in world.log.events if name == "team.lost"]
    assert told[0]["message"] == "INACTIVE_OWNER_OR_USER: inactive user"
    with world.store.read() as conn:
        assert saved_teams.pending(conn, SF) == ()


def test_a_locked_team_waits_for_the_next_time(world: World) -> None:
    source, plan = ready(world)
    locked = WriteResult(account(1), WriteOutcome.RETRY, "UNABLE_TO_LOCK_ROW", "locked")
    world.crms[SF].refused_members = {SPONSOR.user: locked, ENGINEER.user: locked}
    report = world.apply(plan, source)
    assert [stop.code for stop in report.stops] == ["SYN521"]
    assert not report.teams[0].done
    world.crms[SF].refused_members = {}
    world.recover()
    assert team_of(world, account(1)) == (SPONSOR, ENGINEER)


@pytest.mark.parametrize("point", ["apply.claimed", "apply.sent", "apply.finished", "teams.before_add", "teams.added"])
def test_a_process_that_dies_anywhere_loses_no_team(world: World, kill_at: Callable[[str], None], point: str) -> None:
    source, plan = ready(world)
    kill_at(point)
    with pytest.raises(Killed):
        world.apply(plan, source)
    world.lead()
    world.recover()
    if "approved" in world.states(plan).values():
        world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "confirmed"}
    assert team_of(world, account(1)) == (SPONSOR, ENGINEER)


def test_a_row_that_was_not_written_keeps_its_team_without_a_write(world: World) -> None:
    source, plan = ready(world)
    world.crms[SF].script = [answer(WriteOutcome.REJECTED, code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")]
    report = world.apply(plan, source)
    assert team_of(world, account(1)) == (SPONSOR, ENGINEER)
    assert [(team.done, team.lost) for team in report.teams] == [(True, ())]


def test_the_team_of_a_record_that_went_away_before_the_write_is_let_go(
    world: World, kill_at: Callable[[str], None]
) -> None:
    source, plan = died_before_sending(world, kill_at)
    world.crms[SF].gone.add(account(1))
    world.crms[SF].teams_of.clear()
    world.lead()
    world.recover()
    report = world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "stale"}
    assert team_of(world, account(1)) == ()
    assert [(team.done, team.lost) for team in report.teams] == [(True, ())]
    assert [name for name, _ in world.log.events if name.startswith("team.")] == ["team.gone"]


def test_a_team_that_cannot_be_read_after_the_write_waits(world: World) -> None:
    source, plan = ready(world)
    crm = world.crms[SF]
    crm.after_write = lambda _: setattr(crm, "teams_error", RetryableError("SYN410", "Salesforce is down"))
    report = world.apply(plan, source)
    assert world.states(plan) == {account(1).id: "confirmed"}
    assert "SYN410" in [stop.code for stop in report.stops]
    crm.teams_error = None
    world.recover()
    assert team_of(world, account(1)) == (SPONSOR, ENGINEER)


def test_an_undo_gives_the_seats_back_that_the_plan_cost(world: World) -> None:
    """T51: the owner we wrote was in the team, and another member could not be put back."""
    book = facts(1)
    source = plan_input((book, decision(book)))
    seat = TeamMember(user_id("anna", SF), (("TeamMemberRole", "Account Manager"),))
    world.crms[SF].teams_of[account(1)] = Team(account(1), (seat, SPONSOR, ENGINEER))
    world.crms[SF].refused_members = {
        ENGINEER.user: WriteResult(account(1), WriteOutcome.REJECTED, "INACTIVE_USER", "no")
    }
    plan = world.approved(source)
    world.apply(plan, source)
    assert team_of(world, account(1)) == (SPONSOR,)
    world.crms[SF].refused_members = {}
    with world.store.write() as conn:
        back = plan_undo(conn, plan.plan_id, plan_id="undo1", now=world.clock.now())
    assert [user for user, _ in back.document["teams"][str(account(1))]] == [seat.user, ENGINEER.user]
    world.apply(world.approve(back), source)
    assert world.crms[SF].owners[account(1)] == user_id("old", SF)
    assert team_of(world, account(1)) == tuple(sorted((seat, SPONSOR, ENGINEER)))


def test_an_undo_seats_nobody_whom_a_person_took_out_since(world: World) -> None:
    source, plan = ready(world)
    world.apply(plan, source)
    world.crms[SF].teams_of[account(1)] = Team(account(1), (SPONSOR,))
    with world.store.write() as conn:
        back = plan_undo(conn, plan.plan_id, plan_id="undo1", now=world.clock.now())
    world.apply(world.approve(back), source)
    assert team_of(world, account(1)) == (SPONSOR,)
