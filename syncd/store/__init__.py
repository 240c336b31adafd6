"""The store: everything syncd remembers, and all of its SQL. SQLite or PostgreSQL, the same behaviour on both.

Every function takes an open connection from `engine.Store`; the caller owns the transaction. The store knows nothing
of CRMs, rules or plans beyond the values of `syncd.model`.
"""
