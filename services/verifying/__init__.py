"""A verify of one backup, and of those that were verified longest ago."""
