"""What watches over a pack's decisions: `guard`, `monitors` and `quotas`.

Reads the limits; what happens when one is reached is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from types import MappingProxyType

from syncd.errors import Place
from syncd.model.money import MoneyTable, parse_money
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.pack import Guard, MonitorRule, Quota
from syncd.rules.reading import plain_values
from syncd.rules.reading.csv_reader import Row, Sheet
from syncd.rules.reading.options import Options, described
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.reading.suggestion import did_you_mean

GUARD_OPTIONS = (
    "changes",
    "money",
    "per_rep",
    "per_territory",
    "per_band",
    "per_owner_total",
    "windows",
    "api_calls",
)
MONITORS = (
    "AccountChurned",
    "RepLeft",
    "RepLeavingSoon",
    "AttainmentBelow",
    "AttainmentAbove",
    "TerritoryComposition",
    "Unassigned",
    "OwnerInactive",
    "UnworkedAccounts",
    "BookOverCapacity",
    "Imbalance",
    "OverrideExpiring",
    "DisputeOpen",
    "LeadUnrouted",
    "SlaBreached",
    "Drift",
    "OwnershipFlapping",
    "OwnerDisagreement",
    "DataQuality",
    "BaselineFindings",
    "SourceStale",
    "MirrorShrank",
    "JobFailing",
    "WritesFailing",
    "OutboxStuck",
    "QuotaHigh",
    "GuardTripped",
    "PackInvalid",
    "NotificationsFailing",
)
SEVERITIES = ("page", "ticket", "info")
QUOTA_COLUMNS = ("territory", "rep", "period", "quota", "currency")
_PERIOD = re.compile(r"\d{4}(?:-Q[1-4]|-(?:0[1-9]|1[0-2]))?\Z", re.ASCII)


def read_guard(entries: list[Entry], reading: Reading) -> Guard:
    """The limits of `guard`, merged from all files."""
    place = entries[0].key.place if entries else Place("", 1)
    options = Options(Mapping(tuple(entries), place), "`guard`", GUARD_OPTIONS, reading)
    node = options.node("changes")
    changes = Options(node, "`changes`", ("max", "share"), reading) if node is not None else None
    return Guard(
        changes_max=changes.whole("max") if changes else None,
        changes_share=changes.read("share", plain_values.share, "no share: write 5%") if changes else None,
        money=_money(options, reading),
        per_rep=options.whole("per_rep"),
        per_territory=options.whole("per_territory"),
        per_band=MappingProxyType(read_bands(options, "per_band", reading)),
        per_owner_total=options.whole("per_owner_total"),
        windows=options.each("windows", plain_values.window, "no window: write Mon-Thu 06:00-20:00"),
        api_calls=options.whole("api_calls"),
    )


def _money(options: Options, reading: Reading) -> Decimal | None:
    value = options.read("money", parse_money, "no amount of money: write 10M or 10M EUR")
    if value is None:
        return None
    converted = reading.money.convert(*value)
    if converted is None:
        message = f"there is no rate from {value[1]} to {reading.money.reporting}"
        reading.findings.error("SYN242", message, options.place_of("money"), "add the rate to the settings")
    return converted


def read_bands(options: Options, key: str, reading: Reading) -> dict[str, int]:
    """Limits by band: `{A: 10}`."""
    found: dict[str, int] = {}
    for band, value in options.entries(key):
        limit = plain_values.whole(value.text) if isinstance(value, Scalar) else None
        if limit is None or limit < 0:
            reading.findings.error("SYN242", f"the limit of band `{band.text}` is no whole number", value.place)
        else:
            found[band.text] = limit
            reading.refer("band", band.text, band.place)
    return found


def read_monitors(entries: Iterable[Entry], reading: Reading) -> tuple[MonitorRule, ...]:
    """The options of each monitor that the pack names, in the order written."""
    found: list[MonitorRule] = []
    for entry in entries:
        name = entry.key.text
        if name not in MONITORS:
            message = f"there is no monitor `{name[:60]}`"
            reading.findings.error("SYN240", message, entry.key.place, did_you_mean(name, MONITORS))
        elif isinstance(entry.value, Scalar):
            enabled = plain_values.flag(entry.value.text)
            if enabled is None:
                hint = "write true, false, or its options as a mapping"
                reading.findings.error("SYN242", f"`{name}` is neither on nor off", entry.value.place, hint)
            found.append(MonitorRule(name, entry.key.place, bool(enabled)))
        else:
            found.append(_monitor(entry, reading))
    return tuple(found)


def _monitor(entry: Entry, reading: Reading) -> MonitorRule:
    options = Options(entry.value, f"the monitor {entry.key.text}", (), reading, quiet=True)
    options.choice("severity", SEVERITIES)
    enabled = options.flag("enabled")
    condition = reading.condition(options.node("when"), reading.scope())
    left_out = reading.condition(options.node("except"), reading.scope())
    kept = (
        [each for each in entry.value if each.key.text not in ("enabled", "when", "except")]
        if isinstance(entry.value, Mapping)
        else []
    )
    texts = dict(pair for each in kept for pair in _flattened(each.key.text, each.value))
    return MonitorRule(
        entry.key.text, entry.key.place, enabled is not False, MappingProxyType(texts), condition, left_out
    )


def _flattened(name: str, node: Node) -> Iterator[tuple[str, str]]:
    if isinstance(node, Scalar):
        yield name, node.text
    elif isinstance(node, Sequence):
        yield name, ", ".join(item.text if isinstance(item, Scalar) else described(item) for item in node.items)
    else:
        for entry in node:
            yield from _flattened(f"{name}.{entry.key.text}", entry.value)


def read_quotas(items: Iterable[Node], reading: Reading) -> tuple[Quota, ...]:
    """Every row of the quota files. Two quotas for one territory or rep and period are an error (SYN206)."""
    found: dict[tuple[str, str], Quota] = {}
    for item in items:
        options = Options(item, "`quotas`", ("file",), reading)
        file = options.scalar("file") if options.require("file", "write quotas: {file: quotas.csv}") else None
        sheet = reading.sheet(file) if file is not None else None
        for quota in _quotas(sheet, options.place_of("file"), reading) if sheet is not None else ():
            key = (quota.territory or quota.rep or "", quota.period)
            first = found.setdefault(key, quota)
            if first is not quota:
                message = f"a second quota for {key[0]} in {key[1]}, first at {first.place}"
                reading.findings.error("SYN206", message, quota.place, "keep one")
    return tuple(found.values())


def _quotas(sheet: Sheet, place: Place, reading: Reading) -> Iterator[Quota]:
    for column in sheet.columns:
        if column not in QUOTA_COLUMNS:
            message = f"`{sheet.path}` has a column `{column}` that quotas do not have"
            reading.findings.error("SYN263", message, Place(sheet.path, 1), did_you_mean(column, QUOTA_COLUMNS))
    needed = ["period", "quota"]
    if sheet.column("territory") is None and sheet.column("rep") is None:
        needed.append("territory")
    if None in [sheet.require(column, place, reading.findings) for column in needed]:
        return
    for row in sheet.rows:
        quota = _quota(sheet, row, reading.money, reading)
        if quota is not None:
            yield quota


def _quota(sheet: Sheet, row: Row, money: MoneyTable, reading: Reading) -> Quota | None:
    cells = dict(zip(sheet.columns, row.cells, strict=True))
    territory, rep = cells.get("territory", ""), cells.get("rep", "")
    amount = parse_money(cells["quota"])
    before = reading.findings.error_count
    if bool(territory) == bool(rep):
        reading.findings.error("SYN242", "a quota is for a territory or a rep: fill one of the two", sheet.place(row))
    if rep and plain_values.email(rep) is None:
        reading.findings.error("SYN251", f"`{rep[:80]}` is no e-mail", sheet.place(row, sheet.column("rep") or 0))
    if _PERIOD.match(cells["period"]) is None:
        place = sheet.place(row, sheet.column("period") or 0)
        reading.findings.error(
            "SYN242", f"`{cells['period'][:40]}` is no period", place, "write 2026-Q4, 2026-11 or 2026"
        )
    if amount is None:
        place = sheet.place(row, sheet.column("quota") or 0)
        reading.findings.error(
            "SYN242", f"`{cells['quota'][:40]}` is no amount of money", place, "write 250000 or 250k"
        )
    if reading.findings.error_count > before or amount is None:
        return None
    if territory:
        reading.refer("territory", territory, sheet.place(row, sheet.column("territory") or 0))
    currency = cells.get("currency") or amount[1] or money.reporting
    return Quota(territory or None, rep.lower() or None, cells["period"], amount[0], currency.upper(), sheet.place(row))
