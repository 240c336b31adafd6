"""The JSON Schema of pack files, for editors: completion, hover texts and first checks through yaml-language-server.

Built from the same names that the loader knows, so that the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from syncd.model.fields import FieldCatalogue
from syncd.rules.reading.alert_cases_loader import ALERT_CASE_OPTIONS, EXPECTED_OPTIONS, STATES, USER_STATES
from syncd.rules.reading.alert_cases_loader import STEP_OPTIONS as ALERT_STEP_OPTIONS
from syncd.rules.reading.cases_loader import CASE_OPTIONS, EXPECT_OPTIONS, LEDGER_OPTIONS
from syncd.rules.reading.condition_schema import Schema, condition_definitions, reference
from syncd.rules.reading.exceptions_loader import DISPUTE_OPTIONS, HOLDOUT_OPTIONS, OVERRIDE_OPTIONS, PROTECT_OPTIONS
from syncd.rules.reading.limits import GUARD_OPTIONS, MONITORS, SEVERITIES
from syncd.rules.reading.pack_options import CASCADE_OPTIONS, CASCADE_WORDS, PACK_OPTIONS
from syncd.rules.reading.people_loader import ASSIGN, POOL_OPTIONS, REP_OPTIONS, SEAT_OPTIONS
from syncd.rules.reading.routing_loader import (
    RETRIEVE_OPTIONS,
    ROUTING_OPTIONS,
    SLA_HOURS,
    SLA_OPTIONS,
    SLA_THEN,
    STEP_OPTIONS,
)
from syncd.rules.reading.scoring_loader import COMPONENT_OPTIONS, SCORE_OPTIONS, STAGE_OPTIONS
from syncd.rules.reading.sections import SECTIONS
from syncd.rules.reading.territory_loader import OTHERWISE
from syncd.rules.reading.territory_options import BALANCE_BY, TERRITORY_OPTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT: Schema = {"type": "string"}
_VALUE: Schema = {"type": ["string", "number", "boolean"]}
_VALUES: Schema = {"anyOf": [_VALUE, {"type": "array", "items": _VALUE}]}
_DAY: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_HOUR: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}.*)?$"}
_COUNT: Schema = {"type": ["integer", "string"]}
_NUMBER: Schema = {"type": ["number", "string"]}
_BANDS: Schema = {"type": "object", "additionalProperties": _COUNT}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_DESCRIBED: Mapping[str, str] = {
    "when": "the condition; `always` matches everything",
    "owners": "e-mails or seats, {pool}, {file, key, column}, {pair_with, file}, {queue}, or unassigned",
    "assign": "how to pick: the default is first for one owner, balanced for several",
    "catch_up": "true: who was out of office is dealt what they missed once they are back (default false)",
    "keep": "false: being a member is not enough for an account that arrives (default true)",
    "cap": "accounts per rep in this territory and below",
    "balance_by": "what `balanced` balances (default accounts)",
    "overflow": "reps or pool when no candidate is left",
    "follow_parent": "child accounts take their ultimate parent's owner",
    "leeway": "an account last applied to this territory stays while its numbers are outside by at most this share",
    "otherwise": "clear: an account that no territory of this role takes is emptied (default keep)",
    "effective": "outside these days the territory and all below it are skipped",
    "territories": "children, tried in order; or {table: file.csv}",
    "was": "the old name: carries ledger state over a rename",
    "expires": "the last day, included; past it the account is held until the entry is renewed or removed",
}


def json_schema(catalogue: FieldCatalogue) -> dict[str, object]:
    """The schema (draft 2020-12) of one pack file: a mapping of sections, or the list that another file inserts."""
    kinds = {"account": catalogue.account, "opportunity": catalogue.opportunity, "lead": catalogue.lead}
    return {
        "$schema": DIALECT,
        "title": "syncd pack",
        "anyOf": [reference("pack-file"), reference("territories")],
        "$defs": {
            **condition_definitions(kinds),
            **_basics(),
            **_territories(),
            **_people(),
            **_exceptions(),
            **_grading(),
            **_routing(),
            **_tests(catalogue),
            "pack-options": _pack_options(),
            "guard": _guard(),
            "monitor": _monitor(),
            "pack-file": _pack_file(),
        },
    }


def _object(known: Iterable[str], schemas: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """A mapping with exactly the options that the loader knows."""
    properties = {name: _with_description(name, schemas.get(name, _TEXT)) for name in known}
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _with_description(name: str, schema: Schema) -> Schema:
    return {**schema, "description": _DESCRIBED[name]} if name in _DESCRIBED else schema


def _map_of(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value, "propertyNames": reference("name")}


def _list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _basics() -> dict[str, Schema]:
    return {
        "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"},
        "rep": {"type": "string", "description": "an e-mail, or seat:name"},
        "span": {"type": "string", "pattern": r"^\d+ ?(min|h|d|w|mo|y)$"},
        "file": _object(("file",), {}, ("file",)),
        "table": {**_object(("table",), {}, ("table",)), "description": "a CSV with one row a condition"},
    }


def _pack_file() -> Schema:
    exceptions: dict[str, Schema] = {
        name: {"anyOf": [_list_of(reference(item)), reference("file")]}
        for name, item in (("overrides", "override"), ("disputes", "dispute"))
    }
    named_list: Schema = {"anyOf": [_list_of(_VALUE), _object(("file", "column"), {}, ("file", "column"))]}
    monitors: Schema = {"type": "object", "properties": {name: reference("monitor") for name in MONITORS}}
    return _object(
        SECTIONS,
        {
            "format": {"const": 1},
            "pack": reference("pack-options"),
            "segments": _map_of(reference("condition-account")),
            "lists": _map_of(named_list),
            "territories": reference("territories"),
            "pools": _map_of(reference("pool")),
            "reps": _list_of({"anyOf": [reference("rep-entry"), reference("seat-entry"), _TEXT]}),
            "protect": _map_of(reference("protect")),
            "deal_holdouts": _list_of(reference("deal-holdout")),
            "guard": reference("guard"),
            "monitors": {**monitors, "additionalProperties": False},
            "retrieve": reference("retrieve"),
            "score": reference("score"),
            "lifecycle": _list_of({"anyOf": [reference("stage"), reference("file")]}),
            "routing": reference("routing"),
            "quotas": {"anyOf": [reference("file"), _list_of(reference("file"))]},
            "tests": _list_of({"anyOf": [reference("test"), reference("alert-test")]}),
            **exceptions,
        },
    )


def _pack_options() -> Schema:
    defaults = _object(("country", "fill_missing_country"), {"fill_missing_country": {"type": "boolean"}})
    manage = _object(("territories", "from"), {"territories": _TEXTS, "from": _DAY})
    cascade = _object(CASCADE_OPTIONS, {name: {"enum": list(CASCADE_WORDS)} for name in CASCADE_OPTIONS})
    return _object(
        PACK_OPTIONS,
        {
            "name": reference("name"),
            "fiscal_year_start": {"type": "integer", "minimum": 1, "maximum": 12},
            "defaults": defaults,
            "manage": manage,
            "cascade": cascade,
            "respect_people_for": reference("span"),
            "plan_at": _TEXTS,
            "working_hours": _TEXTS,
            "write": _TEXTS,
        },
    )


def _territories() -> dict[str, Schema]:
    by_file = _object(("file", "key", "column"), {}, ("file", "key", "column"))
    by_pool = _object(("pool",), {"pool": reference("name")}, ("pool",))
    by_pair = _object(("pair_with", "file", "column"), {"pair_with": reference("name")}, ("pair_with", "file"))
    by_queue = _object(("queue",), {}, ("queue",))
    reps = _list_of(reference("rep"))
    cap = _object(("total", "day", "week", "band"), {"total": _COUNT, "day": _COUNT, "week": _COUNT, "band": _BANDS})
    territory = _object(
        TERRITORY_OPTIONS,
        {
            "name": reference("name"),
            "when": reference("condition-account"),
            "owners": {"anyOf": [{"const": "unassigned"}, reps, by_pool, by_file, by_pair, by_queue, reference("rep")]},
            "territories": reference("territories"),
            "assign": {"enum": list(ASSIGN)},
            "keep": {"type": "boolean"},
            "cap": {"anyOf": [_COUNT, cap]},
            "balance_by": {"enum": list(BALANCE_BY)},
            "overflow": {"anyOf": [reps, by_pool, reference("rep")]},
            "follow_parent": {"type": "boolean"},
            "leeway": {"type": "string", "pattern": r"^\d+(\.\d+)? ?%$"},
            "otherwise": {"enum": list(OTHERWISE)},
            "effective": _object(("from", "until"), {"from": _DAY, "until": _DAY}),
            "role": reference("name"),
            "quota": _NUMBER,
            "labels": {"type": "object", "additionalProperties": _VALUE},
            "was": reference("name"),
        },
        ("name", "when"),
    )
    items: Schema = {"anyOf": [reference("territory"), reference("file"), reference("table")]}
    return {"territory": territory, "territories": {"anyOf": [_list_of(items), reference("table")]}}


def _people() -> dict[str, Schema]:
    absence = _object(("from", "until", "cover"), {"from": _HOUR, "until": _HOUR}, ("from", "until"))
    rep = _object(
        REP_OPTIONS,
        {
            "capacity": _NUMBER,
            "max_accounts": _COUNT,
            "languages": _TEXTS,
            "industries": _TEXTS,
            "skills": _TEXTS,
            "start": _DAY,
            "end": _DAY,
            "ramp": _list_of(_NUMBER),
            "out_of_office": _list_of(absence),
        },
        ("email",),
    )
    seat = _object(SEAT_OPTIONS, {"seat": reference("name"), "from": _DAY, "until": _DAY}, ("seat",))
    member = _object(("rep", "weight"), {"rep": reference("rep"), "weight": _NUMBER}, ("rep",))
    members = _list_of({"anyOf": [reference("rep"), member]})
    pool = _object(
        POOL_OPTIONS,
        {"members": members, "assign": {"enum": list(ASSIGN)}, "catch_up": {"type": "boolean"}},
        ("members",),
    )
    return {"rep-entry": rep, "seat-entry": seat, "pool": {"anyOf": [pool, members]}}


def _exceptions() -> dict[str, Schema]:
    when = reference("condition-account")
    of = _object(("territory",), {}, ("territory",))
    holdout: dict[str, Schema] = {"opportunities": reference("condition-opportunity"), "of": of, "expires": _DAY}
    return {
        "protect": _object(PROTECT_OPTIONS, {"when": when, "until": _DAY, "roles": _TEXTS}, ("when",)),
        "override": _object(OVERRIDE_OPTIONS, {"account": _VALUE, "expires": _DAY}, ("account", "owner")),
        "dispute": _object(DISPUTE_OPTIONS, {"account": _VALUE, "opened": _DAY}, ("account",)),
        "deal-holdout": _object(HOLDOUT_OPTIONS, holdout, ("opportunities",)),
    }


def _grading() -> dict[str, Schema]:
    point: Schema = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
    options: dict[str, Schema] = {
        "curve": {**_list_of(point), "description": "[value, points]: straight lines between, flat outside"},
        "when": reference("condition-account"),
        "points": _NUMBER,
    }
    component = _object(COMPONENT_OPTIONS, options)
    bands: Schema = {"type": "object", "additionalProperties": reference("matcher-number")}
    score = _object(SCORE_OPTIONS, {"components": _map_of(component), "bands": bands}, ("components",))
    stage = _object(STAGE_OPTIONS, {"name": reference("name"), "when": reference("condition-account")}, STAGE_OPTIONS)
    return {"score": score, "stage": stage}


def _routing() -> dict[str, Schema]:
    pool = _object(("pool",), {"pool": reference("name")}, ("pool",))
    retrieve: dict[str, Schema] = {
        "when": reference("condition-account"),
        "to": pool,
        "grace": reference("span"),
        "cool_off": reference("span"),
        "budget": _COUNT,
    }
    step: dict[str, Schema] = {
        "match": {"const": "account"},
        "territory": {"const": True},
        "pool": reference("name"),
    }
    hours: Schema = {"anyOf": [{"enum": list(SLA_HOURS)}, _TEXT]}
    sla: dict[str, Schema] = {"first_touch": reference("span"), "hours": hours, "then": {"enum": list(SLA_THEN)}}
    leads = _list_of({"anyOf": [_object(STEP_OPTIONS, step), reference("file")]})
    routing: dict[str, Schema] = {"leads": leads, "sla": _object(SLA_OPTIONS, sla, ("first_touch",))}
    return {
        "retrieve": _object(RETRIEVE_OPTIONS, retrieve, ("when", "to")),
        "routing": _object(ROUTING_OPTIONS, routing, ("leads",)),
    }


def _guard() -> Schema:
    counts: dict[str, Schema] = dict.fromkeys(("per_rep", "per_territory", "per_owner_total", "api_calls"), _COUNT)
    changes = _object(("max", "share"), {"max": _COUNT})
    options: dict[str, Schema] = {"changes": changes, "money": _NUMBER, "per_band": _BANDS, "windows": _TEXTS}
    return _object(GUARD_OPTIONS, {**counts, **options})


def _monitor() -> Schema:
    properties: Schema = {
        "severity": {"enum": list(SEVERITIES)},
        "enabled": {"type": "boolean"},
        "when": reference("condition-account"),
        "except": reference("condition-account"),
        "for": reference("span"),
        "keep_firing_for": reference("span"),
        "hours": {"enum": ["working", "any"]},
        "labels": _map_of(_TEXT),
        "ignore": {"anyOf": [_TEXT, _TEXTS]},
        "runbook": _TEXT,
    }
    return {"anyOf": [{"type": "boolean"}, {"type": "object", "properties": properties}]}


def _tests(catalogue: FieldCatalogue) -> dict[str, Schema]:
    account, lead = _raw(catalogue.account), _raw(catalogue.lead)
    test = _object(
        CASE_OPTIONS,
        {
            "account": account,
            "lead": lead,
            "parent": account,
            "salesforce": account,
            "hubspot": account,
            "opportunities": _list_of(_raw(catalogue.opportunity)),
            "ledger": _object(LEDGER_OPTIONS, {}),
            "expect": _object(EXPECT_OPTIONS, dict.fromkeys(EXPECT_OPTIONS, _VALUES)),
        },
        ("name", "expect"),
    )
    return {"test": test, "alert-test": _alert_test(catalogue)}


def _alert_test(catalogue: FieldCatalogue) -> Schema:
    expected = _object(EXPECTED_OPTIONS, {"state": {"enum": list(STATES)}, "severity": {"enum": list(SEVERITIES)}})
    step = _object(
        ALERT_STEP_OPTIONS,
        {
            "after": reference("span"),
            "accounts": _map_of(_raw(catalogue.account)),
            "deals": _map_of(_raw({*catalogue.opportunity, "account"})),
            "users": _map_of({"enum": list(USER_STATES)}),
            "gone": _TEXTS,
            "stale": {"type": "boolean"},
            "acknowledge": _TEXTS,
            "expect": _list_of({"anyOf": [_TEXT, expected]}),
            "told": _TEXTS,
        },
    )
    return _object(ALERT_CASE_OPTIONS, {"watch": _list_of(step)}, ALERT_CASE_OPTIONS)


def _raw(fields: Iterable[str]) -> Schema:
    return _object(sorted(fields), dict.fromkeys(fields, _VALUES))
