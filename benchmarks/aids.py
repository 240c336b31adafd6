"""Planning aids over planted books of several sizes: what they find, how right they are, how long they take.

`make bench-aids`, or this script with sizes. Prints JSON. Seconds are of the processor, for these machines are shared.
Each book is made again from its seed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syncd.model.fields import FieldCatalogue  # noqa: E402 - the path comes first
from syncd.model.records import Record, User  # noqa: E402
from syncd.model.refs import Kind, Ref, System  # noqa: E402
from syncd.planning.aids.audit import AuditBook  # noqa: E402
from syncd.planning.aids.audit_data import audit  # noqa: E402
from syncd.planning.aids.induction import grow_tree  # noqa: E402
from syncd.planning.aids.past import OwnerSince, Past  # noqa: E402
from syncd.planning.aids.replay import Replay  # noqa: E402
from syncd.planning.aids.starter import samples_of, spellings_of, write_starter  # noqa: E402
from syncd.rules.deriving.field_values import ValueReader  # noqa: E402
from syncd.rules.engine import Book, decide  # noqa: E402
from syncd.rules.facts import Directory, Facts  # noqa: E402
from syncd.rules.loader import load_pack  # noqa: E402
from syncd.rules.matching.time_window import EvaluationContext  # noqa: E402
from syncd.rules.pack import Pack  # noqa: E402
from tests.aids_books import NOW, book, history, many_reps, nine_reps, owned  # noqa: E402

SEED = 20261120
SIZES = (1_000, 10_000, 100_000)
FIELDS = FieldCatalogue().account
EVERYBODY = Directory({}, assume_active=True)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What work comes to, and the seconds of the processor that it took."""
    started = process_time()
    found = work()
    return found, round(process_time() - started, 2)


def measured(size: int) -> dict[str, object]:
    """The figures of one size."""
    reps = nine_reps if size <= 1_000 else many_reps
    facts = book(size, SEED, owner_of=reps)
    gap = [owned(each, None) if each.values["country"] == "BR" else each for each in facts]
    audited, seconds = timed(lambda: audit(_book(gap)))
    found = {each.check: each.count for each in audited}
    planted = sum(each.values["country"] == "BR" for each in facts)
    starter = _starter(facts)
    return {
        "companies": size,
        "seed": SEED,
        "audit": {"seconds": seconds, "gap_planted": planted, "gap_found": found["coverage"]},
        "starter_pack": starter,
        "backtest": _backtest(facts[:20_000]),
    }


def _book(facts: list[Facts]) -> AuditBook:
    reader = ValueReader()
    people = {owner for each in facts for owner in each.owner_ids.values()}
    refs = [Ref(System.SALESFORCE, Kind.USER, each) for each in sorted(people)]
    records = tuple(
        Record(
            each.refs[0],
            NOW,
            {name: seen.raw for name, seen in each.seen.items()},
            each.owner_ids.get(System.SALESFORCE),
        )
        for each in facts
    )
    return AuditBook(
        tuple(facts),
        records,
        (),
        {ref: User(ref, f"{ref.id}@example.com", ref.id, True) for ref in refs},
        {each.refs[0]: each.key for each in facts},
        FIELDS,
        lambda name, raw, country: reader.read(FIELDS[name], raw, country)[0],
        NOW,
    )


def _starter(facts: tuple[Facts, ...]) -> dict[str, object]:
    samples = samples_of(facts, FIELDS)
    tree, seconds = timed(lambda: grow_tree(samples[:20_000]))
    written = write_starter(tree, "starter", spellings_of(facts, FIELDS), FIELDS)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pack.yaml").write_text(written.text)
        pack = load_pack(Path(folder))
    bare = tuple(owned(each, None) for each in facts)
    today = {sample.key: sample.owner for sample in samples}
    decisions = decide(pack, Book(bare, EVERYBODY), NOW)
    hits = sum(each.owner is not None and each.owner.email == today[each.company] for each in decisions)
    owners = [sample.owner for sample in samples]
    return {
        "seconds": seconds,
        "owners": len(set(owners)),
        "territories": written.territories,
        "reproduced": round(hits / len(owners), 4),
        "largest_owner": round(max(map(owners.count, set(owners))) / len(owners), 4),
    }


def _backtest(facts: tuple[Facts, ...]) -> dict[str, object]:
    """Thirteen weeks under a rule that is planted bad: it reads open deals, and so gives companies back and forth."""
    told = history(facts, SEED + 1, each=2)
    pasts = [
        Past(each, (OwnerSince(None, each.current_owner.email if each.current_owner else None),), tuple(deals), False)
        for each, deals in zip(facts, told.deals.values(), strict=True)
    ]
    pack = _bad_pack()
    active = frozenset({owner for past in pasts if (owner := past.owner_at(NOW))}) | {"ana@example.com"}

    def decided(now: tuple[Facts, ...], memory: Any, at: Any) -> Any:
        return decide(pack, Book(now, EVERYBODY, memory=memory), at)

    replay = Replay(pasts, lambda _: active, decided, EvaluationContext, pack.revision)
    weeks = [NOW - timedelta(days=7 * week) for week in range(13, -1, -1)]
    _, seconds = timed(lambda: replay.run(weeks))
    returned = sum(len({owner for _, owner in each}) < len(each) for each in replay.owners.values())
    return {
        "companies": len(pasts),
        "steps": len(weeks),
        "seconds": seconds,
        "moves_after_start": sum(move.at > weeks[0] for move in replay.moves),
        "back_and_forth": returned,
    }


def _bad_pack() -> Pack:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pack.yaml").write_text(
            "territories:\n"
            "  - {name: hot, when: {open_opportunities: '>= 1'}, owners: [ana@example.com], keep: false}\n"
            "  - {name: rest, when: always, owners: [ben@example.com], keep: false}\n"
        )
        return load_pack(Path(folder))


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]] or list(SIZES)
    sys.stdout.write(json.dumps([measured(size) for size in asked], indent=2) + "\n")
