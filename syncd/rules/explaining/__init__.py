"""Parts of an explanation: clauses with their values, near misses, and what would send an account elsewhere."""
