"""Alerts: monitors that look at mirror and ledger, the episodes they open, and the receivers that are told.

Monitors and episodes are pure; `sending` and `receivers` are where anything leaves. Knows no plans and no commands.
"""
