"""Functions and tables of what the service's documents state."""

__all__ = []
