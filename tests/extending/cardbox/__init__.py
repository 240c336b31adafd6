"""Cardbox: a made-up CRM with a connector, the exercise of docs/extending.md."""
