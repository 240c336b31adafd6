"""Looks: records read after a write, again where they show nothing of it: a replica may lag. Writes nothing.

A write that is done moves a record's stamp, and so does whoever changes it back. A record with the value and the stamp
of the compare may be an old picture (reliability.md, F24): the sender and the start after a death look alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.connectors.port import Reading
from syncd.model.plans import OutboxRow
from syncd.model.refs import Ref
from syncd.planning.writing.compare import Standing, compare
from syncd.planning.writing.doubt import is_old_picture
from syncd.planning.writing.line import Line

LOST_WAIT = 5.0
"""Seconds before a row whose answer was lost is read: the call may still be on its way, or the server at it."""
MOST_LOOKS = 4
"""How often a record is read that shows nothing of a write which was accepted, or whose answer was lost: some 20 s."""


def readings_after(line: Line, rows: Sequence[OutboxRow]) -> Mapping[Ref, Reading]:
    """The records of some rows of one system and kind as they are after their writes. Raises CrmError.

    One that has the value of before is read again; while it has the stamp of the compare too, or an older one, up to
    `MOST_LOOKS` times in all.
    """
    if not rows:
        return {}
    system, kind = rows[0].ref.system, rows[0].ref.kind
    readings = dict(line.read(system, kind, rows))
    doubtful = [row for row in rows if _shows_nothing(row, readings.get(row.ref))]
    for look in range(1, MOST_LOOKS):
        if not doubtful:
            break
        line.back_off(look)
        readings.update(line.read(system, kind, doubtful))
        old = (row for row in doubtful if is_old_picture(row, readings.get(row.ref)))
        doubtful = [row for row in old if _shows_nothing(row, readings.get(row.ref))]
    return readings


def _shows_nothing(row: OutboxRow, reading: Reading | None) -> bool:
    """Whether a record shows nothing of the write: worth a second look."""
    return compare(row, reading).standing is Standing.AS_PLANNED
