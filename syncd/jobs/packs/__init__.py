"""Packs: read as the settings mean them, at any revision, kept, tested, and put into one layout."""
