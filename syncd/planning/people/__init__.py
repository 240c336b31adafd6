"""People: who takes a leaver's book, what a joiner starts with, how books are filled. Proposals as decisions; pure.

Knows the rules' people, loads and facts; writes and saves nothing, and never overrules a hold.
"""
