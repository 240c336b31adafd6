"""Proving a pack: every claim that can be made about its territories and conditions without any data.

The door of this alcove. Bounded by steps, so that the largest pack ends in seconds: what is left then is undecided.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from syncd.errors import Finding, Place, Severity, sort_key
from syncd.rules.conditions import Condition
from syncd.rules.derivation import Derivation
from syncd.rules.matching.time_window import EvaluationContext
from syncd.rules.pack import Pack, Territory
from syncd.rules.proving.claims import MOST_COUNTED, Claim, Proof, Undecided, claim, withheld
from syncd.rules.proving.clauses import Clauses
from syncd.rules.proving.examples import Examples
from syncd.rules.proving.logic import Budget, ExhaustedError
from syncd.rules.proving.meetings import Meetings
from syncd.rules.proving.reaching import Reaching, contradiction
from syncd.rules.proving.space import Space
from syncd.rules.proving.trees import Tree

STEPS = 1_200_000
"""Steps for each of the four questions about a role: is it reached, holes, overlaps, clauses."""
_SAID_BY_LOADER = frozenset({"SYN255", "SYN264", "SYN265"})


def prove(
    pack: Pack, *, derivation: Derivation, now: datetime, steps: int = STEPS, known: tuple[Finding, ...] = ()
) -> Proof:
    """What holds of every account there can be; `derivation` is how the settings and the pack read raw values.

    `known` findings are not told again. Equal packs give equal proofs, whatever the machine; `now` only chooses the
    dates of examples. `steps` bounds the work: about a microsecond each.
    """
    said = frozenset(found.place for found in known if found.code in _SAID_BY_LOADER and found.place is not None)
    claims = list(_of_conditions(pack, derivation, now))
    undecided: list[Undecided] = []
    decided = 0
    for role, roots in pack.roles.items():
        prover = _RoleProver(pack, role, roots, derivation, now)
        found, open_, count = prover.run(steps, said)
        claims += found
        undecided += open_
        decided += count
    if undecided:
        claims.append(_undecided(undecided, decided))
    return Proof(tuple(sorted(withheld(claims), key=lambda each: sort_key(each.finding))), decided, tuple(undecided))


class _RoleProver:
    """One role's tree and all questions about it, each with a budget of its own."""

    def __init__(
        self, pack: Pack, role: str, roots: tuple[Territory, ...], derivation: Derivation, now: datetime
    ) -> None:
        self._pack = pack
        self._role = role
        self._roots = roots
        self._derivation = derivation
        self._now = now

    def run(self, steps: int, said: frozenset[Place]) -> tuple[list[Claim], list[Undecided], int]:
        """The claims, what stayed open, and how many territories were decided."""
        territories = [each for root in self._roots for each in root.walk()]
        context = EvaluationContext(self._now, self._pack.zone, self._pack.fiscal_year_start)
        budget = Budget(steps)
        try:
            space = Space((each.when for each in territories), (each.effective for each in territories), context)
            tree = Tree(self._roots, space, budget)
        except ExhaustedError:
            why = "the pack is too large for the steps that a check may take"
            return [], [Undecided(each.path, each.place, why) for each in territories], 0
        examples = Examples(self._pack, space, self._derivation, self._now, budget)
        reaching = Reaching(self._pack, self._role, tree, examples, said)
        reaching.run()
        claims = list(reaching.claims)
        types = {name: self._derivation.catalogue.account[name] for name in space.domains}
        meetings = Meetings(self._pack, self._role, tree, examples, types)
        for question in (meetings.holes, meetings.overlaps, Clauses(tree, examples).claims):
            budget.left = steps
            claims += islice(question(), MOST_COUNTED)
        return claims, reaching.undecided, reaching.decided


def _of_conditions(pack: Pack, derivation: Derivation, now: datetime) -> Iterator[Claim]:
    """Contradictions in conditions that stand beside the trees: segments, protect, lifecycle, retrieve."""
    named: list[tuple[str, Condition]] = [(f"the segment `{name}`", each) for name, each in pack.segments.items()]
    named += [(f"`protect: {each.name}`", each.when) for each in pack.protect]
    named += [(f"the stage `{each.name}` of `lifecycle`", each.when) for each in pack.lifecycle]
    if pack.retrieve is not None:
        named.append(("`retrieve`", pack.retrieve.when))
    if not named:
        return
    context = EvaluationContext(now, pack.zone, pack.fiscal_year_start)
    space = Space((each for _, each in named), (), context)
    examples = Examples(pack, space, derivation, now, Budget(STEPS))
    for what, condition in named:
        found = contradiction(space, condition, examples)
        if found is not None:
            why, example = found
            yield claim(
                "SYN352",
                Severity.WARNING,
                f"{what} matches no account: {why}",
                condition.place,
                "correct the condition, or remove it",
                example,
            )


def _undecided(undecided: list[Undecided], decided: int) -> Claim:
    first = min(undecided, key=lambda each: each.place)
    reasons = sorted({each.why for each in undecided})
    shown = ", ".join(f"{each.path} ({each.place})" for each in undecided[:5])
    more = f" and {len(undecided) - 5} more" if len(undecided) > 5 else ""
    count = f"{len(undecided)} of {decided + len(undecided)} territories"
    return Claim(
        Finding(
            "SYN357",
            Severity.NOTE,
            f"of {count} it could not be proved whether any account reaches them: {'; '.join(reasons)}",
            first.place,
            f"they are {shown}{more}",
        )
    )
