"""A case as the YAML of a pack's `tests:`. Pure; whether the case passes is not known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.clock import iso
from syncd.rules.formatting.yaml_text import entry, scalar
from syncd.rules.pack import Case


def case_text(case: Case, remarks: Sequence[str] = (), indent: int = 2) -> str:
    """The case as an item of a list, each remark a comment above it; ends with a newline."""
    space = " " * indent
    lines = [f"{space}# {' '.join(remark.split())}" for remark in remarks]
    lines.append(f"{space}- name: {scalar(case.name)}")
    if case.now is not None:
        lines.append(f"{space}  now: {iso(case.now)}")
    lines += [f"{space}  account:", *(_value(name, value, indent + 4) for name, value in (case.account or {}).items())]
    for key, values in (("parent", case.parent), ("ledger", case.ledger), ("salesforce", case.salesforce)):
        lines += entry(key, _plain(values), indent + 2) if values else []
    lines += entry("hubspot", _plain(case.hubspot), indent + 2) if case.hubspot else []
    if case.opportunities:
        lines += entry("opportunities", [dict(each) for each in case.opportunities], indent + 2)
    expect = {key: values[0] if len(values) == 1 else list(values) for key, values in case.expect.items()}
    return "\n".join([*lines, *entry("expect", expect, indent + 2)]) + "\n"


def _value(name: str, value: str | tuple[str, ...], indent: int) -> str:
    return entry(name, value, indent)[0] if isinstance(value, str) else "\n".join(entry(name, list(value), indent))


def _plain(values: Mapping[str, str | tuple[str, ...]]) -> dict[str, str | list[str]]:
    return {name: value if isinstance(value, str) else list(value) for name, value in values.items()}
