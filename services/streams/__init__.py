"""Byte pipelines: sniffing, gzip, tar, hashing."""
