"""Command lines that nobody meant: any command with any of its options, and words that are not what it asks for.

Drawn from a seed. No word names anything outside the folder that a line runs in, for commands write files too.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random  # noqa: TID251 - seeded, and the line that fails is shown

import click

from syncd.cli.manual import commands

_ENDLESS = {"demo", "sandbox", "serve", "console", "--follow", "--watch"}
"""Commands that make CRMs or run until they are stopped, and options that make others do so."""
_HELP = {"--help", "--version"}
_PLAIN = """
. - -- 0 -1 1 1e400 nan 1.5 1,5 100% 50 a/b ./pack pack config.toml syncd.db out nosuch nosuch/dir
text json html csv salesforce salesforce:account: hubspot:account:1 x:y:z latest 0ee ffffffffffff 2026-11-24
2026-11-24T00:00:00Z 9999-12-31 0001-01-01 2026-02-30 1d 0d -1d 10000000d 5min %s {} [] = a=b country=DE amount=-1 USD
owner account opportunity HEAD HEAD~1 * ? SYN203 SYN999 syn203 strategic monitor=Drift nobody@example.com
"""
_STRANGE = (
    "",
    " ",
    "a b",
    '"',
    "'; drop table records; --",
    "99999999999999999999",
    "a" * 300,
    "a/" * 3000,
    "\t",
    "\x07\x1b[31m",
    "\u202e",
    "🦄",
    "gef\udce4hrlich",
)
"""What no command has a use for: four words in ten."""


def lines(seed: int, count: int) -> Iterator[list[str]]:
    """So many command lines, the same for the same seed."""
    dice = Random(seed)
    known = [(name, command) for name, command in commands() if name not in _ENDLESS and _runs(command)]
    for _ in range(count):
        name, command = dice.choice(known)
        yield [*name.split(), *_words(command, dice)]


def _runs(command: click.Command) -> bool:
    return not isinstance(command, click.Group) or command.invoke_without_command


def _words(command: click.Command, dice: Random) -> list[str]:
    """Some of the command's options and all of its arguments, mostly; what they ask for, or something else."""
    found: list[str] = []
    for param in command.params:
        if isinstance(param, click.Option):
            found += _option(param, dice)
        elif dice.random() < 0.94:
            count = param.nargs if param.nargs > 0 else dice.choice((0, 1, 2))
            found += [_word(param, dice) for _ in range(count)]
    return found


def _option(option: click.Option, dice: Random) -> list[str]:
    name = dice.choice([*option.opts, *option.secondary_opts])
    if name in _ENDLESS | _HELP or dice.random() > (0.9 if option.required else 0.22):
        return []
    if option.is_flag or option.count:
        return [name]
    return [name, *(_word(option, dice) for _ in range(option.nargs))]


def _word(param: click.Parameter, dice: Random) -> str:
    if isinstance(param.type, click.Choice) and dice.random() < 0.8:
        return str(dice.choice(list(param.type.choices)))
    return dice.choice(_STRANGE if dice.random() < 0.4 else _PLAIN.split())
