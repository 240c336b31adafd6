"""States and provinces: ISO 3166-2 codes (`US-CA`) from codes and names within a country. Never a guess."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType

from syncd.model.normalisation.countries import place_key
from syncd.model.normalisation.published_lists import subdivisions

_FULL_CODE = re.compile(r"[A-Za-z]{2}-[A-Za-z0-9]{1,3}")
_ALIASES = {
    "AT": "1 burgenland|2 carinthia|3 lower austria|4 upper austria|6 styria|7 tyrol|9 vienna",
    "BE": "BRU brussels|BRU bruxelles|BRU brussel|VLG flanders|VLG vlaanderen|WAL wallonia|WAL wallonie",
    "CA": "NL nf|NL newfoundland|QC pq|NL nfld|ON ont|PE pei|YT yukon territory|YT yk",
    "CH": "GE geneva|ZH zurich|BE bern|LU lucerne|SG st gallen",
    "DE": "BY bavaria|HE hesse|NI lower saxony|NW north rhine westphalia|NW nrw|RP rhineland palatinate|SN saxony"
    "|ST saxony anhalt|TH thuringia|MV mecklenburg western pomerania|BE be berlin|BW baden wuerttemberg|TH thueringen",
    "ES": "AN andalusia|CT catalonia|CT cataluna|MD community of madrid|PV basque country|PV euskadi"
    "|IB balearic islands|NC navarre|CN canary islands|AR aragon|CL castile and leon|VC valencian community"
    "|VC comunitat valenciana",
    "GB": "ENG england|SCT scotland|WLS wales|NIR northern ireland|LND city of london",
    "IN": "OD or|OD orissa|TS tg|TS telengana|UK ut|UK uttaranchal|CG ct|PY pondicherry|DL new delhi|DL nct of delhi",
    "IT": "FC fo|PU ps|25 lombardy|21 piedmont|52 tuscany|82 sicily|88 sardinia|23 aosta valley|62 latium",
    "MX": "CMX df|CMX cdmx|CMX mexico city|CMX distrito federal|NLE nl|JAL ja|MEX em|CHH ci|CHH cu|GUA gj|GUA gto"
    "|SIN si|ROO qr|MIC mh|MIC michoacan|BCN bj|COA coahuila|VER veracruz|MEX estado de mexico|MEX state of mexico",
    "NL": "NH north holland|ZH south holland|NB north brabant|FR friesland",
    "US": "DC washington dc|DC washington d c|DC d c|VI us virgin islands|VI virgin islands|MA mass|CA calif|PA penn",
}


@lru_cache(maxsize=65536)
def state(raw: str, country: str | None) -> str | None:
    """The ISO 3166-2 code of a state within a country (alpha-2), or of a full code; None where it cannot be read."""
    stripped = raw.strip()
    if _FULL_CODE.fullmatch(stripped) and stripped.upper() in _codes():
        return stripped.upper()
    return None if country is None else _states(country).get(place_key(raw))


def state_names(country: str) -> tuple[str, ...]:
    """Every spelling that is understood within a country, for "did you mean"."""
    return tuple(_states(country))


@cache
def _codes() -> frozenset[str]:
    return frozenset(part.code for parts in subdivisions().values() for part in parts)


@cache
def _states(country: str) -> Mapping[str, str]:
    """Code by spelling in a country: codes first, then aliases, then full names, then names that are parts of one."""
    codes: dict[str, str] = {}
    names: dict[str, set[str]] = defaultdict(set)
    parts: dict[str, set[str]] = defaultdict(set)
    parents: dict[str, str] = {}
    for entry in subdivisions().get(country, ()):
        codes[place_key(entry.code.partition("-")[2])] = entry.code
        names[place_key(entry.name)].add(entry.code)
        for part in _spellings(entry.name):
            parts[place_key(part)].add(entry.code)
        if entry.parent:
            parents[entry.code] = entry.parent
    for alias in _ALIASES[country].split("|") if country in _ALIASES else ():
        code, _, spelling = alias.partition(" ")
        codes.setdefault(place_key(spelling), f"{country}-{code}")
    for spellings in (names, parts):
        for name, candidates in spellings.items():
            only = _only(candidates, parents)
            if only and name:
                codes.setdefault(name, only)
    return MappingProxyType(codes)


def _spellings(name: str) -> Iterator[str]:
    """Other ways to write an ISO name: without its bracket, turned at the comma, either side of a slash."""
    plain, bracket, rest = name.partition(" [")
    plain = plain.partition(" (")[0]
    first, comma, last = plain.partition(", ")
    yield plain
    if bracket:
        yield re.sub(r" [A-Z]{2}-[A-Z]{3}$", "", rest.rstrip("]"))
    if comma:
        yield f"{last} {first}"
        yield first
    yield from plain.split(" / ")


def _only(codes: set[str], parents: Mapping[str, str]) -> str | None:
    """The one code, or the one whose part all others are; None if several remain."""
    top = {code for code in codes if parents.get(code) not in codes}
    return top.pop() if len(top) == 1 else None
