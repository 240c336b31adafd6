"""What the batch executor says of a book, beside the plain evaluator."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.rules.batch.territories import BatchTerritories, batch_of
from syncd.rules.classes.territories import PackClasses, protect_rules
from syncd.rules.conditions import EvaluationContext, holds
from syncd.rules.deciding.tree import choose_territory
from syncd.rules.facts import Facts


def assert_plain(classes: PackClasses, context: EvaluationContext, book: Sequence[Facts], seed: int) -> None:
    """Territories of every role and protection, of each account, are those of the plain evaluator."""
    pack, answers = classes.pack, BatchTerritories(classes, context)
    batch = batch_of(book, answers.fields)
    for role in pack.roles:
        paths = [() if place < 0 else answers.paths(role)[place] for place in answers.places(role, batch)]
        for company, path in zip(book, paths, strict=True):
            assert path == choose_territory(pack, role, company, context).path, (seed, company.key, role)
    rules = protect_rules(pack)
    expected = [any(holds(rule.when, each, context) for rule in rules) for each in book]
    assert answers.protected(batch).tolist() == expected, seed
