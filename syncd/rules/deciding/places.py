"""Which languages business is done in, and which clocks run, by country and state: what `fit` compares reps with.

Facts of the world, chosen for sales, not complete: a country that is not here matches no language and no time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_WRITTEN = """
AE ar en Asia/Dubai|AR es America/Argentina/Buenos_Aires|AT de Europe/Vienna|AU en Australia/Sydney
BE nl fr de Europe/Brussels|BG bg Europe/Sofia|BR pt America/Sao_Paulo|CA en fr America/Toronto
CH de fr it Europe/Zurich|CL es America/Santiago|CN zh Asia/Shanghai|CO es America/Bogota|CR es America/Costa_Rica
CY el en Asia/Nicosia|CZ cs Europe/Prague|DE de Europe/Berlin|DK da Europe/Copenhagen|EC es America/Guayaquil
EE et Europe/Tallinn|EG ar Africa/Cairo|ES es Europe/Madrid|FI fi sv Europe/Helsinki|FR fr Europe/Paris
GB en Europe/London|GR el Europe/Athens|HK zh en Asia/Hong_Kong|HR hr Europe/Zagreb|HU hu Europe/Budapest
ID id Asia/Jakarta|IE en Europe/Dublin|IL he en Asia/Jerusalem|IN en hi Asia/Kolkata|IS is Atlantic/Reykjavik
IT it Europe/Rome|JP ja Asia/Tokyo|KE en sw Africa/Nairobi|KR ko Asia/Seoul|LI de Europe/Vaduz
LT lt Europe/Vilnius|LU fr de lb Europe/Luxembourg|LV lv Europe/Riga|MA ar fr Africa/Casablanca
MT mt en Europe/Malta|MX es America/Mexico_City|MY ms en Asia/Kuala_Lumpur|NG en Africa/Lagos
NL nl Europe/Amsterdam|NO no Europe/Oslo|NZ en Pacific/Auckland|PE es America/Lima|PH en tl Asia/Manila
PL pl Europe/Warsaw|PT pt Europe/Lisbon|QA ar en Asia/Qatar|RO ro Europe/Bucharest|RS sr Europe/Belgrade
SA ar en Asia/Riyadh|SE sv Europe/Stockholm|SG en zh Asia/Singapore|SI sl Europe/Ljubljana|SK sk Europe/Bratislava
TH th Asia/Bangkok|TR tr Europe/Istanbul|TW zh Asia/Taipei|UA uk Europe/Kyiv|US en America/New_York
UY es America/Montevideo|VN vi Asia/Ho_Chi_Minh|ZA en af Africa/Johannesburg
"""
_STATES = """
America/Chicago: US-AL US-AR US-IA US-IL US-KS US-LA US-MN US-MO US-MS US-ND US-NE US-OK US-SD US-TN US-TX US-WI CA-MB
America/Denver: US-CO US-MT US-NM US-UT US-WY US-ID CA-AB
America/Phoenix: US-AZ
America/Los_Angeles: US-CA US-NV US-OR US-WA CA-BC
America/Anchorage: US-AK
Pacific/Honolulu: US-HI
America/Regina: CA-SK
America/Halifax: CA-NB CA-NS CA-PE
America/St_Johns: CA-NL
Australia/Brisbane: AU-QLD
Australia/Adelaide: AU-SA
Australia/Darwin: AU-NT
Australia/Perth: AU-WA
"""

_ROWS = [entry.split() for line in _WRITTEN.split("\n") for entry in line.split("|") if entry]
LANGUAGES: Mapping[str, tuple[str, ...]] = MappingProxyType({row[0]: tuple(row[1:-1]) for row in _ROWS})
"""The languages of a country, as two letters, by its two letters."""
_COUNTRY_ZONES: Mapping[str, str] = MappingProxyType({row[0]: row[-1] for row in _ROWS})
_STATE_ZONES: Mapping[str, str] = MappingProxyType(
    {
        state: zone
        for line in _STATES.split("\n")
        if line
        for zone, _, states in [line.partition(": ")]
        for state in states.split()
    }
)
_NAMES = """
arabic=ar chinese=zh mandarin=zh czech=cs danish=da dutch=nl english=en finnish=fi french=fr german=de deutsch=de
greek=el hebrew=he hungarian=hu italian=it japanese=ja korean=ko norwegian=no polish=pl portuguese=pt romanian=ro
russian=ru spanish=es swedish=sv turkish=tr ukrainian=uk
"""
_LANGUAGE_NAMES: Mapping[str, str] = MappingProxyType(
    {name: code for name, _, code in (pair.partition("=") for pair in _NAMES.split())}
)


def zone_of(country: str | None, state: str | None) -> str | None:
    """The time zone in which most business of a state, else of a country, is done; None where it is not known."""
    return _STATE_ZONES.get(state or "") or _COUNTRY_ZONES.get(country or "")


def language_code(word: str) -> str:
    """A language as two letters, from `de`, `de-AT` or `German`; a word that is not known stays as it is."""
    plain = word.strip().casefold()
    return _LANGUAGE_NAMES.get(plain, plain.replace("_", "-").partition("-")[0])
