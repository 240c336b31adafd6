"""Plans as text, Markdown, CSV, JSON and pages, and what an apply did."""
