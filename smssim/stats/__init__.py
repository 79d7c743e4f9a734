"""Interval, KeyedRandom, survival, ...."""

__all__ = []
