"""All deals of the mirror by company, as planning aids read them."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection

from syncd.jobs.aids.stage_history import ways_of
from syncd.jobs.context import Context
from syncd.model.refs import Kind
from syncd.planning.aids.deals import Deal, read_deals
from syncd.rules.pack import Pack
from syncd.store import companies, mirror


def deals_by_company(context: Context, conn: Connection, pack: Pack) -> dict[str, list[Deal]]:
    """Every live deal that belongs to an account, open or closed, by its company's key."""
    links = companies.links(conn)
    records = (each for system in context.systems for each in mirror.records(conn, system, Kind.OPPORTUNITY))
    found: dict[str, list[Deal]] = defaultdict(list)
    for deal in read_deals(records, lambda ref: links.get(ref, str(ref)), context.rates(), pack.zone, ways_of(conn)):
        found[deal.company].append(deal)
    return dict(found)
