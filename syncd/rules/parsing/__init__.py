"""Parsing: what stands under `when`, as conditions and matchers, every finding with its place. Knows no whole pack."""
