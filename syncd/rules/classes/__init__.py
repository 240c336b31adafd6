"""Class tables: a pack's conditions answered for one account by its values' classes, equal to the plain evaluator."""
