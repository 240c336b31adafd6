"""Exports: files of accounts, deals and people as rows, whatever wrote them. Knows columns and cells, not accounts."""
