"""The invariants: what must hold after each step, and what must hold once everything has come to rest.

Each is a method `iNN_…` named as in the reference on reliability. The CRMs' side of each comparison comes from their
own rows and journals; only what syncd promises about itself (plans, receipts, mirror, cursors, ledger) from its store.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.clock import iso, parse_instant
from syncd.model.plans import OWNER_FIELD, UNDO, OutboxRow, RowState, Slot, document_hash, held_name
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.planning.writing.verdicts import NOT_SEEN
from syncd.store import cursors, ledger, outbox, ownership, plans
from tests.simulation.approvals import GRAIN, Approvals, Approved, in_force, named
from tests.simulation.history import COLUMNS, Change, History, Request, Seat, SystemHistory
from tests.simulation.mirrored import Mirrored
from tests.simulation.people import NAMES, TEAMS, is_deleted, owner_of, plain, row_id
from tests.simulation.violation import ViolationError
from tests.simulation.world import START, World

_OVERLAP = timedelta(minutes=15)
_FIELDS: Mapping[tuple[System, Kind], Mapping[str, str]] = {
    (System.SALESFORCE, Kind.ACCOUNT): {"name": "Name", "type": "Type", "country": "BillingCountry"},
    (System.SALESFORCE, Kind.OPPORTUNITY): {"name": "Name", "stage": "StageName"},
    (System.HUBSPOT, Kind.ACCOUNT): {"name": "name", "type": "type", "country": "country"},
    (System.HUBSPOT, Kind.OPPORTUNITY): {"name": "dealname"},
    (System.SALESFORCE, Kind.CONTACT): {},
}
_WRITTEN_COLUMNS: Mapping[System, tuple[str, ...]] = {
    System.SALESFORCE: ("CSM__c", "Territory__c"),
    System.HUBSPOT: ("csm_owner", "territory_path"),
}
_WRITTEN = frozenset({RowState.CONFIRMED, RowState.SKIPPED_ALREADY, RowState.CONFLICT})


@dataclass(slots=True)
class Invariants:
    """Checks one world, and remembers what only may grow. `overruns` counts the known races (see `i11_lost_update`)."""

    world: World
    history: History
    approvals: Approvals
    overruns: int = 0
    adopted_at: datetime = START
    settled: dict[Ref, datetime] = field(default_factory=dict)
    """When a person last took a drift of a record as it is: what was edited before is nobody's word any more."""
    checked: int = 0
    mirrored: Mirrored = field(init=False)
    _cursors: dict[tuple[System, Kind], datetime] = field(default_factory=dict)
    _stamps: dict[Ref, datetime] = field(default_factory=dict)
    _compared: dict[tuple[System, Kind], tuple[object, ...]] = field(default_factory=dict)
    """The state of cursor, CRM and mirror in which I02 held last."""
    _owners: dict[Ref, list[tuple[datetime, str | None]]] = field(default_factory=dict)
    _spent: Counter[tuple[str, Slot]] = field(default_factory=Counter)
    _changes_seen: dict[System, int] = field(default_factory=dict)
    _seatings_seen: int = 0
    _followed: set[tuple[str, Ref]] = field(default_factory=set)
    _requests_seen: dict[System, int] = field(default_factory=dict)
    _equal: dict[Ref, tuple[Mapping[str, Any], Record]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mirrored = Mirrored(self.world)

    @property
    def asked(self) -> set[str]:
        """The plans that somebody approved."""
        return self.approvals.asked

    def after_step(self) -> None:
        """What must hold at any time; raises ViolationError."""
        self.history.update()
        self.checked += 1
        self._note_settled()
        self.i02_cursor_not_ahead()
        self.i09_only_approved_writes()
        self.i09_only_seats_that_were_there()
        self.i10_no_resend_without_a_read()

    def _note_settled(self) -> None:
        """What a person adopted was adopted, too, where the process died right after the commit."""
        with self.world.context.store.read() as conn:
            marks = ownership.marks(conn)
        for ref, mark in marks.items():
            if mark.source == "adopted" and mark.at > self.adopted_at:
                self.settled[ref] = max(mark.at, self.settled.get(ref, START))

    def at_rest(self) -> None:
        """What must hold once nobody edits, nothing fails, and syncd has had its time; raises ViolationError."""
        self.after_step()
        self.i01_no_lost_change()
        self.i06_log_fits_the_mirror()
        self.i09_plans_are_as_approved()
        self.i12_one_final_state()
        self.t01_no_team_member_is_lost()
        self.i21_ledger_holds()
        self.i21_every_effect_is_in_the_ledger()

    def i01_no_lost_change(self) -> None:
        """Each row of the mirror equals the CRM's row, deletions too, and there is no other."""
        for system, kind in self._all_kinds():
            held = self.mirrored.of(system, kind)
            for row in self.world.faces[system].records(NAMES[system, kind]):
                ref = Ref(system, kind, row_id(row))
                self._must_equal("I01 no lost change", ref, row, held.pop(ref, None))
            left = [ref for ref, record in held.items() if not record.deleted]
            if left:
                raise ViolationError("I01 no lost change", f"{left[0]} is live in the mirror and gone in the CRM")

    def i06_log_fits_the_mirror(self) -> None:
        """The last change of owner in the log of each account left it as the mirror has it."""
        for system in System:
            held = self.mirrored.of(system, Kind.ACCOUNT)
            with self.world.context.store.read() as conn:
                logged = ownership.owner_changes(conn, list(held), OWNER_FIELD)
            for ref, change in logged.items():
                if change.new != held[ref].owner:
                    said = f"the log says {change.new}, the mirror {held[ref].owner}"
                    raise ViolationError("I06 log fits the mirror", f"{ref}: {said}")

    def i02_cursor_not_ahead(self) -> None:
        """Whatever was stamped before the cursor less the overlap is in the mirror; I03 and I05 on the way.

        Cursors only move forward, no row goes back to an older version, none is ahead of its CRM.
        """
        self._no_older_version(self.mirrored.update())
        with self.world.context.store.read() as conn:
            read = cursors.read_through(conn)
        known = {(system, kind): read.get((system, kind, "live")) for system, kind in self._all_kinds()}
        for (system, kind), through in known.items():
            before = self._cursors.get((system, kind))
            if before is not None and (through is None or through < before):
                raise ViolationError("I03 cursor monotone", f"{system.value} {kind.value}: {before} -> {through}")
            if through is None:
                continue
            self._cursors[system, kind] = through
            held, face, name = self.mirrored.held, self.world.faces[system], NAMES[system, kind]
            state = through, face.revision(name), len(held), self.mirrored.changes[system, kind]
            if self._compared.get((system, kind)) == state:  # nothing is other than when it held last
                continue
            rows = {row_id(row): row for row in face.records(name)}
            for known_id, row in rows.items():
                ref = Ref(system, kind, known_id)
                record = held.get(ref)
                if self._is_equal(ref, row, record) or _told_at(row, rows) > through - _OVERLAP:
                    continue
                self._must_equal("I02 cursor not ahead of the mirror", ref, row, record)
            self._compared[system, kind] = state

    def _no_older_version(self, changed: Mapping[Ref, Record]) -> None:
        for ref, record in changed.items():
            known = self._stamps.get(ref)
            if known is not None and record.stamp < known:
                raise ViolationError("I05 no older version", f"{ref} went from {iso(known)} to {iso(record.stamp)}")
            self._stamps[ref] = record.stamp
            self._owners.setdefault(ref, []).append((self.world.clock.now(), record.owner))

    def _must_equal(self, invariant: str, ref: Ref, row: Mapping[str, Any], record: Record | None) -> None:
        """The record says what the row of the CRM does. Two that were found equal are not compared again."""
        if self._is_equal(ref, row, record):
            return
        self._compare(invariant, ref, row, record)
        if record is not None:
            self._equal[ref] = row, record

    def _is_equal(self, ref: Ref, row: Mapping[str, Any], record: Record | None) -> bool:
        """Whether the two are those that were found equal last."""
        return record is not None and self._equal.get(ref) == (row, record)

    def _compare(self, invariant: str, ref: Ref, row: Mapping[str, Any], record: Record | None) -> None:
        gone = is_deleted(row)
        if record is None:
            if gone:  # made and deleted between two looks: never seen, nothing lost
                return
            raise ViolationError(invariant, f"{ref} is not in the mirror")
        if record.deleted != gone:
            raise ViolationError(invariant, f"{ref} is {'deleted' if gone else 'live'} in the CRM, not in the mirror")
        if gone:
            return
        values = row if ref.system is System.SALESFORCE else row["properties"]
        expected = {name: values.get(column) or None for name, column in _FIELDS[ref.system, ref.kind].items()}
        found: dict[str, str | None] = {name: record.fields.get(name) for name in expected}
        expected["owner"], found["owner"] = owner_of(row, ref), record.owner
        if ref.kind is Kind.ACCOUNT and self.world.writes_fields:
            for column in _WRITTEN_COLUMNS[ref.system]:
                name = COLUMNS[column]
                expected[name], found[name] = values.get(column) or None, record.fields.get(held_name(name))
        if ref.system is System.SALESFORCE:  # HubSpot moves no stamp with an association
            expected["account"] = row["ParentId"] if ref.kind is Kind.ACCOUNT else row.get("AccountId")
            found["account"] = record.account
        if expected != found:
            raise ViolationError(invariant, f"{ref}: the CRM has {expected}, the mirror {found}")

    def i09_only_approved_writes(self) -> None:
        """Every value that syncd asked for is, field for field, in the plan approved last, before it expired.

        On the way: plans do not change once saved, only plans that a person (or the mode) approved are written, each
        row is carried out once (I10), and onto the owner it was planned for (I11).
        """
        approved = self.approvals.all()
        for system, history in self.history.systems.items():
            for request in history.requests[self._requests_seen.get(system, 0) :]:
                plan = in_force(approved, request.at, request.slot)
                if plan is None or plan.wanted(request.slot) != request.value or request.slot not in plan.rows:
                    raise ViolationError("I09 only approved writes", f"{request} is not in {named(plan)}")
                self.i13_in_order(request, plan)
            self._requests_seen[system] = len(history.requests)
            for change in history.changes[self._changes_seen.get(system, 0) :]:
                if change.source == "api":
                    self._one_effect(change, in_force(approved, change.at, change.slot))
            self._changes_seen[system] = len(history.changes)
            if history.strange:
                raise ViolationError("I09 only approved writes", f"a call changed more: {history.strange[0]}")

    def _one_effect(self, change: Change, plan: Approved | None) -> None:
        if plan is None or change.slot not in plan.rows or plan.wanted(change.slot) != change.new:
            raise ViolationError("I09 only approved writes", f"{change} is not in {named(plan)}")
        key = (plan.plan.plan_id, change.slot)
        self._spent[key] += 1
        if self._spent[key] > 1:
            raise ViolationError("I10 no double write", f"{change} is the second change of one row of {key[0]}")
        if change.old != plan.rows[change.slot][0]:
            self.i11_lost_update(change, plan)
        elif change.ref.kind is Kind.ACCOUNT and change.field == OWNER_FIELD and plan.plan.kind != UNDO:
            self.p01_no_person_overruled(change, plan)

    def i13_in_order(self, request: Request, plan: Approved) -> None:
        """What follows its account is asked for after it: no account is asked for when what follows it already was."""
        key = plan.plan.plan_id
        if request.field == OWNER_FIELD and (key, request.ref) in self._followed:
            raise ViolationError("I13 in order", f"{request} came after what follows it, in {named(plan)}")
        parent = plan.parents.get(request.slot)
        if parent is not None:
            self._followed.add((key, parent))

    def i09_only_seats_that_were_there(self) -> None:
        """Each seat that syncd asked for in a team is one that a change of owner took, with the same role and rights.

        A seat that a person took away by itself stays away.
        """
        seatings = self.history.seatings
        taken = {one.seat for one in seatings if one.verb == "deleted" and (one.source == "api" or one.with_owner)}
        for asked in seatings[self._seatings_seen :]:
            if asked.verb == "asked" and asked.seat not in taken:
                raise ViolationError("I09 only approved writes", f"{asked} was no member before a change of owner")
        self._seatings_seen = len(seatings)

    def t01_no_team_member_is_lost(self) -> None:
        """Whom our change of owner took out of a team is in it again, in the same role.

        But for who was ever inactive, the new owner of the record, records that are gone, and members whom a person
        took out later.
        """
        live = {
            Seat.of(name, row) for name in TEAMS for row in self.world.salesforce.records(name) if not is_deleted(row)
        }
        given = {(one.ref, one.number): one.new for one in self.history.changes("api") if one.field == OWNER_FIELD}
        last = {(one.seat.ref, one.seat.user): one for one in self.history.seatings if one.verb != "asked"}
        for one in last.values():
            if one.verb != "deleted" or one.source != "api" or one.seat in live:
                continue
            if one.seat.user in self.history.leavers or given.get((one.seat.ref, one.number)) == one.seat.user:
                continue
            row = self.world.salesforce.record(NAMES[System.SALESFORCE, one.seat.ref.kind], one.seat.ref.id)
            if row is not None and not is_deleted(row):
                raise ViolationError("T01 no team member is lost", f"{one.seat} went with our write, and is not back")

    def p01_no_person_overruled(self, change: Change, plan: Approved) -> None:
        """Promise 1: the owner that a person gave an account stays, for as long as the pack respects people, if that
        owner works here. An undo and a revert take back what they were approved for, and an override outranks people.
        """
        if plan.decided.get(change.ref) == "override" and self.settled:  # only people who settled a drift made one
            return
        history = self.history.of(change.ref)
        before = [one for one in history.changes if one.slot == change.slot and one.number < change.number]
        if not before or before[-1].source != "person" or self.history.left(str(before[-1].new)):
            return
        edit = before[-1]
        # Our own write of the same owner, sent right after the edit, changed nothing and says that we agree with it.
        ours = any(
            one.done and one.slot == change.slot and edit.number < one.number < change.number and one.value == edit.new
            for one in history.requests
        )
        if ours or self._was_never_away(history, edit, change.at):
            return
        if any(self.history.left(one) for one in plan.holders.get(change.ref, frozenset())):
            return  # by the rules nobody holds a company whose owner has left, even if the other CRM says otherwise
        since = max(self.adopted_at, self.settled.get(change.ref, START))
        young = since <= edit.at and plan.plan.created_at - edit.at < self.world.respect
        if young:
            raise ViolationError("P01 nobody overruled", f"{change} overrules {edit}")

    def _was_never_away(self, history: SystemHistory, edit: Change, until: datetime) -> bool:
        """Whether people gave an account away and back between two looks, so that no pull had seen it elsewhere.

        A mirror cannot know of that, and no person finds anything other than they left it.
        """
        edits = [one for one in history.changes if one.slot == edit.slot and one.number <= edit.number]
        for one in reversed(edits):
            if one.source == "api":
                return False
            if one.old == edit.new:
                seen = [owner for at, owner in self._owners.get(edit.ref, ()) if one.at <= at <= until]
                return all(owner == edit.new for owner in seen)
        return False

    def i11_lost_update(self, change: Change, plan: Approved) -> None:
        """Nobody's change is written over, but in the window between the compare and a write without a condition.

        HubSpot takes no condition, and Salesforce none in a batch; its single rows compare whole seconds. A person who
        edits there is written over, and nothing in the CRM's answer tells. That window is counted, not forgiven: the
        edit must lie between the last read of the record and the write. So it does where its transaction was open while
        we read; its stamp is older then, and a condition refuses the write, but where the version that we read had been
        made in that very second (seed 31116).
        """
        history = self.history.of(change.ref)
        read = max(read.number for read in history.reads if change.ref in read.refs and read.number < change.number)
        edits = [
            edit
            for edit in history.changes
            if edit.slot == change.slot
            and edit.source != "api"
            and (read < edit.number <= change.number or _came_late(edit, self._read_at(change.ref, read), change.at))
        ]
        edits.sort(key=lambda edit: (edit.visible, edit.number))
        if not edits or edits[-1].new != change.old:
            wanted = plan.rows[change.slot][0]
            raise ViolationError("I11 no lost update", f"{change}, planned onto {wanted}, not seen since entry {read}")
        since = next(one.since for one in history.requests if one.number == change.number and one.slot == change.slot)
        made, late = edits[-1].at.replace(microsecond=0), edits[-1].number <= read
        if since is not None and (made != since if late else made > self._read_at(change.ref, read)):
            raise ViolationError("I11 no lost update", f"{change} got past its condition: {edits[-1]}")
        self.overruns += 1

    def _read_at(self, ref: Ref, number: int) -> datetime:
        return next(read.at for read in self.history.of(ref).reads if read.number == number)

    def i10_no_resend_without_a_read(self) -> None:
        """Between two sends of one row, and before the first, this process has seen the record.

        Fields of a record are sent one by one; each has its own reading before it.
        """
        for system, history in self.history.systems.items():
            seen: dict[Slot, int] = {}
            last: dict[Ref, int] = {}
            reads = iter([*history.reads, None])
            read = next(reads)
            for request in history.requests:
                while read is not None and read.number < request.number:
                    last.update(dict.fromkeys(read.refs, read.number))
                    read = next(reads)
                if request.number <= self.world.marks[system] or request.refused:
                    continue
                shown = last.get(request.ref, 0)
                if shown <= max(self.world.marks[system], seen.get(request.slot, 0)):
                    raise ViolationError("I10 no resend without a read", str(request))
                seen[request.slot] = request.number

    def i12_one_final_state(self) -> None:
        """Each approved row has ended, once, with a receipt that fits what the CRM shows."""
        with self.world.context.store.read() as conn:
            rows = outbox.rows(conn)
            receipts: dict[int, list[outbox.Receipt]] = {row.id: [] for row in rows}
            for plan_id in {row.plan_id for row in rows}:
                for receipt in outbox.receipts(conn, plan_id):
                    receipts[receipt.outbox_id].append(receipt)
        approved = self.approvals.all()
        planned = {(one.plan.plan_id, slot) for one in approved for slot in one.rows}
        if {(row.plan_id, slot_of(row)) for row in rows} != planned:
            raise ViolationError("I12 one final state", "the outbox does not hold the rows of the approved plans")
        asked: defaultdict[tuple[Slot, str | None], list[Request]] = defaultdict(list)
        for request in self.history.requests():
            asked[request.slot, request.value].append(request)
        for row in rows:
            ends = [receipt for receipt in receipts[row.id] if receipt.state.final]
            if not row.state.final or len(ends) != 1 or ends[0].state is not row.state:
                raise ViolationError("I12 one final state", f"{row} ended as {[end.state.value for end in ends]}")
            sent = [
                one
                for one in asked[slot_of(row), row.new]
                if named(in_force(approved, one.at, one.slot)) == f"plan {row.plan_id}"
            ]
            self._evidence(row, sent, ends[0])

    def _evidence(self, row: OutboxRow, sent: Sequence[Request], end: outbox.Receipt) -> None:
        history, before, after = self.history.of(row.ref), end.before, end.after
        changed = self._spent[row.plan_id, slot_of(row)] > 0
        if row.state is RowState.CONFIRMED:
            if not any(one.done for one in sent):
                raise ViolationError("I12 one final state", f"{row} is confirmed, and no write of it was done")
            if after != row.new or before != row.old:
                raise ViolationError("I12 one final state", f"{row} is confirmed with the owners {before}, {after}")
            self._was_read_back(row, end.at, min(one.number for one in sent if one.done))
        deleted = any(ref == plain(row.ref) for ref, _ in history.gone)
        if changed and row.state not in _WRITTEN and not deleted:
            raise ViolationError("I12 one final state", f"{row} was written, and ended as {row.state.value}")
        if changed and row.state is RowState.CONFLICT and not self._edited_by_people(row):
            raise ViolationError("I12 one final state", f"{row} was written, and nobody else edited it")

    def _was_read_back(self, row: OutboxRow, at: datetime, written: int) -> None:
        """The last reading before a confirmation showed what was wanted, or the row says that none came after it."""
        history = self.history.of(row.ref)
        ref, field = slot_of(row)
        read = max(one.number for one in history.reads if ref in one.refs and one.at < at + GRAIN)
        changes = (one for one in reversed(history.changes) if one.field == field and one.ref == ref)
        if row.code == NOT_SEEN and read < written:
            return
        shown = next((one for one in changes if one.number <= read), None)
        if shown is None or shown.new != row.new:
            raise ViolationError("I12 one final state", f"{row} is confirmed, and was read as {shown} before that")

    def _edited_by_people(self, row: OutboxRow) -> bool:
        return any(change.slot == slot_of(row) and change.source != "api" for change in self.history.changes())

    def i21_ledger_holds(self) -> None:
        """The chain of the ledger verifies."""
        with self.world.context.store.read() as conn:
            found = ledger.verify(conn)
        if not found.ok:
            raise ViolationError("I21 audit complete", found.text)

    def i21_every_effect_is_in_the_ledger(self) -> None:
        """Each owner that syncd changed has a row of intent before it and a row of its result after it."""
        with self.world.context.store.read() as conn:
            entries = ledger.entries(conn)
        told: defaultdict[Slot, list[tuple[str, datetime, Mapping[str, Any]]]] = defaultdict(list)
        for entry in entries:
            if entry.ref is not None and entry.event.startswith("write."):
                slot = plain(Ref.parse(entry.ref)), str(entry.facts["field"])
                told[slot].append((entry.event, entry.at, entry.facts))
        for change in self.history.changes("api"):
            intents = [
                facts
                for event, at, facts in told[change.slot]
                if event == "write.intended" and facts["to"] == change.new and at <= change.at
            ]
            if not intents:
                raise ViolationError("I21 audit complete", f"no intent stands before {change}")
            rows = {facts["outbox"] for facts in intents}
            results = [
                event
                for event, at, facts in told[change.slot]
                if event != "write.intended" and facts["outbox"] in rows and at >= change.at
            ]
            if not results:
                raise ViolationError("I21 audit complete", f"no result stands after {change}")

    def unfinished(self) -> list[str]:
        """The approved plans that still have open rows."""
        with self.world.context.store.read() as conn:
            return sorted({row.plan_id for row in outbox.rows(conn, states=outbox.OPEN)})

    def i09_plans_are_as_approved(self) -> None:
        """No approved plan changed after its approval."""
        approved = self.approvals.all()
        with self.world.context.store.read() as conn:
            for known in approved:
                plan = plans.get_plan(conn, known.plan.plan_id)
                approval = plans.approval(conn, known.plan.plan_id)
                if approval != known.approval or document_hash(plan.document) != known.approval.plan_hash:
                    raise ViolationError("I09 only approved writes", f"plan {plan.plan_id} changed after its approval")

    def _all_kinds(self) -> Iterator[tuple[System, Kind]]:
        for system in System:
            yield system, Kind.ACCOUNT
            yield system, Kind.OPPORTUNITY
        if self.world.contacts_follow:
            yield System.SALESFORCE, Kind.CONTACT


def _came_late(edit: Change, read: datetime, write: datetime) -> bool:
    """Whether a transaction that was open when we read had ended when we wrote; its end is known to the second."""
    return edit.at <= read < edit.visible + timedelta(seconds=1) and edit.visible <= write


def stamp_of(row: Mapping[str, Any]) -> datetime:
    """When a CRM says that a row last changed; archiving and merging count."""
    if "Id" in row:
        return parse_instant(row["SystemModstamp"])
    return parse_instant(max(row["updatedAt"], row["archivedAt"] or ""))


def _told_at(row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> datetime:
    """The stamp under which a CRM tells of a row: of a company that was merged away only its winner's row tells."""
    winner = rows.get(row.get("mergedInto") or "")
    return stamp_of(row) if winner is None else max(stamp_of(row), _told_at(winner, rows))


def slot_of(row: OutboxRow) -> Slot:
    """The field that a row writes, its record named as the journals name it."""
    return plain(row.ref), row.field
