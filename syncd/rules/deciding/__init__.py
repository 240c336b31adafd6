"""What a decision is made of: the tree, the order of precedence, people, picks and loads."""
