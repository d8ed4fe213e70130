"""The jobs' journals read as operations: who did what, when, how long it took, and what it changed."""
