"""The way of a lead: which account it belongs to, and who gets it (RULES.md section 7)."""
