"""Answers: why a company or a lead stands as it does, what is known of it, and who got how much."""
