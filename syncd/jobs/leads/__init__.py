"""Leads on their fast lane: read, matched to accounts, given to somebody, and their clock watched."""
