"""Which company each entry of `overrides` and `disputes` is about, and which of them are in force.

An entry names its account by ref, CRM id or domain. Knows nothing of territories or of what follows from an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from syncd.errors import Finding, Severity
from syncd.model.normalisation import domain
from syncd.model.refs import long_salesforce_id
from syncd.rules.facts import Facts
from syncd.rules.pack import Dispute, Override, Pack

_REMOVE = "Remove one of them; `syncd drift release REF` ends one that stands in the ledger."


@dataclass(frozen=True, slots=True)
class Exceptions:
    """The entries of each company, by company key, in the order written."""

    overrides: Mapping[str, tuple[Override, ...]] = field(default_factory=dict)
    disputes: Mapping[str, tuple[Dispute, ...]] = field(default_factory=dict)


def match_exceptions(pack: Pack, facts: Iterable[Facts], now: datetime) -> tuple[Exceptions, tuple[Finding, ...]]:
    """Match every entry to its company.

    Findings: an entry that no company answers to is a warning (SYN322); one that two answer to is an error (SYN323),
    as are two overrides in force for one account and role (SYN324).
    """
    entries: tuple[Override | Dispute, ...] = (*pack.overrides, *pack.disputes)
    if not entries:
        return Exceptions(), ()
    companies = _companies_by_name(
        facts, frozenset(name for entry in entries for name in names_of_entry(entry.account))
    )
    findings: list[Finding] = []
    overrides: dict[str, tuple[Override, ...]] = {}
    disputes: dict[str, tuple[Dispute, ...]] = {}
    for entry in entries:
        matched = sorted({key for name in names_of_entry(entry.account) for key in companies.get(name, ())})
        if len(matched) != 1:
            findings.append(_unmatched(entry, matched))
        elif isinstance(entry, Override):
            overrides[matched[0]] = (*overrides.get(matched[0], ()), entry)
        else:
            disputes[matched[0]] = (*disputes.get(matched[0], ()), entry)
    today = now.astimezone(pack.zone).date()
    findings += [finding for key in sorted(overrides) for finding in _doubled(key, overrides[key], today)]
    return Exceptions(overrides, disputes), tuple(findings)


def in_force(override: Override, today: date) -> bool:
    """Whether an override's last day, included, has not passed."""
    return override.expires is None or today <= override.expires


def override_of(exceptions: Exceptions, company: str, role: str) -> Override | None:
    """The override that speaks for a company and role: the one that lasts longest, in force or expired."""
    entries = [entry for entry in exceptions.overrides.get(company, ()) if entry.role == role]
    if not entries:
        return None
    return max(entries, key=lambda entry: entry.expires or date.max)


def dispute_of(exceptions: Exceptions, company: str, today: date) -> Dispute | None:
    """The first dispute of a company that is open today."""
    entries = exceptions.disputes.get(company, ())
    return next((entry for entry in entries if entry.opened is None or entry.opened <= today), None)


def names_of_entry(account: str) -> tuple[str, ...]:
    """What a company may be called that an entry with this `account` is about."""
    registrable = domain(account, frozenset())
    names = (account, long_salesforce_id(account), registrable or "")
    return tuple(dict.fromkeys(name for name in names if name))


def _names_of_company(facts: Facts) -> Iterator[str]:
    for name in (facts.key, *facts.accounts):
        yield name
        yield long_salesforce_id(name)
    for ref in facts.refs:
        yield str(ref)
        yield ref.id
    for name in ("salesforce_id", "hubspot_id", "domain"):
        value = facts.values.get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, frozenset):
            yield from value


def _companies_by_name(facts: Iterable[Facts], wanted: frozenset[str]) -> dict[str, set[str]]:
    companies: dict[str, set[str]] = {}
    for company in facts:
        for name in _names_of_company(company):
            if name in wanted:
                companies.setdefault(name, set()).add(company.key)
    return companies


def _unmatched(entry: Override | Dispute, matched: list[str]) -> Finding:
    kind = "override" if isinstance(entry, Override) else "dispute"
    if matched:
        message = f"the {kind} of {entry.account} matches {len(matched)} accounts: {', '.join(matched[:5])}"
        return Finding("SYN323", Severity.ERROR, message, entry.place, hint="Name the account by its CRM id.")
    return Finding("SYN322", Severity.WARNING, f"the {kind} of {entry.account} matches no account", entry.place)


def _doubled(key: str, entries: tuple[Override, ...], today: date) -> Iterator[Finding]:
    first: dict[str, Override] = {}
    for entry in entries:
        if not in_force(entry, today):
            continue
        earlier = first.setdefault(entry.role, entry)
        if earlier is not entry:
            message = f"two overrides are in force for {key} as {entry.role}; the other is at {earlier.place}"
            yield Finding("SYN324", Severity.ERROR, message, entry.place, hint=_REMOVE)
