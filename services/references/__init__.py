"""The reference check: whether every id that a document names exists."""
