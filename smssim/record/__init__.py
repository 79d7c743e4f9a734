"""Record, save, load, Tallies."""
