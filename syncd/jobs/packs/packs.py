"""Reading a pack as the settings mean it: their fields, rates and shared domains, at an instant of the clock.

One place, so that `check`, `test`, `plan` and the daemon never disagree about the same pack. Where the settings name a
state folder, a large pack that was read before comes from there.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from syncd.errors import Finding, InputError, Severity
from syncd.jobs.currencies.money import money_table
from syncd.jobs.mapping import field_catalogue
from syncd.jobs.packs.pack_cache import FOLDER, PackCache
from syncd.jobs.packs.picklists import Picklists
from syncd.model.refs import Kind
from syncd.rules.pack import Pack
from syncd.rules.reading.reading_memory import ReadingMemory
from syncd.rules.reading.reading_options import ReadingOptions
from syncd.settings import Settings


def inspect_pack(
    settings: Settings,
    root: Path,
    *,
    now: datetime,
    rates_on: date | None = None,
    picklists: Picklists | None = None,
    memory: ReadingMemory | None = None,
) -> tuple[Pack | None, tuple[Finding, ...]]:
    """The pack, None where it cannot be used, and every finding.

    Its amounts are converted by the rates of `now`, or of another day. `picklists` are those of the caller's store;
    without them, of the settings' database. Whoever reads one folder again and again gives a `memory`, which then
    takes the place of what is kept between processes.
    """
    offered = picklists or Picklists.of_settings(settings)
    options = ReadingOptions(
        catalogue=field_catalogue(settings),
        money=money_table(settings.money, on=rates_on or now.date()),
        shared_domains=frozenset(settings.identity.shared_domains),
        schema_values={kind: offered.values(kind) for kind in (Kind.ACCOUNT, Kind.OPPORTUNITY, Kind.LEAD)},
    )
    cache = (
        PackCache(settings.state_dir / FOLDER) if "state_dir" in settings.model_fields_set and memory is None else None
    )
    kept = cache.find(root, options, now=now) if cache is not None else None
    if kept is not None:
        return kept, kept.findings
    from syncd.rules.loader import read_pack  # loads all that reads YAML, which a pack that is kept needs not

    read = read_pack(root, options, now=now, memory=memory)
    if memory is not None and offered.asked:
        memory.forget()  # what the CRMs offer decided something, and changes without the pack
    if cache is not None and not offered.asked:
        # What the CRMs offer decided something here, and changes without the pack: such a pack is always read.
        cache.keep(root, options, read)
    return read.pack, read.findings


def open_pack(
    settings: Settings,
    root: Path,
    *,
    now: datetime,
    rates_on: date | None = None,
    picklists: Picklists | None = None,
    memory: ReadingMemory | None = None,
) -> Pack:
    """The pack; InputError SYN200 with all findings where it cannot be used."""
    pack, findings = inspect_pack(settings, root, now=now, rates_on=rates_on, picklists=picklists, memory=memory)
    if pack is None:
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        summary = f"the pack has {errors} error{'s' if errors != 1 else ''}"
        raise InputError("SYN200", summary, where=str(root), hint="run `syncd check` on it", findings=findings)
    return pack
