"""Loading a backup into a server to see whether it would really come back, and leaving nothing behind."""
