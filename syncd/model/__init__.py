"""Pure values that every floor above may use: refs, records, fields, decisions, plans. No I/O, clock or logger."""
