"""What watches over a pack's decisions: `guard` and `monitors`.

Reads the limits; what happens when one is reached is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from types import MappingProxyType

from syncd.errors import Place
from syncd.model.money import parse_money
from syncd.rules.nodes import Entry, Mapping, Node, Scalar, Sequence
from syncd.rules.pack import Guard, MonitorRule
from syncd.rules.reading import plain_values
from syncd.rules.reading.options import Options, described
from syncd.rules.reading.pack_reading import Reading
from syncd.rules.suggestion import did_you_mean

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
