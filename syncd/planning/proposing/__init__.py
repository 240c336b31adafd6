"""Proposing: from decisions to the rows of a plan, guarded, with what each stood on. Pure."""
