"""The schemas of the CRMs' objects as the last pull saw them. Knows nothing of how they were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from syncd.model.refs import Kind, System
from syncd.model.schemas import ObjectSchema
from syncd.store.tables import object_schemas as _t
from syncd.store.upserts import upsert


def save_schemas(conn: Connection, system: System, schemas: Iterable[ObjectSchema], *, now: datetime) -> None:
    """Keep the schemas of a system's objects; one that says what is kept leaves its row as it is."""
    kept = stored_schemas(conn, system)
    rows = [
        {
            "system": system,
            "kind": schema.kind,
            "object": schema.object,
            "revision": schema.revision(),
            "document": schema.text(),
            "changed_at": now,
        }
        for schema in schemas
        if schema.kind not in kept or kept[schema.kind].revision() != schema.revision()
    ]
    if rows:
        conn.execute(upsert(conn, _t, ("system", "kind"), ("object", "revision", "document", "changed_at")), rows)


def stored_schemas(conn: Connection, system: System) -> Mapping[Kind, ObjectSchema]:
    """The schemas as the last pull that read everything saw them, by kind."""
    return {kind: ObjectSchema.parse(kind, text) for kind, text in conn.execute(_OF, {"of": system})}


_OF = select(_t.c.kind, _t.c.document).where(_t.c.system == bindparam("of")).order_by(_t.c.kind)
