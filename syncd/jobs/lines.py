"""The line to the CRMs as the settings mean it: who reads and writes, what forbids it, and rows that are in doubt.

Knows no plan.
"""

from __future__ import annotations

from syncd.errors import RefusedError
from syncd.jobs.context import Context
from syncd.jobs.freezing import check_not_frozen, freeze
from syncd.jobs.leadership import Leadership
from syncd.planning.writing.line import Line
from syncd.planning.writing.recovery import recover
from syncd.settings import Mode


def recover_rows(context: Context, leader: Leadership) -> int:
    """Settle rows that an earlier process left in doubt, by reading them; how many were settled."""
    if context.settings.mode is Mode.OBSERVE:
        return 0
    leader.await_writes()  # a call of the leader before us may still be under way: reading would tell nothing yet
    settled, _ = recover(line_of(context, leader, context.entropy.token()))
    return settled


def line_of(context: Context, leader: Leadership, run_id: str) -> Line:
    """The line to the CRMs; RefusedError SYN511 in a mode that never writes, before a write client is made."""
    if context.settings.mode is Mode.OBSERVE:
        hint = 'set mode = "approve" in the settings to write approved plans'
        raise RefusedError("SYN511", "mode observe never writes", hint=hint)

    def may_write() -> None:
        check_not_frozen(context.settings.control.freeze_file, context.clock.now())
        leader.check()

    def halt(reason: str) -> None:
        """In mode apply nobody watches: a freeze is the only halt that the next round cannot run over."""
        if context.settings.mode is Mode.APPLY:
            freeze(context.settings.control.freeze_file, reason, who="syncd", at=context.clock.now())
            context.log.event("writes.frozen", reason=reason)

    return Line(
        store=context.store,
        readers={system: context.reader(system) for system in context.systems},
        writers={system: context.writer(system) for system in sorted(context.written_systems)},
        clock=context.clock,
        entropy=context.entropy,
        epoch=leader.epoch,
        run_id=run_id,
        may_write=may_write,
        log=context.log.bind(run_id=run_id),
        halt=halt,
    )
