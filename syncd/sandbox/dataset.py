"""Data for the sandbox: made up from a seed, read from a folder of CSV files, or made around a real list of companies.

Rows are dicts by API field name, ready for the `load` of each face. Knows nothing of the faces and serves nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from syncd.sandbox.seeding import hubspot_callers, salesforce_callers
from syncd.sandbox.seeding.callers import callers
from syncd.sandbox.seeding.companies import Company, listed, made_up
from syncd.sandbox.seeding.dice import dice
from syncd.sandbox.seeding.hubspot_book import HubspotBook
from syncd.sandbox.seeding.people import head_count, owner_rows, sales_floor, user_rows
from syncd.sandbox.seeding.salesforce_book import SalesforceBook
from syncd.sandbox.seeding.staffing import Staffing

Row = dict[str, object]
Tables = Mapping[str, list[Row]]
AS_OF = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""The instant generated dates are relative to unless the caller names another."""
SYSTEMS = ("salesforce", "hubspot")
LISTED_COLUMNS = frozenset(
    {"name", "industry", "sector", "country", "state", "city", "zipcode", "website", "market_cap_band"}
)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of both systems by object: `Account`, `Opportunity`, `User`, …; `companies`, `deals`, `owners`, …"""

    salesforce: Tables = field(default_factory=dict)
    hubspot: Tables = field(default_factory=dict)


def generate(companies: int, seed: int, *, as_of: datetime = AS_OF, leads: int | None = None) -> Dataset:
    """A made-up world of `companies` companies: two thirds stand in Salesforce, half in HubSpot, one in six in both.

    With realistic skew, dirt and duplicates; the same arguments give the same rows. With `leads` each system also has
    contacts and tasks, and about so many leads of the last days; all other rows stay as they are without. ValueError
    for a negative number.
    """
    if companies < 0:
        raise ValueError(f"a world of {companies} companies cannot be made up")
    if leads is not None and leads < 0:
        raise ValueError(f"{leads} leads cannot be made up")
    return _world(made_up(companies, seed, as_of), seed, as_of, dirty=True, leads=leads)


def from_financedb(path: Path, seed: int, *, as_of: datetime = AS_OF) -> Dataset:
    """The listed companies of a CSV file, spread over both systems as `generate` does, with made-up users and deals.

    Salesforce holds names and addresses exactly as in the file, HubSpot holds them misspelled and with duplicates.
    ValueError where the file lacks a column.
    """
    rows = _rows(path)
    if not rows:
        raise ValueError(f"{path}: no rows")
    missing = LISTED_COLUMNS - rows[0].keys()
    if missing:
        raise ValueError(f"{path}:1: missing columns: {', '.join(sorted(missing))}")
    return _world(listed(rows, seed, as_of), seed, as_of, dirty=False)


def load_folder(path: Path) -> Dataset:
    """The data of a folder with `salesforce/Account.csv`, …, `hubspot/companies.csv`, …: columns are API field names.

    An empty cell is no value; other cells stay text, which each face turns into its field's type. Tables come in the
    order to load them in. Raises ValueError that lists every file that cannot be used, as `path:line: what`.
    """
    if not path.is_dir():
        raise ValueError(f"{path}: not a folder")
    findings: list[str] = []
    systems: dict[str, dict[str, list[Row]]] = {system: {} for system in SYSTEMS}
    for system, tables in systems.items():
        for file in sorted((path / system).glob("*.csv"), key=_load_order):
            try:
                tables[file.stem] = [{name: value or None for name, value in row.items()} for row in _rows(file)]
            except ValueError as error:
                findings += str(error).split("\n")
    if not findings and not any(systems.values()):
        findings.append(f"{path}: neither salesforce/*.csv nor hubspot/*.csv found")
    if findings:
        raise ValueError("\n".join(findings))
    return Dataset(systems["salesforce"], systems["hubspot"])


def _load_order(file: Path) -> tuple[int, str]:
    """Files in the order to load them in: who owns, then what is owned, then what refers to it."""
    first = ("user", "owners", "pipelines", "account", "companies")
    return (first.index(file.stem.lower()) if file.stem.lower() in first else len(first), file.stem)


def _world(companies: list[Company], seed: int, as_of: datetime, *, dirty: bool, leads: int | None = None) -> Dataset:
    people = sales_floor(head_count(len(companies)), dice(seed, "people"))
    staffing = Staffing(people)
    throw = dice(seed, "owners")
    owners = [staffing.owner(company.region, throw) for company in companies]
    salesforce = SalesforceBook(companies, owners, staffing, seed=seed, as_of=as_of)
    hubspot = HubspotBook(companies, owners, staffing, seed=seed, as_of=as_of)
    world = Dataset(
        salesforce={
            "User": user_rows(people, as_of),
            "Account": salesforce.accounts(dirty=dirty),
            "Opportunity": salesforce.opportunities(),
            "AccountTeamMember": salesforce.teams(people),
        },
        hubspot={
            "owners": owner_rows(people, as_of),
            "companies": hubspot.companies(),
            "deals": hubspot.deals(),
        },
    )
    return world if leads is None else _peopled(world, (salesforce, hubspot), staffing, seed, as_of, leads)


def _peopled(
    world: Dataset,
    books: tuple[SalesforceBook, HubspotBook],
    staffing: Staffing,
    seed: int,
    as_of: datetime,
    leads: int,
) -> Dataset:
    """The world with the people outside: contacts, tasks, and leads, whom each system hears of separately."""
    accounts, companies = books[0].holdings(), books[1].holdings()
    group, queue = salesforce_callers.queues()
    asked = callers(leads, [each for each, _, _ in accounts], seed, as_of, purpose="salesforce callers")
    wrote = callers(leads, [each for each, _, _ in companies], seed, as_of, purpose="hubspot callers")
    return Dataset(
        salesforce={
            **world.salesforce,
            "Group": group,
            "QueueSobject": queue,
            "Contact": salesforce_callers.contacts(accounts, staffing, seed, as_of),
            "Task": salesforce_callers.tasks(accounts, seed, as_of),
            "Lead": salesforce_callers.leads(asked, accounts, staffing, seed, as_of),
        },
        hubspot={
            **world.hubspot,
            "contacts": hubspot_callers.contacts(wrote, companies, staffing, seed, as_of),
            "tasks": hubspot_callers.tasks(companies, seed, as_of),
        },
    )


def _rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file in UTF-8 with a header; ValueError with one line a problem."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}:1: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[dict[str, str]] = []
    findings: list[str] = []
    try:
        header = next(reader, [])
        if not header or not all(name.strip() for name in header):
            raise ValueError(f"{file}:1: the first line must name every column")
        if len(set(header)) < len(header):
            raise ValueError(
                f"{file}:1: a column is named twice: {', '.join(sorted({n for n in header if header.count(n) > 1}))}"
            )
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                findings.append(f"{file}:{reader.line_num}: {len(cells)} cells, the header names {len(header)}")
                continue
            rows.append(dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        findings.append(f"{file}:{reader.line_num}: {error}")
    if findings:
        raise ValueError("\n".join(findings))
    return rows
