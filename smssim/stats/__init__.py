"""Interval, KeyedRandom, survival, ...."""
