"""Migrations are tested on SQLite and PostgreSQL."""

from __future__ import annotations

from tests.databases import _migrated_file, clock, database_url, store, store_url

__all__ = ["_migrated_file", "clock", "database_url", "store", "store_url"]
