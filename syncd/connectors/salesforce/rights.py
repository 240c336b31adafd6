"""What the integration user must be allowed to do in Salesforce, and how many rows it is shown of all there are.

Told by describe, which answers for the user who asks, and by the organization's record counts, which do not depend on
sharing (salesforce.md 8.8). Nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from syncd.connectors.port import Right, RowCount
from syncd.connectors.salesforce.client import SalesforceClient, bad_answer
from syncd.connectors.salesforce.mapping import Columns
from syncd.connectors.salesforce.schema import Descriptions
from syncd.connectors.wire import HttpResponse
from syncd.errors import AuthError, SchemaError
from syncd.model.refs import Kind

_OWNED: Final = frozenset({Kind.ACCOUNT, Kind.OPPORTUNITY, Kind.LEAD, Kind.CONTACT})


def rights_of(descriptions: Descriptions, kinds: Iterable[Columns]) -> tuple[Right, ...]:
    """To read each mapped object, and to write its owner."""
    return tuple(right for columns in kinds for right in _rights(descriptions, columns))


def _rights(descriptions: Descriptions, columns: Columns) -> Iterator[Right]:
    name = columns.object
    try:
        described = descriptions.of(name)
    except SchemaError:
        yield Right(f"{name}: Read", f"to read {name}", granted=False)
        return
    yield Right(f"{name}: Read", f"to read {name}", granted=described.get("queryable") is not False)
    if columns.kind in _OWNED:
        owner: Mapping[str, Any] = next(
            (field for field in described["fields"] if str(field.get("name")).lower() == "ownerid"), {}
        )
        granted = described.get("updateable") is not False and owner.get("updateable") is not False
        yield Right(f"{name}: Edit, OwnerId: Edit", f"to write owners of {name}", granted, writing=True)


def unstamped(descriptions: Descriptions, columns: Columns) -> tuple[str, ...]:
    """The rule fields that are formulas, roll-ups or another record's: their change stamps nothing."""
    described = descriptions.of(columns.object)
    calculated = {str(each.get("name")).lower() for each in described["fields"] if each.get("calculated")}
    return tuple(rule for rule, name in columns.fields.items() if "." in name or name.lower() in calculated)


def row_count(client: SalesforceClient, columns: Columns) -> RowCount:
    """The rows that our user's sharing shows, and all that the organization has where we may know that."""
    seen = client.count(f"SELECT COUNT() FROM {columns.object}")
    try:
        total = client.request("GET", f"limits/recordCount?sObjects={quote(columns.object)}", check=_total)
    except (AuthError, SchemaError):
        total = None  # telling it takes the permission View Setup and Configuration
    return RowCount(seen, total)


def _total(answer: HttpResponse) -> int | None:
    try:
        counts = [each["count"] for each in json.loads(answer.body)["sObjects"]]
    except (ValueError, LookupError, TypeError):
        raise bad_answer("the record counts cannot be read") from None
    return counts[0] if len(counts) == 1 and isinstance(counts[0], int) else None
