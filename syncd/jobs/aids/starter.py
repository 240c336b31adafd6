"""The starter pack of an audit: written, read back as `check` reads it, and measured by the engine that will use it.

What it reproduces is asked of the rules alone: every company is decided as if nobody owned it, and the owner that
comes out is compared with today's. That figure stands beside the one of the largest owner taken for everything.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from syncd.errors import RefusedError, Severity, UsageError
from syncd.jobs.aids.audit import Audited
from syncd.jobs.books.book import directory_of
from syncd.jobs.checking import check
from syncd.jobs.context import Context
from syncd.jobs.files import replace_file
from syncd.jobs.packs.packs import open_pack
from syncd.model.decisions import Decision
from syncd.planning.aids.audit import called
from syncd.planning.aids.induction import Sample, answer, grow_tree
from syncd.planning.aids.measures import Share
from syncd.planning.aids.starter import samples_of, spellings_of, write_starter
from syncd.rules.engine import Book, decide
from syncd.rules.facts import Facts
from syncd.rules.pack import OwnersByEmail, OwnersByPool, Pack, Territory

LEARNT_FROM = 20_000
"""A tree is grown from so many companies at most, chosen by the hash of their keys: more change its rules no more."""
FEWEST = 20
FILE = "pack.yaml"
_MISSES = 200


@dataclass(frozen=True, slots=True)
class _Judged:
    """How decisions of the rules alone compare with today's owners; `alone` in territories of one owner."""

    hits: int
    stays: int
    alone: Share
    misses: tuple[dict[str, Any], ...]


def write_starter_pack(context: Context, audited: Audited, folder: Path) -> dict[str, Any]:
    """Infer a pack from today's owners into a folder; what it is worth as a document.

    Raises UsageError SYN741 where the folder holds something already, RefusedError SYN742 where too few companies have
    an active owner to learn from.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        hint = "name a folder that is not there yet: nothing is overwritten"
        raise UsageError("SYN741", f"{folder} is not empty", hint=hint)
    fields = context.catalogue().account
    samples = samples_of(audited.facts, fields, _barred(audited))
    if len(samples) < FEWEST:
        text = f"only {len(samples)} companies have an active owner; rules cannot be learnt from fewer than {FEWEST}"
        raise RefusedError("SYN742", text, hint="assign more accounts, or begin with `syncd init`")
    tree = grow_tree(_chosen(samples))
    starter = write_starter(tree, "starter", spellings_of(audited.facts, fields), fields)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / FILE, starter.text.encode())
    judged = _judged(context, audited, folder, samples)
    report = check(context.settings, folder, now=audited.now, mirror=False)
    remarks = [each for each in report.findings if each.severity is not Severity.NOTE]
    largest = Counter(sample.owner for sample in samples).most_common(1)[0][1]
    return {
        "folder": str(folder),
        "territories": starter.territories,
        "learnt_from": len(samples),
        "reproduced": Share(judged.hits, len(samples)).document(),
        "one_owner": judged.alone.document(),
        "stays": Share(judged.stays, len(samples)).document(),
        "baseline": Share(largest, len(samples)).document(),
        "held_back": _held_back(samples).document(),
        "check": f"`syncd check` finds {len(remarks)} problem{'s' if len(remarks) != 1 else ''} in it.",
        "findings": [str(each) for each in remarks],
        "misses": list(judged.misses),
    }


def _barred(audited: Audited) -> frozenset[str]:
    """Who is an active user somewhere, and may own accounts nowhere."""
    users = [user for user in audited.source.users.values() if user.email and user.active]
    return frozenset(user.email for user in users) - {user.email for user in users if user.eligible}


def _chosen(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    if len(samples) <= LEARNT_FROM:
        return samples
    return tuple(sorted(samples, key=lambda sample: _draw(sample.key))[:LEARNT_FROM])


def _held_back(samples: tuple[Sample, ...]) -> Share:
    """How a tree that saw four fifths of the companies does on the other fifth, by its first owner."""
    seen = _chosen(tuple(sample for sample in samples if _draw(sample.key) % 5))
    asked = [sample for sample in samples if not _draw(sample.key) % 5]
    tree = grow_tree(seen)
    return Share(sum(answer(tree, sample)[:1] == (sample.owner,) for sample in asked), len(asked))


def _draw(key: str) -> int:
    """A number of a company that has nothing to do with its order, its place or its owner."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _judged(context: Context, audited: Audited, folder: Path, samples: Iterable[Sample]) -> _Judged:
    """The decisions of the pack as written, about companies that nobody owns."""
    pack = open_pack(context.settings, folder, now=audited.now)
    today = {sample.key: sample.owner for sample in samples}
    bare = tuple(_unowned(facts) for facts in audited.facts if facts.key in today)
    directory = directory_of(audited.source.users.values(), pack, context.written_systems)
    decisions = decide(pack, Book(bare, directory), audited.now)
    owners = {territory.path: _named(territory, pack) for territory in pack.territories()}
    named = {facts.key: called(facts) for facts in audited.facts}
    hits = sum(_is(decision, today) for decision in decisions)
    stays = sum(today[each.company] in owners.get(each.territory or "", ()) for each in decisions)
    single = [decision for decision in decisions if len(owners.get(decision.territory or "", ())) == 1]
    alone = Share(sum(_is(decision, today) for decision in single), len(single))
    return _Judged(hits, stays, alone, _misses(decisions, today, named))


def _named(territory: Territory, pack: Pack) -> frozenset[str]:
    """Everybody whom a territory names, or its pool."""
    owners = territory.owners
    if isinstance(owners, OwnersByPool):
        return frozenset(member for member, _ in pack.pools[owners.pool].members)
    return frozenset(owners.members) if isinstance(owners, OwnersByEmail) else frozenset()


def _unowned(facts: Facts) -> Facts:
    """A company as if nobody owned it and nothing was ever applied to it."""
    values = {name: value for name, value in facts.values.items() if not name.startswith("owner")}
    return replace(facts, values=values, current_owner=None, owner_active=False, owner_ids={}, applied={})


def _is(decision: Decision, today: Mapping[str, str]) -> bool:
    return decision.owner is not None and decision.owner.email == today[decision.company]


def _misses(
    decisions: Iterable[Decision], today: Mapping[str, str], named: Mapping[str, str]
) -> tuple[dict[str, Any], ...]:
    """Where the rules come to another owner than today's, by territory: whose accounts they are, with examples."""
    sizes: Counter[str] = Counter()
    missed: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        path = decision.territory or ""
        sizes[path] += 1
        if not _is(decision, today):
            missed[path].append(decision)
    found = []
    for path in sorted(missed, key=lambda each: (-len(missed[each]), each))[:_MISSES]:
        whose = Counter(today[decision.company] for decision in missed[path])
        parts = ", ".join(f"{who} {count:,}" for who, count in whose.most_common(4))
        more = f" and {len(whose) - 4} more" if len(whose) > 4 else ""
        examples = [named[decision.company] for decision in missed[path][:3]]
        found.append(
            {
                "territory": path,
                "accounts": sizes[path],
                "missed": len(missed[path]),
                "owners": dict(whose.most_common()),
                "text": f"today with {parts}{more}; such as {', '.join(examples)}",
            }
        )
    return tuple(found)
