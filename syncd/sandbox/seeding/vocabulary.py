"""Words for made-up data: places, industries, names of companies and people, and the ways CRM users spell them.

Tables only. The shares are rough and chosen so that every kind of dirt a real book holds turns up in a demo of some
hundred companies; knows nothing of records or systems.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class City:
    """A city with its state (code and name, empty where addresses carry none) and a pattern of postal codes.

    In `postal` a `#` stands for a digit and an `@` for a capital letter.
    """

    name: str
    postal: str
    state: str = ""
    state_name: str = ""


@dataclass(frozen=True, slots=True)
class Country:
    """A country as CRMs hold it: `spellings` from the commonest to the rarest, `weight` its share of companies."""

    code: str
    weight: float
    region: str
    tld: str
    dialling: str
    spellings: tuple[str, ...]
    cities: tuple[City, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_COUNTRIES = """
US|38|amer|com|+1|United States/USA/US/U.S./United States of America/usa/U.S.A.
GB|9|emea|co.uk|+44|United Kingdom/UK/GB/Great Britain/England/uk
DE|9|emea|de|+49|Germany/Deutschland/DE/GERMANY/DEU/germany
FR|6|emea|fr|+33|France/FR/FRANCE/FRA
CA|5|amer|ca|+1|Canada/CA/CAN/canada
NL|4|emea|nl|+31|Netherlands/The Netherlands/NL/Holland/NLD
AT|2|emea|at|+43|Austria/AT/Österreich/AUT
CH|3|emea|ch|+41|Switzerland/CH/Schweiz/Suisse/CHE
ES|3|emea|es|+34|Spain/ES/España/SPAIN
IT|3|emea|it|+39|Italy/IT/Italia/ITA
SE|2|emea|se|+46|Sweden/SE/Sverige
DK|1|emea|dk|+45|Denmark/DK/Danmark
NO|1|emea|no|+47|Norway/NO/Norge
PL|1|emea|pl|+48|Poland/PL/Polska
IE|1|emea|ie|+353|Ireland/IE/Republic of Ireland
AU|3|apac|com.au|+61|Australia/AU/AUS
JP|3|apac|co.jp|+81|Japan/JP/JPN
IN|3|apac|in|+91|India/IN/IND
SG|1|apac|com.sg|+65|Singapore/SG/SGP
BR|2|amer|com.br|+55|Brazil/BR/Brasil
MX|1|amer|com.mx|+52|Mexico/MX/México
"""
"""Code, share, region, top-level domain, dialling code, spellings from the commonest to the rarest."""
_CITIES = """
US|San Francisco|941##|CA|California
US|Los Angeles|900##|CA|California
US|San Jose|951##|CA|California
US|San Diego|921##|CA|California
US|New York|100##|NY|New York
US|Brooklyn|112##|NY|New York
US|Austin|787##|TX|Texas
US|Dallas|752##|TX|Texas
US|Houston|770##|TX|Texas
US|Boston|021##|MA|Massachusetts
US|Cambridge|0213#|MA|Massachusetts
US|Worcester|0160#|MA|Massachusetts
US|Newark|071##|NJ|New Jersey
US|Princeton|0854#|NJ|New Jersey
US|Hartford|061##|CT|Connecticut
US|Providence|029##|RI|Rhode Island
US|Portland|041##|ME|Maine
US|Chicago|606##|IL|Illinois
US|Seattle|981##|WA|Washington
US|Portland|972##|OR|Oregon
US|Denver|802##|CO|Colorado
US|Miami|331##|FL|Florida
US|Tampa|336##|FL|Florida
US|Atlanta|303##|GA|Georgia
US|Philadelphia|191##|PA|Pennsylvania
US|Pittsburgh|152##|PA|Pennsylvania
US|Columbus|432##|OH|Ohio
US|Detroit|482##|MI|Michigan
US|Minneapolis|554##|MN|Minnesota
US|Charlotte|282##|NC|North Carolina
US|Arlington|222##|VA|Virginia
US|Phoenix|850##|AZ|Arizona
US|Las Vegas|891##|NV|Nevada
US|Salt Lake City|841##|UT|Utah
US|San Juan|009##|PR|Puerto Rico
GB|London|EC#A #@@
GB|Manchester|M# #@@
GB|Leeds|LS# #@@
GB|Bristol|BS# #@@
DE|Berlin|10###|BE|Berlin
DE|Hamburg|20###|HH|Hamburg
DE|Muenchen|80###|BY|Bayern
DE|Frankfurt am Main|60###|HE|Hessen
DE|Leipzig|04###|SN|Sachsen
DE|Köln|50###|NW|Nordrhein-Westfalen
FR|Paris|750##
FR|Lyon|690##
FR|Nice|060##
FR|Lille|590##
CA|Toronto|M#@ #@#|ON|Ontario
CA|Vancouver|V#@ #@#|BC|British Columbia
CA|Montréal|H#@ #@#|QC|Quebec
CA|Calgary|T#@ #@#|AB|Alberta
NL|Amsterdam|10## @@
NL|Rotterdam|30## @@
NL|Utrecht|35## @@
AT|Wien|10#0
AT|Graz|80##
AT|Linz|40##
CH|Zürich|80##|ZH|Zürich
CH|Genève|12##|GE|Genève
CH|Basel|40##|BS|Basel-Stadt
ES|Madrid|280##
ES|Barcelona|080##
IT|Milano|201##
IT|Roma|001##
SE|Stockholm|11# ##
SE|Göteborg|41# ##
DK|København|21##
DK|Aarhus|80##
NO|Oslo|01##
NO|Bergen|50##
PL|Warszawa|00-###
PL|Kraków|30-###
IE|Dublin|D0# @##@
IE|Cork|T12 @##@
AU|Sydney|2###|NSW|New South Wales
AU|Melbourne|3###|VIC|Victoria
AU|Darwin|08##|NT|Northern Territory
JP|Tokyo|1##-####
JP|Osaka|53#-####
JP|Sapporo|060-####
IN|Bengaluru|5600##
IN|Mumbai|4000##
IN|Pune|4110##
SG|Singapore|0#####
BR|São Paulo|0####-###|SP|São Paulo
BR|Rio de Janeiro|2####-###|RJ|Rio de Janeiro
MX|Ciudad de México|06###
MX|Monterrey|64###
"""
"""Country, city, pattern of its postal codes, and the state by code and name where addresses carry one."""


def _countries() -> tuple[Country, ...]:
    cities: dict[str, list[City]] = {}
    for line in _CITIES.strip().splitlines():
        code, *parts = line.split("|")
        cities.setdefault(code, []).append(City(*parts))
    countries = []
    for line in _COUNTRIES.strip().splitlines():
        code, weight, region, tld, dialling, spellings = line.split("|")
        forms = tuple(spellings.split("/"))
        countries.append(Country(code, float(weight), region, tld, dialling, forms, tuple(cities[code])))
    return tuple(countries)


COUNTRIES = _countries()

INDUSTRIES: tuple[tuple[str, str, float], ...] = (
    ("Technology", "COMPUTER_SOFTWARE", 18),
    ("Manufacturing", "MACHINERY", 13),
    ("Banking", "BANKING", 8),
    ("Insurance", "INSURANCE", 5),
    ("Finance", "FINANCIAL_SERVICES", 7),
    ("Healthcare", "HOSPITAL_HEALTH_CARE", 9),
    ("Retail", "RETAIL", 9),
    ("Consulting", "MANAGEMENT_CONSULTING", 6),
    ("Education", "HIGHER_EDUCATION", 4),
    ("Energy", "OIL_ENERGY", 4),
    ("Utilities", "UTILITIES", 2),
    ("Transportation", "LOGISTICS_AND_SUPPLY_CHAIN", 5),
    ("Media", "MEDIA_PRODUCTION", 3),
    ("Construction", "CONSTRUCTION", 4),
    ("Government", "GOVERNMENT_ADMINISTRATION", 3),
)
"""Salesforce picklist value, HubSpot's own enumeration value for it, share."""

NAME_STEMS = _words("""
Acorn Alder Amber Anchor Apex Aquila Arbor Argon Aspen Atlas Aurora Bastion Beacon Birch Bluewater Boreal Bramble
Bright Cadence Canyon Cardinal Cedar Cinder Clover Cobalt Compass Copper Coral Crescent Crown Delta Drift Eagle
Eastgate Echo Elder Ember Falcon Fathom Fern Fjord Flint Forge Foxglove Frontier Garnet Glacier Granite Harbor
Hawthorn Hazel Helix Heron Horizon Indigo Ironwood Ivory Jasper Juniper Keel Kestrel Kingfisher Lark Laurel Ledger
Linden Lumen Magnolia Maple Meridian Mistral Monarch Nimbus North Oak Obsidian Onyx Orchard Orion Osprey Otter
Pebble Pike Pinnacle Pioneer Polar Prairie Quarry Quartz Raven Redwood Ridge River Rowan Saffron Sage Sequoia Sierra
Silver Slate Solstice Sparrow Spruce Sterling Summit Tamarack Teal Thistle Timber Topaz Trident Tundra Union Vale
Vector Vista Walnut Westfield Willow Wren Yarrow Zenith Zephyr
""")
NAME_TRADES = _words("""
Analytics Automation Biotech Capital Chemicals Components Consulting Data Design Diagnostics Digital Dynamics
Electronics Energy Engineering Foods Freight Health Holdings Industries Instruments Insurance Interactive Labs
Learning Logistics Materials Media Medical Metals Mobility Motors Networks Optics Packaging Partners Pharma Plastics
Power Print Products Robotics Security Services Software Solutions Steel Supply Systems Technologies Textiles Tools
Trading Ventures Water Works
""")
LEGAL_FORMS: dict[str, tuple[str, ...]] = {
    "US": ("Inc.", "LLC", "Corp.", "Inc", ""),
    "GB": ("Ltd", "Limited", "plc", ""),
    "DE": ("GmbH", "AG", "GmbH & Co. KG", "SE"),
    "AT": ("GmbH", "AG"),
    "CH": ("AG", "SA", "GmbH"),
    "FR": ("SA", "SAS", "SARL"),
    "NL": ("B.V.", "N.V.", "BV"),
    "ES": ("S.A.", "S.L."),
    "IT": ("S.p.A.", "S.r.l."),
    "SE": ("AB",),
    "DK": ("A/S", "ApS"),
    "NO": ("AS", "ASA"),
    "PL": ("Sp. z o.o.", "S.A."),
    "AU": ("Pty Ltd", "Ltd"),
    "JP": ("Co., Ltd.", "K.K."),
    "BR": ("S.A.", "Ltda."),
    "MX": ("S.A. de C.V.",),
    "CA": ("Inc.", "Ltd.", "Corp."),
    "IN": ("Pvt Ltd", "Limited"),
    "SG": ("Pte. Ltd.",),
    "IE": ("Ltd", "DAC"),
}

FIRST_NAMES = _words("""
Anna Ben Carla David Elena Felix Grace Hugo Ines Jonas Kira Lena Mateo Nadia Omar Priya Quentin Rosa Samir Tessa Uma
Victor Wanda Xavier Yuki Zoe Amir Bianca Cedric Dalia Emil Farah Gwen Hassan Iris Jack Karim Lucia Marek Nora
""")
LAST_NAMES = _words("""
Adler Baker Castillo Dubois Eriksen Fischer Gupta Haas Ivanov Jansen Keller Lindqvist Moreau Nakamura Okafor Petrov
Quinn Rossi Sato Turner Ueda Vogel Walsh Xu Young Zimmer Abbott Brandt Costa Diaz Ellis Ferrari Garcia Hughes Iyer
Jensen Kowalski Larsen Meyer Novak
""")
FREE_MAIL: tuple[str, ...] = ("gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "gmx.de", "web.de", "icloud.com")
TITLES: tuple[str, ...] = (
    "Chief Executive",
    "Head of Operations",
    "Head of IT",
    "Finance Director",
    "Purchasing Manager",
    "Plant Manager",
    "Office Manager",
)
TASKS: tuple[str, ...] = (
    "Call back",
    "Send the offer",
    "Prepare the renewal",
    "Quarterly review",
    "Ask for a reference",
)
TEAM_ROLES: tuple[str, ...] = ("Account Manager", "Sales Engineer", "Executive Sponsor", "Customer Success")

SALESFORCE_STAGES: tuple[tuple[str, int, str], ...] = (
    ("Prospecting", 10, "Pipeline"),
    ("Qualification", 20, "Pipeline"),
    ("Discovery", 35, "Pipeline"),
    ("Proposal", 60, "Best Case"),
    ("Negotiation", 85, "Commit"),
)
"""Open stages in order: name, probability in percent, forecast category."""
HUBSPOT_STAGES: tuple[str, ...] = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
)
OPPORTUNITY_TYPES: tuple[tuple[str, str], ...] = (
    ("New Business", "newbusiness"),
    ("Existing Business", "existingbusiness"),
)

SECTORS: dict[str, int] = {
    "Industrials": 1,
    "Materials": 1,
    "Information Technology": 0,
    "Consumer Discretionary": 6,
    "Financials": 4,
    "Health Care": 5,
    "Consumer Staples": 6,
    "Real Estate": 13,
    "Communication Services": 12,
    "Energy": 9,
    "Utilities": 10,
}
"""The sectors of listed companies, by their row in INDUSTRIES."""
MARKET_CAPS: dict[str, float] = {
    "Nano Cap": 60,
    "Micro Cap": 250,
    "Small Cap": 1_500,
    "Mid Cap": 8_000,
    "Large Cap": 40_000,
    "Mega Cap": 150_000,
}
"""Median number of employees assumed for a band of market value."""
