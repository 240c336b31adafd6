"""The object types of the fake portal and what the definition of a property holds; the catalogue lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A CRM object type. `names` are all that paths may call it; `stamp` is its modification property (2.2).

    `history_depth` is how many values of a property are remembered; `stage` and `pipeline` are the properties that
    place a record in a pipeline, empty for an object without pipelines. `scopes_of` is another object type whose scopes
    open this one: an activity's are those of contacts.
    """

    name: str
    singular: str
    names: tuple[str, ...]
    stamp: str
    defaults: tuple[str, ...]
    history_depth: int = 20
    pipeline: str = ""
    stage: str = ""
    scopes_of: str = ""

    @property
    def scope(self) -> str:
        """The object type whose scopes open it."""
        return self.scopes_of or self.name

    @property
    def type_id(self) -> str:
        """The id of the type, such as `0-2`."""
        return self.names[-1]

    @property
    def group(self) -> str:
        """The property group that its standard properties are in."""
        return f"{self.singular}information"


KINDS: tuple[ObjectKind, ...] = (
    ObjectKind("companies", "company", ("companies", "company", "0-2"), "hs_lastmodifieddate", ("name", "domain")),
    ObjectKind(
        "deals",
        "deal",
        ("deals", "deal", "0-3"),
        "hs_lastmodifieddate",
        ("dealname", "amount", "closedate", "pipeline", "dealstage"),
        pipeline="pipeline",
        stage="dealstage",
    ),
    ObjectKind(
        "contacts",
        "contact",
        ("contacts", "contact", "0-1"),
        "lastmodifieddate",
        ("firstname", "lastname", "email"),
        history_depth=45,
    ),
    ObjectKind(
        "leads",
        "lead",
        ("leads", "lead", "0-136"),
        "hs_lastmodifieddate",
        ("hs_lead_name",),
        pipeline="hs_pipeline",
        stage="hs_pipeline_stage",
    ),
    ObjectKind(
        "tickets",
        "ticket",
        ("tickets", "ticket", "0-5"),
        "hs_lastmodifieddate",
        ("subject", "content"),
        pipeline="hs_pipeline",
        stage="hs_pipeline_stage",
    ),
    ObjectKind(
        "tasks",
        "task",
        ("tasks", "task", "0-27"),
        "hs_lastmodifieddate",
        ("hs_task_subject", "hs_task_status"),
        scopes_of="contacts",
    ),
)
KIND_BY_NAME = {alias: kind for kind in KINDS for alias in kind.names}
_ELSEWHERE = (
    "calls carts communications discounts emails feedback_submissions fees goal_targets invoices line_items meetings "
    "notes orders payments postal_mail products quotes services subscriptions taxes users "
    "0-7 0-8 0-14 0-46 0-47 0-48 0-49 0-53"
)
ELSEWHERE = frozenset(_ELSEWHERE.split())
"""Object types of HubSpot that the sandbox does not hold: the token lacks their scopes, as most real ones do."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value of an enumeration. `value` is stored, `label` is what people see."""

    label: str
    value: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Property:
    """The definition of a property; `read_only` ones refuse writes by the API.

    `custom`: made by the account, so that it may be changed and archived. `calculated`: HubSpot computes it. An
    enumeration without `options` takes any value (the options come from elsewhere). Instants are milliseconds.
    """

    name: str
    type: str
    field_type: str
    label: str
    read_only: bool = False
    reference: str | None = None
    options: tuple[Option, ...] = ()
    group: str = ""
    description: str = ""
    unique: bool = False
    custom: bool = False
    updated: int | None = None
    archived: int | None = None
    calculated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A group of properties, as the UI shows them together."""

    name: str
    label: str
    order: int = -1


FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "datetime": "date",
    "date": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
}
"""The usual field type of each type."""


def text_property(name: str) -> Property:
    """The definition of a property nobody defined: text, writable, made by the account."""
    return Property(name, "string", "text", name.replace("_", " ").capitalize(), custom=True)
