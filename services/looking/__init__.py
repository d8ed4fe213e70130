"""Looks: short questions to disks and servers that may never answer, asked in a child process with a time limit."""
