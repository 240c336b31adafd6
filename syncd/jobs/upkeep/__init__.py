"""Upkeep: backup, retention, erasure and the end of an installation."""
