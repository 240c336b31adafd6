"""Two plans or revisions side by side."""
