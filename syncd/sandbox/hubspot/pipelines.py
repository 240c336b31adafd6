"""Pipelines and their stages, of deals, leads and tickets; what a deal's stage says about being closed, won, likely."""

from __future__ import annotations

from dataclasses import dataclass, field

from syncd.sandbox.hubspot.values import stamp_text

_EPOCH = "1970-01-01T00:00:00Z"
_BEGINNING = "2026-01-01T00:00:00.000Z"


@dataclass(slots=True)
class Stage:
    """A stage. Closed and won: probability 1; closed and lost: 0 (hubspot.md 2.8).

    `state` is what stages of tickets and leads have in place of a probability: `OPEN` or `CLOSED`.
    """

    id: str
    label: str
    probability: str
    closed: bool
    state: str = ""
    created: int | None = None
    updated: int | None = None

    @property
    def won(self) -> bool:
        """Whether a deal in this stage is won."""
        return self.closed and float(self.probability) == 1.0

    def metadata(self) -> dict[str, str]:
        """The metadata as the API shows it; its values are text."""
        if self.state:
            return {"ticketState": self.state}
        return {"isClosed": "true" if self.closed else "false", "probability": self.probability}

    def to_json(self, place: int) -> dict[str, object]:
        """The stage as the API shows it; the default ones were made at the beginning of time."""
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": place,
            "metadata": self.metadata(),
            "createdAt": _EPOCH if self.created is None else stamp_text(self.created),
            "updatedAt": _BEGINNING if self.updated is None else stamp_text(self.updated),
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }


@dataclass(slots=True)
class Pipeline:
    """A pipeline with its stages in order."""

    id: str
    label: str
    stages: list[Stage]
    created: int | None = None
    updated: int | None = None

    def stage(self, stage_id: str) -> Stage | None:
        """A stage by its id."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    def to_json(self, place: int) -> dict[str, object]:
        """The pipeline as the API shows it."""
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": place,
            "createdAt": _EPOCH if self.created is None else stamp_text(self.created),
            "updatedAt": _BEGINNING if self.updated is None else stamp_text(self.updated),
            "archived": False,
            "stages": [stage.to_json(number) for number, stage in enumerate(self.stages)],
        }


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What happened to a pipeline or a stage: `CREATE`, `UPDATE` or `DELETE`."""

    subject: str
    action: str
    stamp: int
    document: dict[str, object]

    def to_json(self, portal_id: int) -> dict[str, object]:
        """The entry as the audit endpoint shows it."""
        return {
            "portalId": portal_id,
            "identifier": self.subject,
            "action": self.action,
            "timestamp": stamp_text(self.stamp),
            "message": "",
            "rawObject": self.document,
        }


def _deals() -> dict[str, Pipeline]:
    stages = [
        Stage("appointmentscheduled", "Appointment Scheduled", "0.2", False),
        Stage("qualifiedtobuy", "Qualified To Buy", "0.4", False),
        Stage("presentationscheduled", "Presentation Scheduled", "0.6", False),
        Stage("decisionmakerboughtin", "Decision Maker Bought-In", "0.8", False),
        Stage("contractsent", "Contract Sent", "0.9", False),
        Stage("closedwon", "Closed Won", "1.0", True),
        Stage("closedlost", "Closed Lost", "0.0", True),
    ]
    return {"default": Pipeline("default", "Sales Pipeline", stages)}


def _worked(key: str, label: str, stages: tuple[tuple[str, str, str], ...]) -> dict[str, Pipeline]:
    """A pipeline whose stages are open or closed and no more."""
    rows = [Stage(one, name, "0.0", state == "CLOSED", state) for one, name, state in stages]
    return {key: Pipeline(key, label, rows)}


def _tickets() -> dict[str, Pipeline]:
    stages = (
        ("1", "New", "OPEN"),
        ("2", "Waiting on contact", "OPEN"),
        ("3", "Waiting on us", "OPEN"),
        ("4", "Closed", "CLOSED"),
    )
    return _worked("0", "Support Pipeline", stages)


def _leads() -> dict[str, Pipeline]:
    stages = (
        ("new-stage-id", "New", "OPEN"),
        ("attempting-stage-id", "Attempting", "OPEN"),
        ("connected-stage-id", "Connected", "OPEN"),
        ("qualified-stage-id", "Qualified", "CLOSED"),
        ("unqualified-stage-id", "Disqualified", "CLOSED"),
    )
    return _worked("lead-pipeline-id", "Lead pipeline", stages)


@dataclass(slots=True)
class Pipelines:
    """All pipelines of one object type by id, and what happened to them."""

    rows: dict[str, Pipeline] = field(default_factory=_deals)
    audit: list[AuditEntry] = field(default_factory=list)

    def stage(self, pipeline: str, stage: str) -> Stage | None:
        """A stage of a pipeline; None where either does not exist."""
        found = self.rows.get(pipeline)
        return found.stage(stage) if found else None

    def has_stage(self, stage: str) -> bool:
        """Whether any pipeline has the stage."""
        return any(pipeline.stage(stage) is not None for pipeline in self.rows.values())

    def to_json(self) -> list[dict[str, object]]:
        """All pipelines as the API lists them."""
        return [pipeline.to_json(place) for place, pipeline in enumerate(self.rows.values())]

    def next_id(self) -> int:
        """A number that is no pipeline's and no stage's id."""
        taken = [key for pipeline in self.rows.values() for key in (pipeline.id, *(one.id for one in pipeline.stages))]
        return max((int(key) for key in taken if key.isdecimal()), default=384_366_809) + 1

    def derived(self, properties: dict[str, str]) -> dict[str, str]:
        """What HubSpot computes for a deal from its pipeline and stage; nothing for a stage that does not exist."""
        stage = self.stage(properties.get("pipeline", "default"), properties.get("dealstage", ""))
        if stage is None:
            return {}
        return {
            "hs_is_closed": "true" if stage.closed else "false",
            "hs_is_closed_won": "true" if stage.won else "false",
            "hs_deal_stage_probability": stage.probability,
        }


def standard_pipelines() -> dict[str, Pipelines]:
    """The pipelines of a new portal by object type."""
    return {"deals": Pipelines(), "leads": Pipelines(_leads()), "tickets": Pipelines(_tickets())}
