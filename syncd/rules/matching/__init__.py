"""What a condition is made of: matchers, their parser, operands, states and time; one matcher sees one value."""
