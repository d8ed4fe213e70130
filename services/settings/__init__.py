"""Where a deployment's settings come from: files, environment and flags, and which of them wins."""
