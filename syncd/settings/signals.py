"""The settings of side tables: whose rows they are, how fresh they must be, and what their columns are called."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from syncd.settings.basics import FieldTable, Section, Span


class SignalSettings(Section):
    """A side table: columns of a CSV, or of a table in syncd's own database, that become fields of accounts."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    """Its name in `explain`, `check` and `doctor`."""
    path: Path | None = None
    """The CSV file; or `table`."""
    table: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """A table or view that somebody keeps in the database of `[database] url`; or `path`."""
    key: str
    """The column that says whose a row is."""
    join: Literal["domain", "salesforce_id", "hubspot_id"] = "domain"
    """What the key is: a domain of the company, or the id of its record."""
    updated: str | None = None
    """The column of dates whose newest says how fresh the table is. Default: the time of the file."""
    stale_after: Span = timedelta(days=7)
    """Older than this the table is stale: what it decides is held."""
    fields: FieldTable
    """Its columns by the name and type that rules know them by."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if (self.path is None) == (self.table is None):
            raise ValueError("a side table is either a file, `path`, or a table of the database, `table`")
        if self.table is not None and self.updated is None:
            raise ValueError("a side table of the database needs `updated`, the column that says how fresh it is")
        if not self.fields:
            raise ValueError("a side table without `fields` says nothing")
        return self
