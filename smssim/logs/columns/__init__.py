"""Columns of a customer's tables: which is which, and what their texts mean, as facts."""

__all__ = []
