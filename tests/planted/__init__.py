"""The check of the harness: bugs planted into a copy of the tree, each of which some lane must catch."""
