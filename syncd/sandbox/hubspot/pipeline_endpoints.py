"""Pipelines and stages as the API reads and changes them, with their audit (hubspot.md 2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.sandbox.hubspot.envelopes import Document, json_object
from syncd.sandbox.hubspot.pipelines import AuditEntry, Pipeline, Pipelines, Stage
from syncd.sandbox.hubspot.records import ObjectTable
from syncd.sandbox.hubspot.refusals import not_allowed, not_found, plain, validation
from syncd.sandbox.hubspot.state import PortalState
from syncd.sandbox.hubspot.values import truth
from syncd.sandbox.wire import Request, Response

MOST_STAGES = 100


class PipelineEndpoints:
    """Answers what is asked about pipelines. A pipeline or stage that live records stand in cannot be deleted."""

    def __init__(self, state: PortalState) -> None:
        self._state = state

    def answer(self, request: Request, table: ObjectTable, parts: Sequence[str]) -> Response:
        """Answer `/{pipeline}/stages/{stage}/audit` or any head of it, by method."""
        pipelines = self._state.pipelines_of.get(table.kind.name) or Pipelines({})
        match request.method, list(parts):
            case "GET", []:
                return Response.of_json(200, {"results": pipelines.to_json()})
            case "POST", []:
                return self._create(pipelines, json_object(request))
            case method, [pipeline_id, *rest]:
                pipeline = pipelines.rows.get(pipeline_id)
                if pipeline is None:
                    raise not_found()
                return self._within(method, rest, request, table, pipelines, pipeline)
            case _:
                raise not_allowed()

    def _within(
        self,
        method: str,
        rest: list[str],
        request: Request,
        table: ObjectTable,
        pipelines: Pipelines,
        pipeline: Pipeline,
    ) -> Response:
        place = list(pipelines.rows).index(pipeline.id)
        match method, rest:
            case "GET", []:
                return Response.of_json(200, pipeline.to_json(place))
            case "GET", ["audit"]:
                return self._audit(pipelines, pipeline.id)
            case "PATCH" | "PUT", []:
                return self._change(method, pipelines, pipeline, json_object(request))
            case "DELETE", []:
                self._refuse_in_use(table, table.kind.pipeline, pipeline.id)
                del pipelines.rows[pipeline.id]
                self._note(pipelines, pipeline.id, "DELETE", {})
                return Response(204)
            case "GET", ["stages"]:
                return Response.of_json(200, {"results": pipeline.to_json(place)["stages"]})
            case "POST", ["stages"]:
                stage = self._stage(pipelines, table, json_object(request))
                pipeline.stages.append(stage)
                return self._staged(pipelines, pipeline, stage, "CREATE", 201)
            case _, ["stages", stage_id, *more]:
                found = pipeline.stage(stage_id)
                if found is None:
                    raise not_found()
                return self._on_stage(method, more, request, table, pipelines, pipeline, found)
            case _:
                raise not_allowed()

    def _on_stage(
        self,
        method: str,
        rest: list[str],
        request: Request,
        table: ObjectTable,
        pipelines: Pipelines,
        pipeline: Pipeline,
        stage: Stage,
    ) -> Response:
        match method, rest:
            case "GET", []:
                return Response.of_json(200, stage.to_json(pipeline.stages.index(stage)))
            case "GET", ["audit"]:
                return self._audit(pipelines, stage.id)
            case "PATCH" | "PUT", []:
                self._fill(stage, table, json_object(request))
                return self._staged(pipelines, pipeline, stage, "UPDATE", 200)
            case "DELETE", []:
                self._refuse_in_use(table, table.kind.stage, stage.id)
                pipeline.stages.remove(stage)
                self._note(pipelines, stage.id, "DELETE", {})
                return Response(204)
            case _:
                raise not_allowed()

    def _create(self, pipelines: Pipelines, document: Document) -> Response:
        table = next(self._state.tables[name] for name, rows in self._state.pipelines_of.items() if rows is pipelines)
        label = document.get("label")
        if not isinstance(label, str) or not label or not isinstance(document.get("stages"), list):
            raise validation("A pipeline needs a label and stages", label=["missing"])
        key = str(pipelines.next_id())
        pipeline = Pipeline(key, label, [], self._state.now, self._state.now)
        pipelines.rows[key] = pipeline
        for item in document["stages"][:MOST_STAGES]:
            pipeline.stages.append(self._stage(pipelines, table, item))
        shown = pipeline.to_json(len(pipelines.rows) - 1)
        self._note(pipelines, key, "CREATE", shown)
        return Response.of_json(201, shown)

    def _change(self, method: str, pipelines: Pipelines, pipeline: Pipeline, document: Document) -> Response:
        if method == "PUT" or "label" in document:
            pipeline.label = str(document.get("label") or pipeline.label)
        pipeline.updated = self._state.now
        shown = pipeline.to_json(list(pipelines.rows).index(pipeline.id))
        self._note(pipelines, pipeline.id, "UPDATE", shown)
        return Response.of_json(200, shown)

    def _stage(self, pipelines: Pipelines, table: ObjectTable, document: Any) -> Stage:
        """A new stage from a body."""
        if not isinstance(document, dict) or not document.get("label"):
            raise validation("A stage needs a label", label=["missing"])
        now = self._state.now
        stage = Stage(str(pipelines.next_id()), "", "0.5", closed=False, created=now)
        self._fill(stage, table, document)
        return stage

    def _fill(self, stage: Stage, table: ObjectTable, document: Document) -> None:
        """Put a body's values into a stage; deals need a probability in steps of a tenth."""
        metadata = document.get("metadata") or {}
        if table.kind.name == "deals":
            probability = str(metadata.get("probability", stage.probability))
            if probability not in {f"{tenth / 10:.1f}" for tenth in range(11)}:
                raise validation(f"{probability} is not a probability between 0.0 and 1.0", metadata=["probability"])
            closed = metadata.get("isClosed")
            stage.probability = probability
            stage.closed = truth(closed) if closed is not None else probability in ("0.0", "1.0")
        else:
            stage.state = str(metadata.get("ticketState") or stage.state or "OPEN")
            stage.closed = stage.state == "CLOSED"
        stage.label = str(document.get("label") or stage.label)
        stage.updated = self._state.now

    def _staged(self, pipelines: Pipelines, pipeline: Pipeline, stage: Stage, action: str, status: int) -> Response:
        shown = stage.to_json(pipeline.stages.index(stage))
        self._note(pipelines, stage.id, action, shown)
        return Response.of_json(status, shown)

    def _refuse_in_use(self, table: ObjectTable, name: str, value: str) -> None:
        used = next((key for key in table.live if table.entries[key].properties.get(name) == value), None)
        if used is not None:
            text = f"{value} cannot be deleted: {table.kind.singular} {used} and possibly others are in it"
            raise plain(400, "VALIDATION_ERROR", text, subCategory="PipelineError.STAGE_ID_IN_USE")

    def _note(self, pipelines: Pipelines, subject: str, action: str, document: Document) -> None:
        pipelines.audit.append(AuditEntry(subject, action, self._state.now, document))

    def _audit(self, pipelines: Pipelines, subject: str) -> Response:
        rows = [row.to_json(self._state.portal_id) for row in reversed(pipelines.audit) if row.subject == subject]
        return Response.of_json(200, {"results": rows})
