"""Currencies: dated rates as files, and as rules and monitors read them."""
