"""One operation, one module: each a verb composed from the services."""
