"""What the admin sees and types: the `quillkeep` command and, later, the console."""
