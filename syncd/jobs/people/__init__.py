"""Jobs about people: a leaver's drill, a joiner's first book, filling books, what exceptions cost."""
