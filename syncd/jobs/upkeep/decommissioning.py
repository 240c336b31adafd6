"""Ends: a mirror that is to belong to another organization, and an installation that goes out of service.

Neither leaves a write in doubt behind, nor one that could still be sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.errors import LeaseHeldError, UsageError
from syncd.jobs.context import Context
from syncd.jobs.freezing import freeze
from syncd.jobs.leadership import Leadership
from syncd.jobs.lines import recover_rows
from syncd.model.refs import System
from syncd.settings import Mode
from syncd.store import ledger, retiring
from syncd.store.systems import bound_account


@dataclass(frozen=True, slots=True)
class Decommissioned:
    """What went out of service: plans closed, unsent rows dropped, records forgotten; and what people have to do."""

    plans: int
    rows: int
    records: int
    left_to_do: tuple[str, ...]


def rebind(context: Context, leader: Leadership, system: System, *, reason: str) -> int:
    """Forget a system's mirror and the organization that it is bound to; how many records went.

    Raises LeaseHeldError SYN721 while a write to the system is in doubt.
    """
    leader.check()
    _settle(context, leader, system)
    now = context.clock.now()
    with context.store.write() as conn:
        was = bound_account(conn, system)
        closed, rows = retiring.close_plans(conn, now=now, why=f"{system.value} is bound to another organization")
        gone = retiring.forget_system(conn, system)
        facts: dict[str, str | int | None] = {"system": system.value, "was": was, "records": gone, "plans": closed}
        ledger.append(
            conn,
            at=now,
            event="system.rebound",
            ref=None,
            actor=context.actor,
            run_id=None,
            facts=facts | {"rows": rows},
            payload={"reason": reason},
        )
    return gone


def decommission(context: Context, leader: Leadership, *, reason: str, forget: bool) -> Decommissioned:
    """Freeze writes, close what is open, and with `forget` drop the mirror; what is left for people to do.

    Raises LeaseHeldError SYN721 while a write is in doubt, UsageError SYN004 where the freeze file cannot be written.
    """
    leader.check()
    _settle(context, leader, None)
    now, path = context.clock.now(), context.settings.control.freeze_file
    try:
        freeze(path, f"out of service: {reason}", who=context.actor, at=now)
    except OSError as error:
        raise UsageError("SYN004", f"{path}: {error.strerror}", hint="run it as a user who may write there") from error
    context.log.event("writes.frozen", reason=reason)
    with context.store.write() as conn:
        plans, rows = retiring.close_plans(conn, now=now, why="syncd is out of service")
        gone = sum(retiring.forget_system(conn, system) for system in System) if forget else 0
        facts: dict[str, str | int | None] = {"plans": plans, "rows": rows, "records": gone}
        ledger.append(
            conn,
            at=now,
            event="installation.decommissioned",
            ref=None,
            actor=context.actor,
            run_id=None,
            facts=facts,
            payload={"reason": reason},
        )
    return Decommissioned(plans, rows, gone, _left_to_do(context))


def _settle(context: Context, leader: Leadership, system: System | None) -> None:
    """Read what is in doubt; refuse where that cannot be done."""
    with context.store.read() as conn:
        doubtful = retiring.in_doubt(conn, system)
    if doubtful and context.settings.mode is not Mode.OBSERVE:
        recover_rows(context, leader)
        with context.store.read() as conn:
            doubtful = retiring.in_doubt(conn, system)
    if doubtful:
        raise LeaseHeldError(
            "SYN721",
            f"{doubtful} writes are in doubt: whether they were made is not known yet",
            hint="run `syncd sync` in mode approve or apply, with the CRM reachable, until none is",
        )


def _left_to_do(context: Context) -> tuple[str, ...]:
    steps = ["disable the service on every machine: systemctl disable --now syncd"]
    if context.settings.salesforce is not None:
        steps.append("Salesforce: revoke the External Client App's tokens and deactivate the integration user")
    if context.settings.hubspot is not None:
        steps.append("HubSpot: delete the service key or private app")
    steps += [
        "remove the secrets: /etc/credstore/syncd.*",
        "keep `syncd db backup FILE` with the ledger for as long as your auditors ask, then delete it",
    ]
    return tuple(steps)
