"""Comparing two backups, or one with what is live."""
