"""The restore wizard, one file a step."""
