"""Linking records of two systems into companies. Pure: records in, links with evidence out."""

from __future__ import annotations

from syncd.identity.linking import Candidate, Linking, link_accounts

__all__ = ["Candidate", "Linking", "link_accounts"]
