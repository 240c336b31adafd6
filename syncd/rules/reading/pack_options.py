"""The section `pack`: its name, zone, defaults, and what of its decisions is managed and written.

Read before everything else, because zone and default country decide how the rest is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from syncd.errors import Place
from syncd.model import normalisation
from syncd.rules.nodes import Mapping, Scalar
from syncd.rules.pack import UTC_ZONE, WORKING_HOURS, Cascade, Duration
from syncd.rules.reading import plain_values
from syncd.rules.reading.options import Options
from syncd.rules.reading.pack_reading import Reading

_NO_EFFECT = "SYN299"

PACK_OPTIONS = (
    "name",
    "time_zone",
    "fiscal_year_start",
    "defaults",
    "manage",
    "cascade",
    "respect_people_for",
    "plan_at",
    "working_hours",
    "write",
)
CASCADE_OPTIONS = ("open_opportunities", "contacts", "open_tasks", "leads")
CASCADE_WORDS = ("follow", "follow-all", "stay")


@dataclass(frozen=True, slots=True)
class PackOptions:
    """What `pack:` says, and what holds where it says nothing."""

    name: str
    zone: ZoneInfo = UTC_ZONE
    fiscal_year_start: int = 1
    default_country: str | None = None
    fill_missing_country: bool = False
    manage: tuple[str, ...] | None = None
    manage_from: date | None = None
    cascade: Cascade = field(default_factory=Cascade)
    respect_people_for: Duration | None = None
    plan_at: tuple[str, ...] = ()
    working_hours: tuple[str, ...] = WORKING_HOURS
    write: tuple[str, ...] = ()


def read_pack_options(node: Mapping | None, folder: str, reading: Reading) -> PackOptions:
    """The options of the pack; its name is the folder's where it gives none. Sets the reading's zone and country."""
    options = Options(node or Mapping((), Place("", 1)), "`pack`", PACK_OPTIONS, reading)
    zone = options.read("time_zone", plain_values.zone, "no time zone: write a name such as Europe/Berlin")
    reading.zone = zone or UTC_ZONE
    country, fill = _defaults(options, reading)
    reading.default_country = country
    manage, manage_from = _manage(options, reading)
    return PackOptions(
        name=(options.name() if "name" in options else None) or folder,
        zone=reading.zone,
        fiscal_year_start=options.whole("fiscal_year_start", least=1, most=12) or 1,
        default_country=country,
        fill_missing_country=fill,
        manage=manage,
        manage_from=manage_from,
        cascade=_cascade(options, reading),
        respect_people_for=options.span("respect_people_for"),
        plan_at=options.each("plan_at", plain_values.plan_time, "no time to plan at: write Mon-Fri 10:00"),
        working_hours=options.each("working_hours", plain_values.window, "no hours: write Mon-Fri 08:00-18:00")
        or WORKING_HOURS,
        write=_written(options, reading),
    )


def _defaults(options: Options, reading: Reading) -> tuple[str | None, bool]:
    node = options.node("defaults")
    if node is None:
        return None, False
    defaults = Options(node, "`defaults`", ("country", "fill_missing_country"), reading)
    country = defaults.read("country", normalisation.country, "no country: write US or Germany")
    fill = defaults.flag("fill_missing_country") or False
    if fill and "country" not in defaults:
        defaults.require("country", "`fill_missing_country` needs to know which: add `country: US`")
    return country, fill


def _manage(options: Options, reading: Reading) -> tuple[tuple[str, ...] | None, date | None]:
    node = options.node("manage")
    if node is None:
        return None, None
    manage = Options(node, "`manage`", ("territories", "from"), reading)
    territories = manage.scalars("territories")
    for territory in territories:
        reading.refer("territory", territory.text, territory.place)
    names = tuple(territory.text for territory in territories)
    return (names if "territories" in manage else None), manage.day("from")


def _cascade(options: Options, reading: Reading) -> Cascade:
    node = options.node("cascade")
    if node is None:
        return Cascade()
    cascade = Options(node, "`cascade`", CASCADE_OPTIONS, reading)
    default = Cascade()
    word = cascade.node("leads")
    if isinstance(word, Scalar) and word.text in CASCADE_WORDS and word.text != "stay":
        reading.findings.note(_NO_EFFECT, "leads do not follow an account: they are routed, and stay", word.place)
    return Cascade(
        open_opportunities=cascade.choice("open_opportunities", CASCADE_WORDS) or default.open_opportunities,
        contacts=cascade.choice("contacts", CASCADE_WORDS) or default.contacts,
        open_tasks=cascade.choice("open_tasks", CASCADE_WORDS) or default.open_tasks,
        leads=cascade.choice("leads", CASCADE_WORDS) or default.leads,
    )


def _written(options: Options, reading: Reading) -> tuple[str, ...]:
    words = ("territory", "band", "score", "lifecycle")
    for item in options.scalars("write"):
        if item.text not in words:
            message = f"`{item.text[:60]}` is nothing that can be written: {', '.join(words)} can"
            reading.findings.error("SYN242", message, item.place)
    return options.texts("write")
