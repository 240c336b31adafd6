"""Renderings of planning aids: each document becomes sections, and sections become text, Markdown or HTML."""
