"""Packs in words: what their rules say, what covers them, what is wrong with them."""
