"""The rule language: loading packs, conditions, the engine, cases and explanations. Pure; no SQL, HTTP or logger."""
