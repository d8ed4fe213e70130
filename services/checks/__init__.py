"""Integrity checks, each a small function."""
