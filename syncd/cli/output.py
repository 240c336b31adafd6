"""How commands speak: errors and findings on stderr, results on stdout, progress only where a person watches."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from syncd.errors import Finding, SyncdError, UsageError, sort_key

FORMAT = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)


def show_findings(findings: Iterable[Finding]) -> None:
    """Every finding, in the order of the files, on stderr."""
    for finding in sorted(findings, key=sort_key):
        click.echo(finding.rendered(), err=True)


def show_error(error: SyncdError) -> None:
    """What happened, where, and what to do: all findings, then one line, a hint, and where to read on."""
    from syncd.telemetry.redaction import redacted_text

    show_findings(error.findings)
    where = f"{error.where}: " if error.where else ""
    click.echo(redacted_text(f"error {error.code}: {where}{error.summary}"), err=True)
    if error.hint:
        click.echo(redacted_text(f"  {error.hint}"), err=True)
    click.echo(f"  more: syncd explain {error.code}", err=True)


def show_bug(error: Exception) -> None:
    """What nobody expected: one line, an event in the log, and where it happened under --verbose."""
    from syncd.telemetry import get_log
    from syncd.telemetry.redaction import redacted_text

    where = "".join(traceback.format_exception(error))
    get_log().event("error.unhandled", error=error, where=where)
    click.echo(redacted_text(f"error SYN001: something unexpected happened: {type(error).__name__}: {error}"), err=True)
    click.echo("  this is a bug; `syncd --verbose …` tells where, in the event error.unhandled", err=True)
    click.echo("  more: syncd explain SYN001", err=True)


def show_json(document: Any) -> None:
    """A document as indented JSON on stdout."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def progress() -> Callable[[str], None]:
    """A function that shows one line of progress in place; it does nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        return lambda _: None

    def show(text: str) -> None:
        click.echo(f"\r\033[K{text[:78]}", nl=False, err=True)

    return show


def put(text: str, out: Path | None) -> None:
    """A result on stdout or into a file; UsageError SYN004 where the file cannot be written."""
    put_pieces((text,), out)


def put_pieces(pieces: Iterable[str], out: Path | None) -> None:
    """The same of a result that comes in pieces."""
    if out is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        raise UsageError("SYN004", f"{out}: {error.strerror}", hint="choose a file you may write") from error
    click.echo(f"wrote {out}", err=True)
