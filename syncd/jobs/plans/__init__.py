"""Plans: made of the mirror or of an export, compared, listed, applied, and settled with what others changed."""
