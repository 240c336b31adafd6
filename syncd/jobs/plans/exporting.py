"""The mirror as CSV files that `plan --accounts` reads, whole or without names, domains and e-mail addresses.

What a redacted export keeps is what the pack itself says already (its e-mails, its listed domains) and what rules need
to decide. How far a plan over the export is the plan over the mirror is measured before it is handed out.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

from syncd.jobs.context import Context
from syncd.jobs.files import replace_file
from syncd.jobs.plans.export import ExportFiles, think_over_export
from syncd.jobs.plans.plan import Deliberation, deliberate
from syncd.model.decisions import Decision
from syncd.model.fields import FieldType
from syncd.model.normalisation import domain, email
from syncd.model.normalisation import text as folded
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref
from syncd.rules.accounts import accounts_header
from syncd.rules.conditions import Condition, FieldTest, fields_read, walk
from syncd.rules.explaining.clauses import shown_value
from syncd.rules.facts import Facts
from syncd.rules.pack import Pack
from syncd.store import mirror

_FROM_DEALS = frozenset({"open_opportunities", "open_pipeline", "open_stages", "won_amount_12m", "won_count_12m"})
_FROM_BOOK = frozenset(
    {"ultimate_parent", "children", "family_employees", "family_open_pipeline", "has_customer_parent"}
)
_COMPUTED = _FROM_DEALS | _FROM_BOOK | {"owner_active", "score", "band", "lifecycle"}
"""Derived fields that are derived again from the export; the CRM's own score and stage have names of their own."""
_NEVER_KEPT = frozenset({"name", "website", "phone"})
"""What a company is called and reached by: never in a redacted export, also where rules read it."""
USERS = ("id", "email", "name", "active")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how well it stands for the mirror: of `decisions`, how many come out otherwise over the
    export, by the mirror's reason. `kept_texts` are text fields that stayed because rules read them."""

    files: ExportFiles
    accounts: int
    opportunities: int
    decisions: int
    otherwise: Mapping[str, int]
    kept_texts: tuple[str, ...]


def export_mirror(context: Context, folder: Path, *, redact: bool) -> Exported:
    """Write accounts.csv, opportunities.csv and users.csv into a folder.

    Raises RefusedError SYN550 before the first complete mirror.
    """
    thought = deliberate(context)
    catalogue = context.catalogue()
    redaction = Redaction(thought.pack) if redact else None
    header = tuple(name for name in accounts_header(catalogue) if name not in _COMPUTED)
    accounts = [_account(facts, catalogue.account, redaction) for facts in thought.source.book.facts]
    deals = list(_deals(context, thought, redaction))
    files = ExportFiles(folder / "accounts.csv", folder / "opportunities.csv", folder / "users.csv")
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(files.accounts, _csv(_used(header, accounts), accounts))
    replace_file(folder / "opportunities.csv", _csv(_used(("id", *catalogue.opportunity), deals), deals))
    replace_file(folder / "users.csv", _csv(USERS, list(_users(thought, redaction))))
    again = think_over_export(context.settings, context.settings.pack.path, files, now=thought.now)
    return Exported(
        files,
        len(accounts),
        len(deals),
        len(thought.decisions),
        _otherwise(thought.decisions, again.decisions, redaction),
        tuple(name for name in header if catalogue.account.get(name) is FieldType.TEXT and name in redaction.kept)
        if redaction
        else (),
    )


_NOBODYS = "home.arpa"
"""Below it stand domains that nobody can have (RFC 8375) and that are registrable by the public suffix list: a name
below `.example` is none, so that rules would take it for missing."""


class Redaction:
    """What is written instead of what, for the pack whose own words may stay. `kept` are text fields its rules read."""

    def __init__(self, pack: Pack) -> None:
        self._words = frozenset(folded(word) for word in _words(pack))
        self._people: dict[str, str] = {}
        self._domains: dict[str, str] = {}
        self.kept = _fields_read(pack) - _NEVER_KEPT

    def person(self, address: str) -> str:
        """An e-mail that the pack names, as it is; any other as one of a person without a name."""
        key = email(address)
        if key in self._words:
            return key
        return self._people.setdefault(key, f"person-{len(self._people) + 1}@redacted.example")

    def known(self, address: str) -> bool:
        """Whether the e-mail is the pack's, or somebody's who was written already."""
        return email(address) in self._words or email(address) in self._people

    def field(self, name: str, type_: FieldType, raw: str) -> str:
        """A value of an account or an opportunity; empty where it may not be shown."""
        if folded(raw) in self._words:
            return raw
        if type_ is FieldType.DOMAIN:
            return self._domain(raw)
        if type_ is FieldType.EMAIL:
            return self.person(raw)
        return "" if type_ is FieldType.TEXT and name not in self.kept else raw

    def _domain(self, raw: str) -> str:
        found = domain(raw, frozenset())
        if found is None or found in self._words:
            return found or ""
        return self._domains.setdefault(found, f"company-{len(self._domains) + 1}.{_NOBODYS}")


def _words(pack: Pack) -> Iterator[str]:
    """Every text that stands in the pack: what it says itself is no secret of the mirror's."""
    waiting: list[object] = [pack]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif is_dataclass(value):
            waiting += [getattr(value, each.name) for each in fields(value) if each.name != "findings"]
        elif isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, tuple | frozenset):
            waiting += value


def _fields_read(pack: Pack) -> frozenset[str]:
    """The fields that any condition of the pack reads, those of opportunities among them."""
    conditions: list[Condition] = [each.when for role in pack.roles for each in pack.territories(role)]
    conditions += [rule.when for rule in pack.protect]
    conditions += [part.test for part in pack.scoring.components] if pack.scoring is not None else []
    conditions += [stage.when for stage in pack.lifecycle]
    conditions += [pack.retrieve.when] if pack.retrieve is not None else []
    inner = {part.field for condition in conditions for part in walk(condition) if isinstance(part, FieldTest)}
    return frozenset(inner).union(*(fields_read(condition) for condition in conditions))


def _account(facts: Facts, types: Mapping[str, FieldType], redaction: Redaction | None) -> dict[str, str]:
    row = {name: seen.raw for name, seen in facts.seen.items() if name in types}
    for name, value in facts.values.items():
        if name in types and name not in row:
            row[name] = ";".join(sorted(value)) if isinstance(value, frozenset) else shown_value(value)
    if facts.current_owner is not None:
        row["owner"] = facts.current_owner.email
    if redaction is not None:
        row = {name: redaction.field(name, types[name], raw) for name, raw in row.items()}
    return {"id": facts.key, **row}


def _deals(context: Context, thought: Deliberation, redaction: Redaction | None) -> Iterator[dict[str, str]]:
    """The opportunities that rules may still ask for, each under its company's key."""
    types = context.catalogue().opportunity
    company = {deal.key: facts.key for facts in thought.source.book.facts for deal in facts.opportunities}
    with context.store.read() as conn:
        users = {user.ref: user for user in mirror.users(conn)}
        for system in context.systems:
            for record in mirror.records(conn, system, Kind.OPPORTUNITY):
                if str(record.ref) in company:
                    row = {name: raw for name, raw in record.fields.items() if name in types} | _owned(record, users)
                    if redaction is not None:
                        row = {name: redaction.field(name, types[name], raw) for name, raw in row.items()}
                    yield {**row, "id": str(record.ref), "account": company[str(record.ref)]}


def _owned(record: Record, users: Mapping[Ref, User]) -> dict[str, str]:
    owner = users.get(Ref(record.ref.system, Kind.USER, record.owner)) if record.owner else None
    return {"owner": owner.email} if owner is not None and owner.email else {}


def _users(thought: Deliberation, redaction: Redaction | None) -> Iterator[dict[str, str]]:
    """Everybody who may be an owner; one whose e-mail is ambiguous stands twice, so that it stays so."""
    directory = thought.source.book.directory
    for address, rep in sorted(directory.reps.items()):
        if redaction is not None and not redaction.known(address):
            continue
        fit = rep.active_in & rep.eligible_in
        active = directory.written & rep.ids.keys() <= fit if directory.written else bool(fit)
        shown = redaction.person(address) if redaction is not None else address
        row = {"email": shown, "name": "" if redaction is not None else rep.name, "active": str(active).lower()}
        yield from [row] * (2 if address in directory.ambiguous else 1)


def _used(header: Iterable[str], rows: list[dict[str, str]]) -> tuple[str, ...]:
    """The columns that some row fills; `id` and `account` always."""
    filled = {name for row in rows for name, value in row.items() if value} | {"id", "account"}
    return tuple(name for name in header if name in filled)


def _csv(header: tuple[str, ...], rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _otherwise(
    mirrored: Iterable[Decision], exported: Iterable[Decision], redaction: Redaction | None
) -> Mapping[str, int]:
    """The reasons of those decisions that the export comes to otherwise, with their counts."""
    found = {(each.company, each.role): _told(each, None) for each in exported}
    return Counter(each.reason for each in mirrored if found.get((each.company, each.role)) != _told(each, redaction))


def _told(decision: Decision, redaction: Redaction | None) -> tuple[str | None, str | None, str]:
    owner = decision.owner.email if decision.owner is not None else None
    shown = redaction.person(owner) if owner is not None and redaction is not None else owner
    return decision.territory, shown, decision.outcome.value
