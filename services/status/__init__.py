"""How healthy the backups of a deployment are, as one verdict with its findings."""
