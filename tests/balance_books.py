"""Planted books to balance: teams whose reps hold very unlike books. The same seed gives the same problem."""

from __future__ import annotations

from random import Random  # noqa: TID251 - seeded: a problem is made again from its number

from syncd.planning.aids.balance_problem import LIVE, WORTH, Problem, Unit


def planted_problem(accounts: int, reps: int, teams: int, *, seed: int, money: bool = True) -> Problem:
    """Accounts of log-normal weight (or 1 each) in teams; one rep in four holds five times what others hold.

    A quarter of the accounts has an open deal. The first of each team is in the team before, too.
    """
    dice, per = Random(seed), reps // teams
    drawn = [dice.choice([1, 1, 2, 5]) for _ in range(reps)]
    weights = [float(int(dice.lognormvariate(9, 1.5))) if money else 1.0 for _ in range(accounts)]
    average, units, base = sum(weights) / accounts, [], [0.0] * reps
    for number, weight in enumerate(weights):
        team = dice.randrange(teams)
        members = sorted({*range(team * per, (team + 1) * per), (team * per + per) % reps})
        owner = dice.choices(members, [drawn[each] for each in members])[0]
        options = tuple(each for each in members if each != owner)
        price = average * (WORTH + (LIVE if dice.random() < 0.25 else 0.0))
        units.append(Unit(f"u{number:06}", owner, weight, options, (price,) * len(options), ((),) * len(options)))
        base[owner] += weight
    return Problem((1.0,) * reps, tuple(base), tuple(units))
