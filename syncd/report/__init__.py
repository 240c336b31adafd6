"""Renderers: text, Markdown and tables made of JSON documents alone, so that every format says the same.

No I/O, clock, store or CRM; what a renderer needs stands in the document it is given.
"""
