"""Validation of live collections: the server's own, and what the application expects of its documents."""
