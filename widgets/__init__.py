"""Parts of the console that know nothing of backups' machinery."""
