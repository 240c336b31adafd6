"""What the commands about people print: a proposal in the format that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from syncd.cli.output import show_json


def show_proposal(document: Mapping[str, Any], format_: str) -> None:
    """The plan of a leaver, a joiner or a distribution on stdout."""
    from syncd.report.people_text import people_markdown, people_text

    if format_ == "json":
        show_json(document)
    else:
        click.echo(people_markdown(document) if format_ == "markdown" else people_text(document), nl=False)
