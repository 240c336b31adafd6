"""What somebody who leaves has on accounts and no account brings along: deals, contacts, open tasks. Pure.

They are on other people's accounts, or held out. They go to who has their account after the plan, whatever `cascade`
says of accounts that move; a task about an opportunity to who has that; what is on neither goes to whoever covers. A
deal holdout holds an opportunity for its owner: once that one is no active user any more it holds nothing, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.model.plans import Change
from syncd.model.records import Record
from syncd.model.refs import Kind, Ref, System
from syncd.planning.proposing.builder import PlanInput, bench_of
from syncd.planning.proposing.cascade import Children
from syncd.planning.proposing.fingerprints import RepState, child_fingerprint, loose_fingerprint, rep_state
from syncd.rules.facts import Directory, Facts

_NOBODY = "stays: its account has no active owner after the plan either"


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """One open opportunity, contact, open task or lead of the leaver: to whom it moves (e-mail), and why or why not."""

    record: Record
    company: str | None
    to: str | None
    text: str

    def entry(self) -> dict[str, Any]:
        """The record as the plan's document shows it."""
        fields = self.record.fields
        entry = {
            "ref": str(self.record.ref),
            "name": fields.get("name") or fields.get("email") or self.record.ref.id,
            "company": self.company,
            "to": self.to,
            "text": self.text,
        }
        if self.record.ref.kind is Kind.OPPORTUNITY:
            return {**entry, "amount": fields.get("amount")}
        return {**entry, "kind": self.record.ref.kind.value, "moves": self.to is not None}


def left_behind_by(
    source: PlanInput,
    document: Mapping[str, Any],
    records: Iterable[Record],
    *,
    gone: bool,
    covers: Sequence[str] = (),
) -> tuple[tuple[LeftBehind, ...], tuple[Change, ...]]:
    """Every record of the leaver with what becomes of it, and the writes that the plan lacks for that.

    `document` is the plan so far, `records` what the leaver has on accounts; `gone` says that the leaver is no active
    user any more, or past the last day: holdouts do not hold then. `covers` are e-mails, the first that can own a
    record minds what nobody else gets.
    """
    planned = {entry["ref"]: entry for entry in document["changes"]}
    entries = {entry["company"]: entry for entry in document["decisions"]}
    children, territories = bench_of(source).children, {each.company: each.territory for each in source.decisions}
    companies = {ref: facts.key for facts in source.facts.values() for ref in facts.refs}
    deals = {record.ref: record for record in source.opportunities}
    found: list[LeftBehind] = []
    changes: list[Change] = []
    for record in sorted(records, key=lambda each: str(each.ref)):
        account = Ref(record.ref.system, Kind.ACCOUNT, record.account) if record.account else None
        company = companies.get(account) if account is not None else None
        row = planned.get(str(record.ref))
        if row is not None:
            to = row.get("to_owner", {}).get("email", row["to"])
            found.append(LeftBehind(record, company, to, "follows its account"))
            continue
        if account is None or company is None:
            deal = Ref(record.ref.system, Kind.OPPORTUNITY, record.account) if record.account else None
            heirs = _holder_of(source, deal, deals, planned, changes) or covers
            why = "to the owner of its opportunity" if heirs is not covers else "it is on no account of the mirror"
            one, change = _covered(source, record, None, None, heirs, why)
            found.append(one)
            changes += [change] if change is not None else []
            continue
        facts = source.facts[company]
        holdout = _holdout(children, record, account, facts, territories.get(company))
        if holdout is not None and not gone:
            found.append(LeftBehind(record, company, None, f"stays: {holdout}; it goes once its owner is inactive"))
            continue
        left = "its owner has left" if gone else "its owner leaves"
        why = f"{holdout} does not hold: {left}" if holdout is not None else left
        one, change = _moved(source, record, account, facts, entries.get(company), why)
        if one.to is None and one.text == _NOBODY and company not in entries:
            one, change = _covered(source, record, account, company, covers, "nobody active has its account")
        found.append(one)
        changes += [change] if change is not None else []
    return tuple(found), tuple(changes)


def _holdout(children: Children, record: Record, account: Ref, facts: Facts, territory: str | None) -> str | None:
    """The deal holdout that keeps an opportunity with its owner, in words, or None."""
    _, held = children.following(account, record.owner, "", facts=facts, territory=territory)
    return next((text for ref, text in held if ref == record.ref), None)


def _moved(
    source: PlanInput, record: Record, account: Ref, facts: Facts, entry: Mapping[str, Any] | None, why: str
) -> tuple[LeftBehind, Change | None]:
    """The record with whoever has its account after the plan, and the write; or why it cannot be written."""
    system, company = record.ref.system, facts.key
    target = _owner_after(source, account, facts, entry)
    if target is None:
        return LeftBehind(record, company, None, _NOBODY), None
    email, owner = target
    if owner == record.owner:
        return LeftBehind(record, company, None, "stays: so does its account"), None
    refusal = _refusal(source, record.ref)
    if refusal is not None:
        return LeftBehind(record, company, None, refusal), None
    state = rep_state(source.directory, email, system, owner)
    fingerprint = child_fingerprint(record.ref, record.owner, parent=account, target=state)
    change = Change(record.ref, record.owner, owner, company, fingerprint, parent=account)
    return LeftBehind(record, company, email, f"to the owner of its account: {why}"), change


def _covered(
    source: PlanInput, record: Record, account: Ref | None, company: str | None, covers: Sequence[str], why: str
) -> tuple[LeftBehind, Change | None]:
    """The record with whoever covers for the leaver, and the write; without anybody it stays and says so."""
    ref = record.ref
    able = cover_in(source.directory, ref.system, covers)
    if able is None:
        text = f"stays: {why}, and nobody covers in {ref.system.value}; name one with --cover EMAIL"
        return LeftBehind(record, company, None, text), None
    refusal = _refusal(source, ref)
    if refusal is not None:
        return LeftBehind(record, company, None, refusal), None
    email, state = able
    fingerprint = (
        loose_fingerprint(ref, record.owner, target=state)
        if account is None
        else child_fingerprint(ref, record.owner, parent=account, target=state)
    )
    change = Change(ref, record.owner, state.id, company or str(ref), fingerprint, parent=account)
    return LeftBehind(record, company, email, why if why.startswith("to ") else f"{why}: {email} covers"), change


def _holder_of(
    source: PlanInput,
    deal: Ref | None,
    deals: Mapping[Ref, Record],
    planned: Mapping[str, Mapping[str, Any]],
    changes: Iterable[Change],
) -> tuple[str, ...]:
    """Who has an open opportunity once the plan is through, by e-mail; nobody where the mirror has none of that id."""
    if deal is None:
        return ()
    record = deals.get(deal)
    row = planned.get(str(deal))
    added = next((change.new for change in changes if change.ref == deal), None)
    owner = row["to"] if row is not None else added or (record.owner if record is not None else None)
    reps = source.directory.reps.values()
    return tuple(rep.email for rep in reps if owner is not None and rep.ids.get(deal.system) == owner)


def cover_in(directory: Directory, system: System, covers: Sequence[str]) -> tuple[str, RepState] | None:
    """The first of some people who may own records in a system, with their state there."""
    for email in covers:
        rep = directory.reps.get(email)
        owner = rep.ids.get(system) if rep is not None else None
        if owner is not None and (state := rep_state(directory, email, system, owner)).may_own:
            return email, state
    return None


def _refusal(source: PlanInput, ref: Ref) -> str | None:
    """Why no write of a record is planned, or None."""
    if ref.system not in source.writers:
        return f"stays: {ref.system.value} is not written"
    if ref.system in source.stale:
        return f"stays: the mirror of {ref.system.value} is stale"
    return "stays: an approved write of it is still under way" if ref in source.open_refs else None


def _owner_after(
    source: PlanInput, account: Ref, facts: Facts, entry: Mapping[str, Any] | None
) -> tuple[str, str] | None:
    """Who has an account once the plan is through, as e-mail and id there, if that is an active user who may own."""
    system = account.system
    if entry is not None and entry["outcome"] == "change" and entry["owner"]:
        email, owner = entry["owner"]["email"], entry["owner"].get(system.value)
    else:
        owner = facts.owner_ids.get(system)
        email = next((rep.email for rep in source.directory.reps.values() if rep.ids.get(system) == owner), None)
    if email is None or owner is None or not rep_state(source.directory, email, system, owner).may_own:
        return None
    return email, owner
