"""Writing: the rows of an approved plan on their way to a CRM, each compared, sent, read back and settled."""
