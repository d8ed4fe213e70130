"""Cases of the matrix of checks, one module a subject."""
