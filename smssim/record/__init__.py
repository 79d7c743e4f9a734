"""Record, save, load, Tallies."""

__all__ = []
