"""Batch execution: many accounts at once over the class tables, with numpy; equal to the classes and to plain rules.

Only this room and its callers import numpy, and only when a batch is asked for (the extra `fast`).
"""
