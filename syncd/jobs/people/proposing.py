"""From a proposal about people to a saved plan: what leaver, joiner and distribution have in common. Calls no CRM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from syncd.errors import UsageError
from syncd.jobs.context import Context
from syncd.jobs.plans.plan import Deliberation, deliberate, input_of, save
from syncd.jobs.recording import recorded
from syncd.model.decisions import Decision
from syncd.model.normalisation import text
from syncd.planning.people.document import Finish, proposal_plan
from syncd.planning.people.table import Table, table_of
from syncd.rules.deciding.frame import Frame
from syncd.rules.pack import Pack
from syncd.rules.suggestion import did_you_mean


@dataclass(frozen=True, slots=True)
class Look:
    """The mirror as the rules see it now, for a proposal."""

    context: Context
    thought: Deliberation

    @classmethod
    def at(cls, context: Context) -> Look:
        """Now; see `deliberate` for what it raises."""
        return cls(context, deliberate(context))

    @property
    def pack(self) -> Pack:
        """The pack, with the overrides that stand in the ledger."""
        return self.thought.pack

    def table(self, without: frozenset[str] = frozenset()) -> Table:
        """The table to lay a proposal out on, its own accounts left out of the loads."""
        book, thought = self.thought.source.book, self.thought
        frame = Frame.of(thought.pack, book.directory, thought.now, book.memory)
        return table_of(frame, thought.decisions, thought.facts, without=without)

    def check_person(self, email: str) -> str:
        """The e-mail of somebody whom the pack or a CRM knows; UsageError SYN650 for anybody else."""
        wanted = text(email)
        known = {*self.pack.reps, *self.thought.source.book.directory.reps}
        known |= {user.email for user in self.thought.source.users.values()}
        if wanted in known:
            return wanted
        hint = did_you_mean(wanted, sorted(known)) or "name a rep of the pack, or a user of a CRM, by e-mail"
        raise UsageError("SYN650", f"neither the pack nor a CRM knows {email!r}", hint=hint)


def propose(look: Look, kind: str, proposed: Mapping[str, Decision], finish: Finish) -> Mapping[str, Any]:
    """Save a proposal as a plan to be approved, and return its document; without changes it has no id."""
    context = look.context
    with recorded(context, kind) as run:
        source = replace(input_of(context, look.thought), kind=kind)
        plan = proposal_plan(
            source, proposed, finish, plan_id=context.entropy.token(), lifetime=context.settings.plan_lifetime
        )
        document = save(context, plan)
        run.summary = {"plan": document["plan_id"], "changes": len(document["changes"])}
    return document
