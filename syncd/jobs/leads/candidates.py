"""Which companies some leads may belong to: found by domain and by the words of names, in one look at all accounts.

Only these are read as a book afterwards: routing a lead must not cost reading a hundred thousand accounts. Decides
nothing: it finds at least what rules/routing/account_match could match.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from syncd.model.normalisation.company_names import company_name_key
from syncd.model.refs import Ref, System
from syncd.rules.facts import Facts
from syncd.store import dossier
from syncd.store.leads import account_names

_SHORTEST_WORD = 3
_COMMONEST = 200
"""A word of more names than this finds nobody, as in account_match."""


def candidate_companies(
    conn: Connection, leads: Sequence[Facts], linked: Iterable[Ref], systems: Iterable[System]
) -> tuple[str, ...]:
    """The keys of the companies that these leads may belong to, sorted; `linked` are accounts that their CRM names."""
    domains = {domain for lead in leads if isinstance(domain := lead.values.get("domain"), str)}
    names = {company_name_key(name) for lead in leads if isinstance(name := lead.values.get("name"), str)}
    words = {word for name in names for word in name.split() if len(word) >= _SHORTEST_WORD}
    joined = {name.replace(" ", "") for name in names}
    found = set(linked)
    sharing: dict[str, dict[str, list[Ref]]] = defaultdict(lambda: defaultdict(list))
    for ref, name, host in account_names(conn, systems):
        if host is not None and _is_of(host, domains):
            found.add(ref)
        if name is not None and words:
            key = company_name_key(name)
            if key.replace(" ", "") in joined:
                found.add(ref)
            for word in words.intersection(key.split()):
                sharing[word][key].append(ref)
    for by_name in sharing.values():
        if len(by_name) <= _COMMONEST:
            found.update(ref for refs in by_name.values() for ref in refs)
    return tuple(sorted(set(dossier.company_keys(conn, sorted(found)).values())))


def _is_of(host: str, domains: set[str]) -> bool:
    """Whether a host is one of the domains, or lies below one."""
    while host:
        if host in domains:
            return True
        host = host.partition(".")[2]
    return False
