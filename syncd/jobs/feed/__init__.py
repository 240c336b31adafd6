"""The change feed: who owns what from when, told to other tools in order."""
