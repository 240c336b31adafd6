"""`syncd schema`: what an editor needs to complete and check rule files."""

from __future__ import annotations

import click

from syncd.cli.output import show_json
from syncd.cli.session import read_settings, settings_path

EPILOG = """\b
Example:
  syncd schema > schema.json
  # then, first line of each rule file:
  # yaml-language-server: $schema=../schema.json
"""


@click.command(epilog=EPILOG)
@click.pass_context
def schema(ctx: click.Context) -> None:
    """Print the JSON Schema of rule files, your own fields included."""
    from syncd.jobs.mapping import field_catalogue
    from syncd.model.fields import FieldCatalogue
    from syncd.rules.schema import json_schema

    show_json(json_schema(field_catalogue(read_settings(ctx)) if settings_path(ctx) else FieldCatalogue()))
