"""From HubSpot's objects to records: which properties a kind needs, and how an object becomes canonical text.

It sends nothing. The default mapping names properties that every portal has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from syncd.clock import parse_instant
from syncd.connectors.canonical import canonical_fields, plain
from syncd.connectors.shape import Parts, flag, id_of, object_of, objects, read_record
from syncd.errors import SchemaError
from syncd.model.fields import KindMapping, SystemMapping
from syncd.model.records import Record, User
from syncd.model.refs import Kind, Ref, System

OWNER: Final = "hubspot_owner_id"
MERGED: Final = "hs_merged_object_ids"
_LINKED_KINDS: Final = frozenset({Kind.OPPORTUNITY, Kind.CONTACT, Kind.TASK})
_LEADS: Final = frozenset({"leads", "lead", "0-136"})
_DONE: Final = "COMPLETED"
OWNERS_SCOPE: Final = "crm.objects.owners.read"
_ACCOUNT: Final = KindMapping(
    Kind.ACCOUNT,
    "companies",
    MappingProxyType(
        {
            "name": "name",
            "domain": "domain",
            "website": "website",
            "phone": "phone",
            "industry": "industry",
            "employees": "numberofemployees",
            "annual_revenue": "annualrevenue",
            "country": "country",
            "state": "state",
            "city": "city",
            "postal_code": "zip",
            "type": "type",
            "lifecycle": "lifecyclestage",
            "parent": "hs_parent_company_id",
            "created_at": "createdate",
            "last_activity_at": "notes_last_updated",
        }
    ),
)
_OPPORTUNITY: Final = KindMapping(
    Kind.OPPORTUNITY,
    "deals",
    MappingProxyType(
        {
            "name": "dealname",
            "stage": "dealstage",
            "is_closed": "hs_is_closed",
            "is_won": "hs_is_closed_won",
            "amount": "amount",
            "close_date": "closedate",
            "type": "dealtype",
            "probability": "hs_deal_stage_probability",
            "pipeline": "pipeline",
            "created_at": "createdate",
            "last_activity_at": "notes_last_updated",
        }
    ),
)
_USER: Final = KindMapping(Kind.USER, "owners", MappingProxyType({}))
LEAD_MAPPING: Final = KindMapping(
    Kind.LEAD,
    "contacts",
    MappingProxyType(
        {
            "email": "email",
            "name": "lastname",
            "company": "company",
            "domain": "website",
            "country": "country",
            "state": "state",
            "postal_code": "zip",
            "industry": "industry",
            "employees": "numemployees",
            "lead_source": "hs_analytics_source",
            "status": "hs_lead_status",
            "created_at": "createdate",
            "lifecycle": "lifecyclestage",
            "parent": "associatedcompanyid",
            "last_activity_at": "notes_last_updated",
        }
    ),
)
"""To be added to the kinds where leads are routed; it needs the scope crm.objects.contacts.read."""

LEAD_OBJECT_MAPPING: Final = KindMapping(
    Kind.LEAD,
    "leads",
    MappingProxyType(
        {
            "name": "hs_lead_name",
            "status": "hs_lead_label",
            "lifecycle": "hs_pipeline_stage",
            "created_at": "createdate",
            "last_activity_at": "notes_last_updated",
        }
    ),
)
"""In place of LEAD_MAPPING where a portal works with the object `leads`. Its stage is the id of a pipeline's stage; the
place stands with the company that a lead is associated with. It needs the scope crm.objects.leads.read."""

TASK_MAPPING: Final = KindMapping(
    Kind.TASK,
    "tasks",
    MappingProxyType({"name": "hs_task_subject", "is_closed": "hs_task_status", "created_at": "createdate"}),
)
"""To be added to the kinds where open tasks follow their company; it needs the scope crm.objects.contacts.read."""

CONTACT_MAPPING: Final = KindMapping(
    Kind.CONTACT,
    "contacts",
    MappingProxyType(
        {
            "email": "email",
            "name": "lastname",
            "title": "jobtitle",
            "country": "country",
            "lifecycle": "lifecyclestage",
            "created_at": "createdate",
            "last_activity_at": "notes_last_updated",
        }
    ),
)
"""To be added to the kinds where contacts follow their company; it needs the scope crm.objects.contacts.read."""

DEFAULT_MAPPING: Final = SystemMapping(
    System.HUBSPOT,
    MappingProxyType({Kind.ACCOUNT: _ACCOUNT, Kind.OPPORTUNITY: _OPPORTUNITY, Kind.USER: _USER}),
)
_CONTACTS: Final = frozenset({"contacts", "contact", "0-1"})


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a pipeline: closed-won is closed with a probability of 1 (hubspot.md 2.8)."""

    label: str
    pipeline: str
    closed: bool
    probability: Decimal

    @property
    def won(self) -> bool:
        """Whether a deal in this stage is won."""
        return self.closed and self.probability == 1


@dataclass(frozen=True, slots=True)
class Columns:
    """What is asked for of one kind, and how its objects are read."""

    kind: Kind
    object: str
    fields: Mapping[str, str]
    stamp: str

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties to ask for, each once."""
        return tuple(dict.fromkeys(("hs_object_id", OWNER, self.stamp, MERGED, *self.fields.values())))

    @property
    def linked(self) -> bool:
        """Whether the account of its records is an association and no property of theirs."""
        return self.kind in _LINKED_KINDS or self.object in _LEADS

    @property
    def required(self) -> tuple[str, ...]:
        """The properties without which a record cannot be kept or written."""
        return tuple(dict.fromkeys((OWNER, self.stamp, *self.fields.values())))

    def record(self, raw: Mapping[str, Any], company: str | None, stages: Mapping[str, Stage]) -> Record:
        """The record of an object; `company` is the account of a deal, `stages` are its portal's.

        An archived object's stamp is when it was archived, since archiving does not touch its own (hubspot.md 2.2).
        """
        return read_record(
            "hubspot", self.object, lambda: self._decoded(raw, company, stages), lambda: self._structure(raw)
        )

    def _structure(self, raw: Mapping[str, Any]) -> Parts:
        """The id of an object as it came, and what every record needs, with what reads it."""
        properties = object_of(raw.get("properties"))
        parts: list[tuple[str, object, Callable[[], object]]] = [
            ("id", raw.get("id"), lambda: id_of(raw)),
            ("archived", raw.get("archived"), lambda: flag(raw.get("archived", False))),
            (self.stamp, properties.get(self.stamp), lambda: _stamp(raw, self.stamp, raw.get("archived") is True)),
        ]
        texts = [OWNER, MERGED, *([self.fields["parent"]] if "parent" in self.fields else [])]
        parts += [(name, properties.get(name), partial(_text, properties.get(name))) for name in texts]
        return repr(raw.get("id")), tuple(parts)

    def _decoded(self, raw: Mapping[str, Any], company: str | None, stages: Mapping[str, Stage]) -> Record:
        properties = raw["properties"]
        archived = flag(raw.get("archived", False))
        values = {name: properties.get(column) for name, column in self.fields.items()}
        if self.kind is Kind.OPPORTUNITY:
            values = _staged(self.fields, values, stages.get(str(properties.get("dealstage") or "")))
        elif self.kind is Kind.TASK:
            status = _text(properties.get(self.fields["is_closed"]))
            values["is_closed"] = status == _DONE if status is not None else None
        return Record(
            ref=Ref(System.HUBSPOT, self.kind, id_of(raw)),
            stamp=_stamp(raw, self.stamp, archived),
            fields=canonical_fields(self.kind, values),
            owner=_text(properties.get(OWNER)),
            account=company if self.linked else self._parent(properties),
            deleted=archived,
            merged_from=tuple(filter(None, (_text(properties.get(MERGED)) or "").split(";"))),
        )

    def _parent(self, properties: Mapping[str, Any]) -> str | None:
        return _text(properties.get(self.fields["parent"])) if "parent" in self.fields else None


def columns_of(mapping: SystemMapping, kind: Kind) -> Columns:
    """The properties of a mapped kind; SchemaError for a kind that is not mapped."""
    mapped = mapping.kinds.get(kind)
    if mapped is None:
        raise SchemaError("SYN405", f"no object is mapped to the kind {kind.value}", where="hubspot")
    stamp = "lastmodifieddate" if mapped.object in _CONTACTS else "hs_lastmodifieddate"
    return Columns(kind, mapped.object, mapped.fields, stamp)


def stages_of(pipelines: Sequence[Mapping[str, Any]]) -> dict[str, Stage]:
    """The stages of all pipelines by id; the metadata's values are text (hubspot.md 2.8)."""
    stages: dict[str, Stage] = {}
    for pipeline in pipelines:
        for raw in objects(pipeline.get("stages")):
            metadata = object_of(raw.get("metadata"))
            stages[id_of(raw)] = Stage(
                label=str(raw.get("label") or id_of(raw)),
                pipeline=str(pipeline.get("label") or id_of(pipeline)),
                closed=str(metadata.get("isClosed")).lower() == "true",
                probability=_decimal(metadata.get("probability")) or Decimal(0),
            )
    return stages


def user_of(raw: Mapping[str, Any]) -> User:
    """The user of an owner: an archived one may own nothing new, and only persons may own accounts (hubspot.md 2.6)."""
    email = (_text(raw.get("email")) or "").strip().lower()
    name = " ".join(str(raw.get(part) or "") for part in ("firstName", "lastName")).strip()
    fields: dict[str, str] = {}
    user_id = raw.get("userIdIncludingInactive") or raw.get("userId")
    if user_id:
        fields["user_id"] = str(user_id)
    teams = objects(raw.get("teams"))
    primary = next((team for team in teams if team.get("primary")), teams[0] if teams else None)
    if primary is not None and primary.get("name"):
        fields["team"] = str(primary["name"])
    return User(
        ref=Ref(System.HUBSPOT, Kind.USER, id_of(raw)),
        email=email,
        name=name or email,
        active=not flag(raw.get("archived", False)),
        eligible=(raw.get("type") or "PERSON") == "PERSON",
        fields=fields,
    )


def _staged(fields: Mapping[str, str], values: dict[str, Any], stage: Stage | None) -> dict[str, Any]:
    """The values of a deal with its stage's words and meaning; probability in percent, as in Salesforce."""
    known: dict[str, Any] = {}
    if stage is not None:
        known = {
            "dealstage": stage.label,
            "pipeline": stage.pipeline,
            "hs_is_closed": stage.closed,
            "hs_is_closed_won": stage.won,
        }
    staged = {name: known.get(column, values[name]) for name, column in fields.items()}
    for name, column in fields.items():
        if column == "hs_deal_stage_probability":
            share = stage.probability if stage is not None else _decimal(values[name])
            staged[name] = None if share is None else plain(share * 100)
    return staged


def _text(value: Any) -> str | None:
    """Text, None for null and empty; TypeError for anything else, since all values are text (hubspot.md 2.9)."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _stamp(raw: Mapping[str, Any], property_: str, archived: bool) -> datetime:
    return parse_instant(
        (raw.get("archivedAt") if archived else None) or raw["properties"].get(property_) or raw["updatedAt"]
    )


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value)) if value not in (None, "") else None
    except InvalidOperation:
        return None
