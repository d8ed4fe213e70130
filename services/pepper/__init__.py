"""The pepper probe: which stored values a pepper opens."""
