"""Plans: from decisions to the owners to be written, their approval, their writing and their undoing.

Planning brings the three wings together (connectors by their port, rules, store). It knows no command, renderer or job.
"""
