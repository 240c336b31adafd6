"""Arrow in, Arrow out: exports in Parquet, and the evaluator as a function of record batches that any engine can run.

Needs the extra `fast`, and is imported only where Parquet is read. Knows no session, cluster or store.
"""
