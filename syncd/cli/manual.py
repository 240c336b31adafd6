"""The manual page and the shells' completions, made from the commands themselves: what they say cannot go stale.

`make man` writes them to deploy/; a test compares. Knows click and nothing of what commands do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from syncd import __version__
from syncd.cli.catalogue import COMMANDS
from syncd.cli.main import cli

SHELLS = ("bash", "zsh", "fish")
_FILES = """\
.TP
.I /etc/syncd/config.toml
The settings; every key is in the example that `syncd init` writes.
.TP
.I /var/lib/syncd
The database, and the copy of settings and pack that the daemon last found valid.
.TP
.I /run/syncd/control.sock
The control socket, mode 0660, group syncd.
.TP
.I /etc/credstore/syncd.*
Secrets, one a file, that systemd hands to the service.
"""
_EXITS = (
    (0, "fine"),
    (1, "a bug"),
    (2, "usage"),
    (3, "invalid settings, pack or CSV, or findings"),
    (4, "the plan is refused as a whole"),
    (5, "the guard tripped"),
    (6, "a CRM is unreachable or refused"),
    (7, "partly done"),
    (8, "another process holds the lease and cannot be reached"),
)


def man_page() -> str:
    """The manual page syncd(1), in the man macros."""
    parts = [
        f'.TH SYNCD 1 "" "syncd {__version__}" "syncd"',
        ".SH NAME",
        "syncd \\- keeps account ownership right in Salesforce and HubSpot",
        ".SH SYNOPSIS",
        ".B syncd",
        "[\\fB\\-\\-config\\fR \\fIFILE\\fR] [\\fB\\-\\-verbose\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]",
        ".SH COMMANDS",
        *(line for name, command in commands() for line in _command(name, command)),
        ".SH EXIT STATUS",
        *(line for code, text in _EXITS for line in (".TP", f".B {code}", _plain(text))),
        ".SH FILES",
        _FILES.rstrip(),
        ".SH ENVIRONMENT",
        ".TP",
        ".B SYNCD_CONFIG",
        "The settings file. Every key of it has a variable too, such as SYNCD_DATABASE__URL.",
        ".TP",
        ".B NO_COLOR",
        "Plain text is complete without colour.",
        ".SH SIGNALS",
        "Of \\fBsyncd serve\\fR: SIGHUP reads settings and pack again; invalid ones are refused and the last good ones",
        "stay. SIGTERM finishes the current call and ends; a second one ends at once.",
        ".SH SEE ALSO",
        ".BR systemd.service (5),",
        ".BR systemd.exec (5)",
    ]
    return "\n".join(parts) + "\n"


def completion(shell: str) -> str:
    """The completion script of a shell of SHELLS."""
    found = get_completion_class(shell)
    if found is None:
        raise ValueError(f"there is no completion for {shell}")
    return found(cli, {}, "syncd", "_SYNCD_COMPLETE").source().strip() + "\n"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and all below it with their full names, in the order of the catalogue."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        if command is not None:
            yield from _with_those_below(name, command)


def _with_those_below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for below in sorted(command.commands):
            yield from _with_those_below(f"{name} {below}", command.commands[below])


def write_all(folder: Path) -> None:
    """Write the page and the completions into `folder`/man and `folder`/completions."""
    for name, text in files().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def files() -> dict[str, str]:
    """What `write_all` writes, by name."""
    names = {"bash": "syncd", "zsh": "_syncd", "fish": "syncd.fish"}
    scripts = {f"completions/{shell}/{names[shell]}": completion(shell) for shell in SHELLS}
    return {"man/syncd.1": man_page(), **scripts}


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"syncd {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield ".SS"
    yield f"syncd {_plain(name)} {_plain(usage)}".rstrip()
    for paragraph in re.split(r"\n\s*\n", (command.help or "").replace("\b", "")):
        yield ".PP"
        yield _plain(" ".join(paragraph.split()))
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1] and "--help" not in record[0]:
            yield ".TP"
            yield f".B {_plain(record[0])}"
            yield _plain(record[1])
    yield from _examples(command)


def _examples(command: click.Command) -> Iterator[str]:
    """The example that `--help` ends with, as it is typed."""
    lines = [line.strip() for line in (command.epilog or "").replace("\b", "").splitlines()]
    typed = [line for line in lines if line and line != "Example:"]
    if typed:
        yield from (".PP", "Example:", ".PP", ".nf", *map(_plain, typed), ".fi")


def _plain(text: str) -> str:
    """Text that the macros take as it is."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", safe)


if __name__ == "__main__":
    import sys

    write_all(Path(sys.argv[1]))
