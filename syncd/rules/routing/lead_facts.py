"""A lead as rules see it: its raw values, normalised once, under the names of the account that it would become.

The company's name is `name`, and a missing domain is that of the e-mail; a person's own name decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from syncd.model.decisions import Owner
from syncd.model.normalisation import domain
from syncd.rules.derivation import Derivation
from syncd.rules.deriving.field_values import RawValue
from syncd.rules.facts import Facts, Seen, Value

_AS_ACCOUNT = {"company": "name"}
_OF_THE_PERSON = frozenset({"name", "score"})
"""Fields that mean something else on an account, and are left out."""


def lead_from_raw(key: str, raw: Mapping[str, RawValue], derivation: Derivation) -> Facts:
    """The facts of a lead from raw texts by field name; unknown names are left out, what cannot be read is remarked."""
    reader, fields = derivation.reader(), derivation.catalogue.lead
    values: dict[str, Value] = {}
    seen: dict[str, Seen] = {}
    remarks: list[str] = []
    country = None
    for name in sorted(raw, key=lambda each: (each != "country", each)):
        if name not in fields or name in _OF_THE_PERSON:
            continue
        value, problem = reader.read(fields[name], raw[name], country)
        if problem is not None:
            remarks.append(f"{name}: {problem}")
        if value is None:
            continue
        shown = raw[name]
        values[_AS_ACCOUNT.get(name, name)] = value
        seen[_AS_ACCOUNT.get(name, name)] = Seen(None, shown if isinstance(shown, str) else "; ".join(shown))
        country = value if name == "country" and isinstance(value, str) else country
    address = values.get("email")
    if "domain" not in values and isinstance(address, str):
        own = domain(address, derivation.shared_domains)
        if own is not None:
            values["domain"] = own
            seen["domain"] = Seen(None, address)
    owner = values.get("owner")
    return Facts(
        key=key,
        accounts=(key,),
        values=MappingProxyType(values),
        seen=MappingProxyType(seen),
        current_owner=Owner(owner) if isinstance(owner, str) else None,
        owner_active=isinstance(owner, str),
        findings=tuple(sorted(remarks)),
    )
