"""Two revisions of a pack over one book: which companies come out otherwise, by rule. Writes and saves nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.clock import iso
from syncd.errors import Finding, InputError
from syncd.jobs.context import Context
from syncd.jobs.packs.revisions import Revision, pack_at
from syncd.jobs.plans.export import ExportFiles, ExportThought, think_over_export
from syncd.jobs.plans.plan import deliberate
from syncd.model.decisions import Decision
from syncd.planning.proposing.document import owner_entry, place_entry
from syncd.rules.facts import Facts
from syncd.rules.formatting.sameness import same
from syncd.rules.pack import OwnersByPool, Pack, Territory
from syncd.settings import Settings
from syncd.store import mirror

FORMAT = 1
_TRIES = 3
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """What one revision of the pack says of the book."""

    pack: Pack
    decisions: tuple[Decision, ...]
    facts: Mapping[str, Facts]
    findings: tuple[Finding, ...] = ()


def compare_over_mirror(
    context: Context, ref: str, *, pack: Path | None = None, as_of: datetime | None = None
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The comparison of a git revision of the pack with the pack as it is, over one state of the mirror."""
    root = pack or context.settings.pack.path
    now = as_of or context.clock.now()
    with pack_at(root, ref) as old:
        for _ in range(_TRIES):
            before = state_of(context)
            with_old = mirror_side(context, old.folder, now, f"{ref}:{root.name}")
            with_new = mirror_side(context, root, now, None)
            if state_of(context) == before:  # no pull came between the two readings
                break
        document = _document(with_old, with_new, ref, old, now, context.settings.money.reporting_currency)
    return document, with_new.findings


def compare_over_export(
    settings: Settings, ref: str, files: ExportFiles, *, pack: Path, now: datetime
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The same over an export: needs no CRM, mirror or ledger."""
    with pack_at(pack, ref) as old:
        with named(f"{ref}:{pack.name}"):
            before = think_over_export(settings, old.folder, files, now=now)
        after = think_over_export(settings, pack, files, now=now)
        document = _document(side_of(before), side_of(after), ref, old, now, settings.money.reporting_currency)
    return document, after.findings


def side_of(thought: ExportThought) -> Side:
    """What a pack says of an export."""
    return Side(thought.pack, thought.decisions, {facts.key: facts for facts in thought.book.facts}, thought.findings)


def mirror_side(context: Context, root: Path, now: datetime, name: str | None) -> Side:
    """What a pack says of the mirror; errors of the pack are those of `name`, where it stands in another place."""
    with named(name):
        thought = deliberate(context, pack=root, as_of=now)
    return Side(thought.pack, thought.decisions, thought.facts, thought.findings)


def state_of(context: Context) -> object:
    """Which state of the mirror is read: equal ones hold the same records."""
    with context.store.read() as conn:
        return mirror.last_change(conn)


@contextmanager
def named(name: str | None) -> Iterator[None]:
    """Errors of a pack inside are those of the revision of this name, not of a temporary folder."""
    try:
        yield
    except InputError as error:
        if name is None:
            raise
        raise InputError(error.code, error.summary, where=name, hint=error.hint, findings=error.findings) from error


def _document(old: Side, new: Side, ref: str, revision: Revision, now: datetime, currency: str) -> dict[str, Any]:
    """The comparison as a document: equal packs and books give equal documents."""
    entries = list(entries_between(old, new))
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        rule = entry["to"]["rule"] or {"file": "", "line": 0}
        groups[entry["to"]["territory"] or "", rule["file"], rule["line"]].append(entry)
    for found in groups.values():
        found.sort(
            key=lambda entry: (entry["cause"] == "load", -Decimal(entry["money"]), entry["company"], entry["role"])
        )
    listed = [_group(territory, found) for (territory, _, _), found in groups.items()]
    listed.sort(key=lambda group: (-group["count"], group["territory"] or "", str(group["rule"])))
    moved = [entry for entry in entries if _email(entry["from"]) != _email(entry["to"])]
    return {
        "format": FORMAT,
        "kind": "comparison",
        "now": iso(now),
        "old": {"ref": ref, "commit": revision.commit, "pack_revision": old.pack.revision},
        "new": {"pack_revision": new.pack.revision},
        "summary": {
            "evaluated": len(new.decisions),
            "changed": len(entries),
            "territory": sum(entry["from"]["territory"] != entry["to"]["territory"] for entry in entries),
            "owner": len(moved),
            "by_load": sum(entry["cause"] == "load" for entry in entries),
            "money": {"amount": f"{_money(moved):f}", "currency": currency},
        },
        "rules": list(rule_changes(old.pack, new.pack)),
        "groups": listed,
    }


def entries_between(old: Side, new: Side) -> Iterator[dict[str, Any]]:
    """Every company and role that comes out otherwise, by company."""
    before: dict[_Key, Decision] = {(each.company, each.role): each for each in old.decisions}
    after: dict[_Key, Decision] = {(each.company, each.role): each for each in new.decisions}
    ways_before, ways_after = _by_path(old.pack), _by_path(new.pack)
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if _told(one) == _told(other):
            continue
        facts = new.facts.get(key[0])
        pipeline = facts.values.get("open_pipeline") if facts is not None else None
        name = facts.seen.get("name") if facts is not None else None
        entry = {
            "company": key[0],
            "accounts": list(next((each.accounts for each in (other, one) if each is not None), ())),
            "role": key[1],
            "from": _side(one),
            "to": _side(other),
            "cause": "load" if _by_load(one, other, ways_before, ways_after) else "rule",
            "money": f"{pipeline:f}" if isinstance(pipeline, Decimal) else "0",
        }
        yield entry | ({"name": name.raw} if name is not None else {})


def _told(decision: Decision | None) -> tuple[str | None, str | None, str | None]:
    if decision is None:
        return None, None, None
    return decision.territory, decision.owner.email if decision.owner else None, decision.outcome.value


def _by_load(
    one: Decision | None, other: Decision | None, before: Mapping[_Key, Territory], after: Mapping[_Key, Territory]
) -> bool:
    """Whether only the loads of the same people differ: picked both times, in one territory, from the same ones."""
    if (
        one is None
        or other is None
        or one.territory is None
        or (one.territory, one.role) != (other.territory, other.role)
    ):
        return False
    key = (one.role, one.territory)
    ways = [(each.assign, each.balance_by, each.cap) for each in (before[key], after[key])]
    picked = one.reason == other.reason == "picked" and set(one.candidates) == set(other.candidates)
    return picked and ways[0] == ways[1]


def _side(decision: Decision | None) -> dict[str, Any]:
    if decision is None:
        return {"territory": None, "owner": None, "outcome": None, "reason": None, "text": "", "rule": None}
    return {
        "territory": decision.territory,
        "owner": owner_entry(decision.owner),
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "text": decision.text,
        "rule": place_entry(decision.place),
    }


def _group(territory: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "territory": territory or None,
        "rule": entries[0]["to"]["rule"],
        "count": len(entries),
        "money": f"{_money(entries):f}",
        "companies": entries,
    }


def _money(entries: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(entry["money"]) for entry in entries), Decimal(0))


def _email(side: Mapping[str, Any]) -> str | None:
    owner = side["owner"]
    return owner["email"] if owner is not None else None


def _texts(pack: Pack) -> dict[_Key, tuple[str, object, object]]:
    """What each territory says, by role and path; its people with it, those of its pool too."""
    return {
        (role, each.path): (each.text, each.owners, _members(each, pack))
        for role in pack.roles
        for each in pack.territories(role)
    }


def _members(territory: Territory, pack: Pack) -> object:
    pool = pack.pools.get(territory.owners.pool) if isinstance(territory.owners, OwnersByPool) else None
    return (pool.members, pool.assign) if pool is not None else None


def rule_changes(old: Pack, new: Pack) -> Iterator[dict[str, Any]]:
    """What was added, removed or written anew: territories by role and path, then the other parts by name."""
    yield from _territory_changes(old, new)
    for kind, (before, after) in _named_parts(old, new).items():
        for name in sorted(before.keys() | after.keys()):
            if name in before and name in after and same(before[name], after[name]):
                continue
            word = "changed" if name in before and name in after else "added" if name in after else "removed"
            place = getattr(after.get(name) or before[name], "place", None)
            yield {"change": word, "kind": kind, "name": name, "rule": place_entry(place)}


def _named_parts(old: Pack, new: Pack) -> dict[str, tuple[Mapping[str, object], Mapping[str, object]]]:
    def protects(pack: Pack) -> dict[str, object]:
        return {rule.name: rule for rule in pack.protect}

    def overrides(pack: Pack) -> dict[str, object]:
        return {f"{entry.account} as {entry.role}": entry for entry in pack.overrides}

    def disputes(pack: Pack) -> dict[str, object]:
        return {entry.account: entry for entry in pack.disputes}

    return {
        "segment": (old.segments, new.segments),
        "list": (old.lists, new.lists),
        "pool": (old.pools, new.pools),
        "rep": (old.reps, new.reps),
        "seat": (old.seats, new.seats),
        "protect": (protects(old), protects(new)),
        "override": (overrides(old), overrides(new)),
        "dispute": (disputes(old), disputes(new)),
    }


def _territory_changes(old: Pack, new: Pack) -> Iterator[dict[str, Any]]:
    before, after = _by_path(old), _by_path(new)
    texts_before, texts_after = _texts(old), _texts(new)
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            word, territory = "added", after[key]
        elif key not in after:
            word, territory = "removed", before[key]
        elif texts_before[key] != texts_after[key]:
            word, territory = "changed", after[key]
        else:
            continue
        yield {
            "change": word,
            "kind": "territory",
            "name": key[1],
            "role": key[0],
            "rule": place_entry(territory.place),
        }


def _by_path(pack: Pack) -> dict[tuple[str, str], Territory]:
    return {(role, each.path): each for role in pack.roles for each in pack.territories(role)}
