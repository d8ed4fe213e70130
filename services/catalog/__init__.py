"""Locations and what lies in them: manifests, notes, foreign backups."""
