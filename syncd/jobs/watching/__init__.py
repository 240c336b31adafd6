"""Watching: monitors and what people do with alerts; how syncd is, in words and in numbers."""
