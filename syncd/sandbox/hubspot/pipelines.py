"""Deal pipelines and their stages; what a stage says about a deal being closed, won, and how likely."""

from __future__ import annotations

from dataclasses import dataclass, field

_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(slots=True)
class Stage:
    """A stage. Closed and won: probability 1; closed and lost: 0 (hubspot.md 2.8)."""

    id: str
    label: str
    probability: str
    closed: bool

    @property
    def won(self) -> bool:
        """Whether a deal in this stage is won."""
        return self.closed and float(self.probability) == 1.0

    def to_json(self, place: int) -> dict[str, object]:
        """The stage as the API shows it; metadata values are text."""
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": place,
            "metadata": {"isClosed": "true" if self.closed else "false", "probability": self.probability},
            "createdAt": _EPOCH,
            "updatedAt": "2026-01-01T00:00:00Z",
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }


@dataclass(slots=True)
class Pipeline:
    """A pipeline with its stages in order."""

    id: str
    label: str
    stages: list[Stage]

    def to_json(self, place: int) -> dict[str, object]:
        """The pipeline as the API shows it."""
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": place,
            "createdAt": _EPOCH,
            "updatedAt": "2026-01-01T00:00:00.000Z",
            "archived": False,
            "stages": [stage.to_json(number) for number, stage in enumerate(self.stages)],
        }


def _default() -> dict[str, Pipeline]:
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


@dataclass(slots=True)
class Pipelines:
    """All deal pipelines by id."""

    rows: dict[str, Pipeline] = field(default_factory=_default)

    def stage(self, pipeline: str, stage: str) -> Stage | None:
        """A stage of a pipeline; None where either does not exist."""
        found = self.rows.get(pipeline)
        return next((row for row in found.stages if row.id == stage), None) if found else None

    def to_json(self) -> list[dict[str, object]]:
        """All pipelines as the API lists them."""
        return [pipeline.to_json(place) for place, pipeline in enumerate(self.rows.values())]

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
