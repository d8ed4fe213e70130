"""Everything Quillkeep does without a screen."""
