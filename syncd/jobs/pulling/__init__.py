"""Pulling: each CRM read into the mirror, swept, linked and marked; packs fetched from git."""
