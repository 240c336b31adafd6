"""`syncd init`: a settings file and a pack to begin with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from syncd.errors import UsageError

EPILOG = """\b
Example:
  syncd init ~/territories && syncd check ~/territories/pack
  syncd init --list
  syncd init ~/territories --example round-robin
  syncd init --systemd > /etc/systemd/system/syncd.service
"""

STARTER = "starter"
EXAMPLES = {
    STARTER: "a pack to begin with: three territories and two tests",
    "geographic": "small business by ZIP code: a table of ranges",
    "named-accounts": "named accounts from a spreadsheet, overrides, daughters of customers",
    "hybrid-verticals": "verticals first, then places: fit, leeway, a score, a territory that begins later",
    "product-overlays": "owners by region, product specialists and success managers in roles of their own",
    "round-robin": "inbound in turn, by weight and working hours; leads",
    "dynamic-book": "what nobody works comes back, deals in flight stay: retrieve, protect, deal holdouts",
    "hand-over": "from sales to customer success to win-back, by the account's stage: lifecycle, roles, families",
}
"""The packs that ship with syncd and can be copied, with what each is for; the folder's name is the pack's."""


@click.command(epilog=EPILOG)
@click.argument("folder", type=click.Path(path_type=Path), default=Path("."))
@click.option("--systemd", is_flag=True, help="Print the systemd unit for this installation, and write nothing.")
@click.option("--example", default=STARTER, metavar="NAME", show_default=True, help="Which pack to copy; see --list.")
@click.option("--list", "listed", is_flag=True, help="List the packs that can be copied, and write nothing.")
def init(folder: Path, systemd: bool, example: str, listed: bool) -> None:
    """Write config.toml, a pack and its schema.json into FOLDER.

    Nothing is overwritten. Editors with yaml-language-server complete and check rule files by the schema; `syncd
    schema` writes it anew with your own fields.
    """
    from syncd.cli.shipped import copy_tree, shipped
    from syncd.model.fields import FieldCatalogue
    from syncd.rules.schema import json_schema

    if systemd:
        click.echo(_unit(), nl=False)
        return
    if listed:
        for name, purpose in EXAMPLES.items():
            click.echo(f"{name:18}{purpose}")
        return
    if example not in EXAMPLES:
        raise UsageError("SYN022", f"there is no example {example!r}", hint=f"one of: {', '.join(EXAMPLES)}")
    targets = [folder / "config.toml", folder / "pack", folder / "schema.json"]
    existing = [target for target in targets if target.exists()]
    if existing:
        raise UsageError(
            "SYN004", f"{existing[0]} exists already", hint="choose another folder; nothing is overwritten"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        settings = shipped("config.example.toml").read_text(encoding="utf-8")
        (folder / "config.toml").write_text(_commented(settings), encoding="utf-8")
        copy_tree(shipped("examples") / example, folder / "pack")
        schema = json.dumps(json_schema(FieldCatalogue()), indent=2)
        (folder / "schema.json").write_text(schema + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "SYN004", f"{error.filename}: {error.strerror}", hint="choose a folder you may write to"
        ) from error
    click.echo(f"wrote {folder / 'config.toml'} (every key, commented out) and {folder / 'pack'}")
    click.echo(f"wrote {folder / 'schema.json'} (for editors)")
    click.echo("next:")
    click.echo(f"  syncd check {folder / 'pack'}")
    click.echo(f"  syncd test {folder / 'pack'}")
    click.echo(f"  edit {folder / 'config.toml'}, then syncd --config {folder / 'config.toml'} db upgrade")


def _unit() -> str:
    """The unit with the path of the program that is running."""
    import shutil
    import sys

    from syncd.cli.shipped import shipped

    program = shutil.which(sys.argv[0]) or shutil.which("syncd") or "/usr/bin/syncd"
    unit = (shipped("deploy") / "systemd" / "syncd.service").read_text(encoding="utf-8")
    return unit.replace("ExecStart=/usr/bin/syncd ", f"ExecStart={Path(program).absolute()} ")


def _commented(example: str) -> str:
    """The example with every setting commented out but the few that a first try needs."""
    kept = {'mode = "observe"': 'mode = "observe"', "[database]": "[database]", "[pack]": "[pack]"}
    lines = []
    for line in example.splitlines():
        if line.startswith("url = ") and "sqlite" in line:
            lines.append('url = "sqlite:///syncd.db"')
        elif line.startswith('path = "/etc/syncd/pack"'):
            lines.append('path = "pack"')
        elif line in kept or not line or line.startswith("#"):
            lines.append(line)
        else:
            lines.append(f"#{line}")
    return "\n".join(lines) + "\n"
