"""Jobs: processes of their own with a journal, locks and a watcher."""
