"""How well a rep fits an account: skills, languages, industry and time zone, each match one point.

Compares what the pack says of a rep with the account's own fields; knows no loads and picks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from syncd.model.normalisation import text
from syncd.rules.deciding.frame import Frame
from syncd.rules.deciding.places import LANGUAGES, language_code, zone_of
from syncd.rules.facts import Facts
from syncd.rules.matching.working_hours import parse_hours
from syncd.rules.pack import RepEntry, Territory

SKILL_FIELDS = ("skills", "segment", "tier", "type", "lifecycle")
"""The account fields whose values a rep's `skills` are compared with; `skills` is a custom one, where there is one."""
LANGUAGE_FIELDS = ("languages", "language")
TIME_ZONE_FIELD = "time_zone"
_LABELS = ("skills", "skill")


def matches_of(frame: Frame, entry: RepEntry | None, territory: Territory, facts: Facts) -> tuple[str, ...]:
    """What of a rep fits an account in a territory, in words; a rep of whom nothing is said fits nothing."""
    if entry is None:
        return ()
    wanted = _skills(territory, facts)
    found = [skill for skill in dict.fromkeys(map(text, entry.skills)) if skill in wanted]
    spoken = dict.fromkeys(map(language_code, entry.languages))
    found += [language for language in spoken if language in _languages(facts)][:1]
    industries = {text(industry) for industry in entry.industries}
    found += [industry for industry in _texts(facts, ("industry",)) if industry in industries]
    zone = _zone_of_rep(entry)
    if zone is not None and _same_clock(frame, zone, facts):
        found.append(zone.key)
    return tuple(found)


def _skills(territory: Territory, facts: Facts) -> set[str]:
    labels = (territory.labels.get(label, "") for label in _LABELS)
    written = {text(part) for label in labels for part in label.split(",")}
    return (written | set(_texts(facts, SKILL_FIELDS))) - {""}


def _languages(facts: Facts) -> frozenset[str]:
    """The account's own languages where a field says so, else those of its country."""
    own = frozenset(language_code(each) for each in _texts(facts, LANGUAGE_FIELDS))
    country = facts.values.get("country")
    return own or frozenset(LANGUAGES.get(country, ()) if isinstance(country, str) else ())


def _texts(facts: Facts, names: Iterable[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        value = facts.values.get(name)
        if isinstance(value, frozenset):
            found += sorted(value)
        elif isinstance(value, str):
            found.append(value)
    return list(dict.fromkeys(found))


def _zone_of_rep(entry: RepEntry) -> ZoneInfo | None:
    hours = parse_hours(entry.hours) if entry.hours else None
    return hours.zone if hours is not None else None


def _same_clock(frame: Frame, zone: ZoneInfo, facts: Facts) -> bool:
    """Whether the clocks of the rep's zone and the account's show the same time now."""
    said, country, state = (facts.values.get(name) for name in (TIME_ZONE_FIELD, "country", "state"))
    name = _zone_named(said) if isinstance(said, str) else None
    if name is None:
        name = zone_of(country if isinstance(country, str) else None, state if isinstance(state, str) else None)
    if name is None:
        return False
    now = frame.context.now
    return now.astimezone(ZoneInfo(name)).utcoffset() == now.astimezone(zone).utcoffset()


def _zone_named(said: str) -> str | None:
    """A zone by its name in whatever case: texts of accounts are without case."""
    words = "/".join("_".join(part.title() for part in each.split("_")) for each in said.split("/"))
    for name in (said, words, said.upper()):
        try:
            return ZoneInfo(name).key
        except (ValueError, KeyError, OSError):  # no such zone, or a strange name
            continue
    return None
