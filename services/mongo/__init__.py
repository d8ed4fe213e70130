"""MongoDB: connecting, rights, dumping, loading aside, swapping, proving."""
