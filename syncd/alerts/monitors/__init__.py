"""The monitors there are, one file each. A new one is a file and a line here."""

from __future__ import annotations

from syncd.alerts.monitors.account_churned import AccountChurned
from syncd.alerts.monitors.attainment_below import AttainmentBelow
from syncd.alerts.monitors.pack_invalid import PackInvalid
from syncd.alerts.monitors.rep_left import RepLeft
from syncd.alerts.monitors.source_stale import SourceStale
from syncd.alerts.view import Monitor

MONITORS: tuple[Monitor, ...] = (SourceStale(), AccountChurned(), RepLeft(), AttainmentBelow(), PackInvalid())
"""In the order they are evaluated; PackInvalid comes last, for it tells of the rules that the others could not read."""
