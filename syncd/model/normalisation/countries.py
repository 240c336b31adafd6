"""Countries: ISO 3166-1 alpha-2 from names, official names, codes and common aliases. Never a guess."""

from __future__ import annotations

from functools import cache, lru_cache

from syncd.model.normalisation.published_lists import countries
from syncd.model.normalisation.texts import text, without_accents

_ALIASES = {
    "AE": "uae|u a e|emirates|vae",
    "AT": "osterreich|oesterreich|autriche",
    "BA": "bosnia|bosnia herzegovina|bosnia and herzegowina",
    "BE": "belgie|belgique|belgien",
    "BN": "brunei",
    "BR": "brasil|brasilien",
    "CD": "dr congo|drc|democratic republic of congo|congo kinshasa",
    "CG": "republic of congo|congo brazzaville",
    "CH": "schweiz|suisse|svizzera|svizra",
    "CI": "ivory coast|cote divoire",
    "CN": "prc|mainland china|pr china|p r china",
    "CV": "cape verde",
    "CZ": "czech republic|cesko|ceska republika|tschechien",
    "DE": "deutschland|allemagne|bundesrepublik deutschland|germany federal republic of",
    "DK": "danmark|danemark",
    "ES": "espana|spanien|espagne",
    "FI": "suomi|finnland",
    "FK": "falkland islands|falklands",
    "FM": "micronesia",
    "FR": "frankreich|republique francaise",
    "GB": "uk|u k|great britain|britain|gb uk|england|scotland|wales|northern ireland|grossbritannien"
    "|vereinigtes konigreich|united kingdom of great britain",
    "GR": "el|hellas|griechenland",
    "HK": "hong kong sar|hongkong|hong kong sar china",
    "HR": "hrvatska|kroatien",
    "HU": "magyarorszag|ungarn",
    "IE": "republic of ireland|eire|irland",
    "IR": "iran",
    "IT": "italia|italien|italie",
    "JP": "nippon|nihon",
    "KP": "north korea|dprk",
    "KR": "south korea|republic of korea|korea south|korea republic",
    "LA": "laos",
    "LU": "luxemburg",
    "LY": "libya",
    "MD": "moldova",
    "MK": "macedonia|fyrom",
    "MM": "burma",
    "MO": "macau|macau sar|macao sar|macao sar china",
    "MX": "mejico|mexiko",
    "NL": "holland|nederland|niederlande|pays bas|netherlands the",
    "NO": "norge|norwegen",
    "PL": "polska|polen",
    "PS": "palestine",
    "PT": "portuguesa",
    "RO": "rumanien",
    "RU": "russia",
    "SE": "sverige|schweden",
    "SK": "slowakei|slovensko|slovak republic",
    "SI": "slovenija|slowenien",
    "ST": "sao tome",
    "SY": "syria",
    "SZ": "swaziland",
    "TL": "east timor",
    "TR": "turkey|turkei",
    "TW": "taiwan|republic of china|taiwan roc",
    "TZ": "tanzania",
    "UA": "ukraina",
    "US": "u s|u s a|us of a|united states america|estados unidos|etats unis|vereinigte staaten"
    "|vereinigte staaten von amerika|usa united states of america",
    "VA": "vatican|vatican city",
    "VE": "venezuela",
    "VG": "british virgin islands|virgin islands british|bvi",
    "VI": "us virgin islands|virgin islands us",
    "VN": "vietnam",
}


def place_key(raw: str) -> str:
    """A name of a country or state without case, accents, dots, commas, brackets and articles; St is saint."""
    plain = without_accents(text(raw))
    if not plain.isalnum():
        plain = plain.replace("&", " and ").replace("'", "").replace("’", "")
        plain = " ".join("".join(" " if char in ".,()[]/-" else char for char in plain).split())
        plain = plain.removeprefix("the ").removesuffix(" the")
        plain = f"saint {plain[3:]}" if plain.startswith("st ") else plain
    return plain


@lru_cache(maxsize=16384)
def country(raw: str) -> str | None:
    """The alpha-2 code of a country; None where the text names none."""
    return _names().get(place_key(raw))


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for entry in countries():
        name = entry["name"]
        official = entry.get("official_name", name)
        spoken = (name, official, entry.get("common_name", name), _turned(name), _turned(official))
        for spelling in (entry["alpha_2"], entry["alpha_3"], *spoken):
            names.setdefault(place_key(spelling), entry["alpha_2"])
    for code, aliases in _ALIASES.items():
        for alias in aliases.split("|"):
            names.setdefault(place_key(alias), code)
    return names


def _turned(name: str) -> str:
    """`Korea, Republic of` as people write it."""
    first, comma, rest = name.partition(", ")
    return f"{rest} {first}" if comma else name


def country_names() -> tuple[str, ...]:
    """Every spelling that is understood, for "did you mean"."""
    return tuple(_names())


@cache
def country_codes() -> frozenset[str]:
    """Every alpha-2 code."""
    return frozenset(_names().values())
