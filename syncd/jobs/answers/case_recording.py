"""A live decision as a case of the pack: the company's raw values from the mirror, now, and what was decided.

The case is run before it is handed out: what it expects is what `syncd test` finds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from syncd.clock import iso
from syncd.errors import InputError, Place, UsageError
from syncd.jobs.answers.lookup import company_of
from syncd.jobs.books.book import derivation_of
from syncd.jobs.context import Context
from syncd.jobs.files import replace_file
from syncd.jobs.plans.plan import Deliberation, deliberate
from syncd.model.decisions import Decision
from syncd.model.records import User
from syncd.model.refs import Kind, Ref, System
from syncd.rules.cases import case_facts, run_cases
from syncd.rules.explaining.clauses import shown_value
from syncd.rules.facts import Facts, OpportunityFacts, Value
from syncd.rules.findings import Findings
from syncd.rules.formatting.case_text import case_text
from syncd.rules.nodes import Mapping, Sequence
from syncd.rules.pack import Case
from syncd.rules.reading.yaml_reader import read_yaml
from syncd.store import mirror

_RELATIVE = frozenset({"ultimate_parent", "owner", "owner_active", "territory"})
"""Fields that a case says otherwise, or that mean nothing for a company alone."""
_MOST_DEALS = 25
_NOWHERE = Place("case", 1)
PERSONAL = "recorded from the CRM: names, domains and e-mails are real; change them before the pack is shown to others"


@dataclass(frozen=True, slots=True)
class RecordedCase:
    """The YAML of a case as an item of `tests:`, and its name; `remarks` say what it does not assert, and why."""

    name: str
    text: str
    remarks: tuple[str, ...]


def record_case(context: Context, what: str, *, pack: Path | None = None, indent: int = 2) -> RecordedCase:
    """The case of the live company that the text names, as decided now; UsageError for none or several.

    Raises InputError SYN383 where a case cannot stand for it: its territory hangs on what a case does not hold.
    """
    with context.store.read() as conn:
        found = company_of(conn, what)
    thought = deliberate(context, pack=pack)
    facts = thought.facts.get(found.key)
    decision = next((one for one in thought.decisions if one.company == found.key and one.role == "owner"), None)
    if facts is None or decision is None:
        raise UsageError("SYN002", f"{what!r} is deleted in the CRM, or the pack has no owner role")
    case = _case(context, thought, facts, decision)
    case, remarks = _passing(context, thought, case, decision)
    return RecordedCase(case.name, case_text(case, (PERSONAL, *remarks), indent), remarks)


def _case(context: Context, thought: Deliberation, facts: Facts, decision: Decision) -> Case:
    account = {name: seen.raw for name, seen in sorted(facts.seen.items()) if name != "owner" and seen.raw}
    if facts.current_owner is not None:
        account["owner"] = facts.current_owner.email
        if not facts.owner_active:
            account["owner_active"] = "false"
    applied = facts.applied.get("owner")
    ledger = {"territory": applied.territory, "owner": applied.owner, "at": iso(applied.at)} if applied else {}
    case = Case(
        name=_name(thought, facts, decision),
        place=_NOWHERE,
        expect=MappingProxyType(_expected(decision)),
        account=MappingProxyType(account),
        opportunities=_deals(context, facts.opportunities),
        ledger=MappingProxyType({key: value for key, value in ledger.items() if value}),
        salesforce=MappingProxyType(_said(facts, System.SALESFORCE)),
        hubspot=MappingProxyType(_said(facts, System.HUBSPOT)),
        parent=_parent(thought, facts) if decision.reason == "follow-parent" else None,
        now=thought.now,
    )
    return _completed(context, thought, case, facts)


def _completed(context: Context, thought: Deliberation, case: Case, facts: Facts) -> Case:
    """The case with those derived fields given that do not follow from the rest of it: families, long won deals."""
    alone = case_facts(case, derivation_of(context, thought.pack, thought.now.date()), thought.now).values
    given: dict[str, str | tuple[str, ...]] = dict(case.account or {})
    for name, value in sorted(facts.values.items()):
        if name not in _RELATIVE and alone.get(name) != value and name in context.catalogue().account:
            given[name] = _written(value)
    return replace(case, account=MappingProxyType(given))


def _passing(context: Context, thought: Deliberation, case: Case, decision: Decision) -> tuple[Case, tuple[str, ...]]:
    """The case without what it cannot assert alone: a pick by load becomes any of its candidates."""
    failing = _failing(context, thought, case)
    expect = dict(case.expect)
    remarks: list[str] = []
    if "owner" in failing and decision.candidates:
        expect["owner"] = tuple(sorted({*decision.candidates, *expect["owner"]}))
        remarks.append("picked among others by load, which a case does not know: any candidate will do")
        failing = _failing(context, thought, replace(case, expect=MappingProxyType(expect)))
    for key in sorted(failing - {"territory"}):
        remarks.append(f"not asserted: {key} {' or '.join(expect.pop(key))} ({decision.reason})")
    case = replace(case, expect=MappingProxyType(expect))
    if _failing(context, thought, case):
        raise InputError(
            "SYN383",
            f"no case can stand for this company: alone it does not come to territory {decision.territory}",
            where=decision.company,
            hint="write the case by hand; `syncd explain` shows what it hangs on",
        )
    return case, tuple(remarks)


def _failing(context: Context, thought: Deliberation, case: Case) -> set[str]:
    """The keys of `expect` that the case, run alone, does not come to."""
    results = [
        run_cases(
            replace(thought.pack, tests=(replace(case, expect=MappingProxyType({key: wanted})),)),
            catalogue=context.catalogue(),
            money=derivation_of(context, thought.pack, thought.now.date()).money,
            now=thought.now,
            shared_domains=frozenset(context.settings.identity.shared_domains),
        )
        for key, wanted in case.expect.items()
    ]
    return {key for key, (result,) in zip(case.expect, results, strict=True) if not result.passed}


def _expected(decision: Decision) -> dict[str, tuple[str, ...]]:
    owner = decision.owner.email if decision.owner else None
    wanted = {"territory": decision.territory, "owner": owner, "outcome": decision.outcome.value}
    return {key: (value,) for key, value in wanted.items() if value}


def _name(thought: Deliberation, facts: Facts, decision: Decision) -> str:
    """A name that no other test of the pack has."""
    called = facts.seen["name"].raw if "name" in facts.seen else facts.key
    name = f"{' '.join(called.split())} is {decision.outcome.value} in {decision.territory or 'no territory'}"
    taken = {case.name for case in thought.pack.tests}
    numbered = (f"{name} ({number})" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def _said(facts: Facts, system: System) -> dict[str, str]:
    """What a system says of a field that another one, which comes first, says otherwise."""
    return {
        name: text
        for name, seen in sorted(facts.seen.items())
        if name != "owner"
        for other, text in seen.others
        if other is system and text != seen.raw
    }


def _deals(context: Context, deals: tuple[OpportunityFacts, ...]) -> tuple[dict[str, str], ...]:
    """The opportunities' raw values; of very many none, their sums are given as derived fields then."""
    if len(deals) > _MOST_DEALS:
        return ()
    found = []
    with context.store.read() as conn:
        users: dict[Ref, User] = {user.ref: user for user in mirror.users(conn)} if deals else {}
        for deal in deals:
            record = mirror.get_record(conn, Ref.parse(deal.key))
            if record is None:
                continue
            raw = {
                name: text for name, text in sorted(record.fields.items()) if name in context.catalogue().opportunity
            }
            owner = users.get(Ref(record.ref.system, Kind.USER, record.owner)) if record.owner else None
            raw.pop("name", None)
            found.append({**raw, **({"owner": owner.email} if owner is not None and owner.email else {})})
    return tuple(found)


def _parent(thought: Deliberation, facts: Facts) -> MappingProxyType[str, str | tuple[str, ...]] | None:
    head = thought.facts.get(facts.head) if facts.head else None
    if head is None:
        return None
    raw: dict[str, str | tuple[str, ...]] = {name: seen.raw for name, seen in sorted(head.seen.items()) if seen.raw}
    if head.current_owner is not None:
        raw["owner"] = head.current_owner.email
    return MappingProxyType(raw)


def _written(value: Value) -> str | tuple[str, ...]:
    return tuple(sorted(value)) if isinstance(value, frozenset) else shown_value(value)


def save_case(context: Context, what: str, path: Path, *, pack: Path | None = None) -> RecordedCase:
    """Record a case into a file: a new one, or at the end of one whose last section is `tests:`.

    Raises UsageError SYN006 where a case cannot be added to the file that is there.
    """
    if not path.exists():
        case = record_case(context, what, pack=pack)
        replace_file(path, f"# Recorded by `syncd test --record`.\ntests:\n{case.text}".encode())
        return case
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _not_a_tests_file(path) from error
    indent = _indent_of_tests(text)
    if indent is None:
        raise _not_a_tests_file(path)
    case = record_case(context, what, pack=pack, indent=indent)
    longer = text + ("" if text.endswith("\n") else "\n") + case.text
    if _count_of_tests(longer) != _count_of_tests(text) + 1:
        raise _not_a_tests_file(path)
    replace_file(path, longer.encode())
    return case


def _tests(text: str) -> Sequence | None:
    """The list that a file ends with under `tests:`, None where it ends with something else."""
    root = read_yaml(text.encode(), "", Findings()).root
    if not isinstance(root, Mapping) or not root.entries or root.entries[-1].key.text != "tests":
        return None
    last = root.entries[-1].value
    return last if isinstance(last, Sequence) else None


def _count_of_tests(text: str) -> int:
    found = _tests(text)
    return len(found.items) if found is not None else -1


def _indent_of_tests(text: str) -> int | None:
    """How far the dashes of the tests stand from the left; None where they are not written one below the other."""
    found = _tests(text)
    if found is None or not found.items:
        return None
    place = found.items[0].place
    before = text.splitlines()[place.line - 1][: place.column - 1]
    return len(before) - len(before.lstrip(" ")) if before.strip(" ") == "-" else None


def _not_a_tests_file(path: Path) -> UsageError:
    hint = "name a new file, or one that holds nothing but `tests:` and its list"
    return UsageError("SYN006", f"{path} takes no case at its end", hint=hint)
