"""What a sweep reads of one kind: the ids of all live records, or the records whole where ids would not be enough.

Formulas, roll-ups, calculated properties and associations change without stamping their record, so no increment sees
it (reliability.md T40). A kind with such fields is read whole by the sweep, which costs the same number of calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from syncd.jobs.context import Context
from syncd.jobs.pulling.reading import SystemPull
from syncd.model.cursors import Window
from syncd.model.refs import Kind, System
from syncd.store import mirror

_AHEAD: Final = timedelta(days=1)
"""The walk ends after every stamp there can be: what is edited during it must not look as if it were gone."""


def live_ids(
    context: Context, system: System, kind: Kind, server_now: datetime, run_id: str, result: SystemPull
) -> Iterator[tuple[str, ...]]:
    """The ids of all live records in batches; what was read on the way is stored, and moves no cursor."""
    reader = context.reader(system)
    if not reader.unstamped().get(kind):
        yield from reader.ids(kind)
        return
    for page in reader.changes(kind, Window(None, server_now + _AHEAD)):
        with context.store.write() as conn:
            stored = mirror.record_reading(conn, page.records, now=context.clock.now(), run_id=run_id)
        result.changed += stored.changed
        result.owner_changes += stored.owner_changes
        yield tuple(record.ref.id for record in page.records if not record.deleted)
