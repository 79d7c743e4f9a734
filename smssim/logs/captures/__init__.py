"""Captures: the lines of a customer's own server, written from a run and read as facts."""

__all__ = []
