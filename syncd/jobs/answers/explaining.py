"""Explaining one company of the mirror: the rules' path, the saved pick, what was planned and written, and how it was.

One company and its family are read, never the whole book; nobody is picked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syncd.clock import iso
from syncd.errors import Place, UsageError
from syncd.jobs.answers.lookup import company_of
from syncd.jobs.books.adopted import with_adopted
from syncd.jobs.books.family_book import read_family
from syncd.jobs.context import Context
from syncd.jobs.plans.plan import require_mirror
from syncd.model.decisions import Decision, Outcome, Owner
from syncd.model.refs import System
from syncd.rules.collector import without_collector
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.people import members_of
from syncd.rules.engine import Book, settle
from syncd.rules.explaining.toward import toward_owner, toward_territory
from syncd.rules.explanation import explanation_of, subject_of
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack
from syncd.rules.suggestion import did_you_mean
from syncd.store import dossier, outbox, ownership, plans
from syncd.store.dossier import PlannedEntry

_MOST_CHANGES = 10
_MOST_RECEIPTS = 5
_PLANS_BACK = 5
_PICKED = frozenset({"picked", "retrieved", "no-eligible-rep", "unassigned"})


@dataclass(frozen=True, slots=True)
class _Looked:
    """One company as it was read, by which rules, and the instant that it is looked at."""

    pack: Pack
    book: Book
    facts: Facts
    now: datetime


def explain_company(
    context: Context, text: str, *, role: str = "owner", as_of: datetime | None = None
) -> dict[str, Any]:
    """The explanation of the live company that the text names, in one role, as of now or of another instant.

    A document. Of an instant that has passed it shows the decision of the last plan before it where that names the
    company, and says that the rules and values beside it are those of now. UsageError for no company of that name or
    several, and for a role that the pack does not have; RefusedError SYN550 before the first complete mirror.
    """
    clock = context.clock.now()
    past = as_of if as_of is not None and as_of < clock else None
    pack = with_adopted(context, context.pack(now=as_of or clock))
    with without_collector(), context.store.read() as conn:
        looked = _look(context, conn, pack, text, as_of or clock)
        _require_role(looked.pack, role)
        planned = _saved(conn, looked, past or clock)
        of_then = past is not None or as_of is None
        others = [
            decision_of(each) for each in planned.values() if of_then and each.pack_revision == looked.pack.revision
        ]
        recorded = planned.get((looked.facts.key, role)) if past is not None else None
        if past is not None and recorded is None:
            recorded = dossier.last_planned(conn, [looked.facts.key], until=past, limit=_PLANS_BACK).get(
                (looked.facts.key, role)
            )
        subject = subject_of(looked.pack, looked.book, looked.facts.key, looked.now, role=role, others=others)
        settled, _ = settle(subject)
        own = (each for each in others if (each.company, each.role) == (looked.facts.key, role))
        pick = next((each for each in own if _is_pick(each)), None)
        decision = decision_of(recorded) if recorded is not None else pick if settled is None else None
        explained = explanation_of(subject, decision).to_json()
        explained["notes"] += list(_of_another_time(looked, as_of, past, recorded))
        return {**explained, **_surroundings(conn, looked, role, past or clock, planned.get((looked.facts.key, role)))}


def explain_toward(
    context: Context, text: str, target: str, *, role: str = "owner", as_of: datetime | None = None
) -> dict[str, Any]:
    """The smallest changes of fields that would send the company that `text` names to a rep or a territory.

    A document. `target` is an e-mail, or a territory's name or path; UsageError SYN020 for one that the role has not.
    """
    now = as_of or context.clock.now()
    pack = with_adopted(context, context.pack(now=now))
    with context.store.read() as conn:
        looked = _look(context, conn, pack, text, now)
        _require_role(looked.pack, role)
        subject = subject_of(looked.pack, looked.book, looked.facts.key, looked.now, role=role)
    owner = target.strip().lower() if "@" in target else None
    path = None if owner is not None else _path_of(looked.pack, role, target.strip())
    search = toward_owner(subject, owner) if owner is not None else toward_territory(subject, path or "")
    if owner is not None and not search.targets:
        raise UsageError(
            "SYN020", f"no territory of role {role} names {owner}", hint=did_you_mean(owner, _reps_named(looked, role))
        )
    territory = subject.tree.territory
    return {
        "format": 1,
        "company": looked.facts.key,
        "accounts": list(looked.facts.accounts),
        "name": looked.facts.seen["name"].raw if "name" in looked.facts.seen else None,
        "role": role,
        "now": iso(looked.now),
        "toward": owner or path,
        "territory": territory.path if territory is not None else None,
        "current_owner": subject.present.email if subject.present is not None else None,
        **search.to_json(),
    }


def decision_of(planned: PlannedEntry) -> Decision:
    """A decision as a saved plan's document holds it."""
    entry = planned.entry
    rule = entry.get("rule")
    return Decision(
        company=entry["company"],
        accounts=tuple(entry["accounts"]),
        role=entry["role"],
        territory=entry["territory"],
        owner=_owner_of(entry["owner"]),
        current_owner=_owner_of(entry["current_owner"]),
        outcome=Outcome(entry["outcome"]),
        reason=entry["reason"],
        text=entry["text"],
        place=Place(rule["file"], rule["line"]) if rule else None,
        outranked=tuple((each["reason"], each["text"]) for each in entry.get("outranked", ())),
        notes=tuple(entry.get("notes", ())),
        candidates=tuple(entry.get("candidates", ())),
        loads=dict(entry.get("loads", {})),
    )


def _look(context: Context, conn: Connection, pack: Pack, text: str, now: datetime) -> _Looked:
    require_mirror(context, conn)
    found = company_of(conn, text)
    book = read_family(context, conn, pack, [found.key], now)
    facts = next((each for each in book.facts if each.key == found.key), None)
    if facts is None:
        raise UsageError("SYN002", f"{text!r} is deleted in the CRM", hint="`syncd history` still knows what was done")
    return _Looked(pack, book, facts, now)


def _require_role(pack: Pack, role: str) -> None:
    if role not in pack.roles:
        raise UsageError("SYN327", f"there is no role {role} in the pack", hint=did_you_mean(role, pack.roles))


def _saved(conn: Connection, looked: _Looked, until: datetime) -> Mapping[tuple[str, str], PlannedEntry]:
    """What the newest plan says of the company and of the one that it follows, by company and role."""
    keys = dict.fromkeys((looked.facts.key, looked.facts.head or looked.facts.key))
    return dossier.last_planned(conn, keys, until=until)


def _is_pick(decision: Decision) -> bool:
    """Whether a saved decision is what came of a pick, and not of a hold that has ended since."""
    return bool(decision.candidates) or decision.outcome is Outcome.BLOCKED or decision.reason in _PICKED


def _of_another_time(
    looked: _Looked, as_of: datetime | None, past: datetime | None, recorded: PlannedEntry | None
) -> Iterator[str]:
    """What of the explanation is of another time than the instant that was asked for."""
    if as_of is None:
        return
    if past is None:
        yield "as of an instant to come: by the rules and the mirror of now"
    elif recorded is None:
        yield "no plan from before then names it: this is by the rules and the mirror of now, as of that instant"
    else:
        yield (
            f"the decision is that of plan {recorded.plan_id}, made {iso(recorded.created_at)}; "
            "path, values and clauses are by the rules and the mirror of now"
        )
        if recorded.pack_revision != looked.pack.revision:
            yield f"the rules have changed since: revision {recorded.pack_revision} then, {looked.pack.revision} now"


def _surroundings(
    conn: Connection, looked: _Looked, role: str, until: datetime, planned: PlannedEntry | None
) -> dict[str, Any]:
    """What the ledger adds: what was last applied, planned and written, and who had it before."""
    facts = looked.facts
    people = {
        (system, user): rep.email for rep in looked.book.directory.reps.values() for system, user in rep.ids.items()
    }
    last = facts.applied.get(role)
    receipts = sorted(
        (
            receipt
            for ref in facts.refs
            for receipt in outbox.receipts(conn, ref)
            if receipt.at <= until and receipt.field == role
        ),
        key=lambda receipt: receipt.id,
    )[-_MOST_RECEIPTS:]
    changes = sorted(
        (
            (change, ref)
            for ref in facts.refs
            for change in ownership.owner_history(conn, ref)
            if change.at <= until and change.field == role
        ),
        key=lambda each: (each[0].at, each[1]),
    )[-_MOST_CHANGES:]
    approvals = {each: plans.approval(conn, each) for each in sorted({receipt.plan_id for receipt in receipts})}
    return {
        "name": facts.seen["name"].raw if "name" in facts.seen else None,
        "pack_revision": looked.pack.revision,
        "last_applied": None
        if last is None
        else {
            "territory": last.territory,
            "owner": last.owner,
            "at": iso(last.at),
            "pack_revision": last.pack_revision,
        },
        "planned": None if planned is None else _planned_entry(planned),
        "written": [
            {
                "ref": str(receipt.ref),
                "at": iso(receipt.at),
                "plan_id": receipt.plan_id,
                "state": receipt.state.value,
                "from": _person(people, receipt.ref.system, receipt.before),
                "to": _person(people, receipt.ref.system, receipt.after),
                "code": receipt.code,
                "message": receipt.message,
                "approved_by": approval.who if (approval := approvals[receipt.plan_id]) is not None else None,
                "why": approval.why if approval is not None else None,
            }
            for receipt in receipts
        ],
        "history": [
            {
                "ref": str(ref),
                "at": iso(change.at),
                "from": _person(people, ref.system, change.old),
                "to": _person(people, ref.system, change.new),
                "by": _person(people, ref.system, change.modified_by),
                "source": change.source,
            }
            for change, ref in changes
        ],
    }


def _planned_entry(planned: PlannedEntry) -> dict[str, Any]:
    entry = planned.entry
    return {
        "plan_id": planned.plan_id,
        "status": planned.status.value,
        "created_at": iso(planned.created_at),
        "pack_revision": planned.pack_revision,
        "territory": entry["territory"],
        "owner": entry["owner"]["email"] if entry["owner"] else None,
        "outcome": entry["outcome"],
        "reason": entry["reason"],
        "text": entry["text"],
    }


def _person(people: Mapping[tuple[System, str], str], system: System, user: str | None) -> str | None:
    """A user by e-mail, else by id; None for nobody."""
    return None if user is None else people.get((system, user), user)


def _owner_of(entry: Mapping[str, str] | None) -> Owner | None:
    if entry is None:
        return None
    return Owner(entry["email"], {system: entry[system.value] for system in System if system.value in entry})


def _path_of(pack: Pack, role: str, target: str) -> str:
    """The path of the territory that is meant; UsageError SYN020 for none or several."""
    known = dict.fromkeys(each.path for each in pack.territories(role))
    named = [path for path in known if target in (path, path.rpartition("/")[2])]
    if len(named) == 1 or target in known:
        return target if target in known else named[0]
    if named:
        raise UsageError("SYN020", f"several territories are named {target!r}", hint=f"one of: {', '.join(named)}")
    names = {each.name for each in pack.territories(role)}
    raise UsageError("SYN020", f"role {role} has no territory {target!r}", hint=did_you_mean(target, names))


def _reps_named(looked: _Looked, role: str) -> Iterator[str]:
    """Every e-mail that some territory of a role names for this company."""
    frame = Frame.of(looked.pack, looked.book.directory, looked.now)
    for territory in looked.pack.territories(role):
        yield from (member.email for member in members_of(frame, territory.owners, looked.facts))
