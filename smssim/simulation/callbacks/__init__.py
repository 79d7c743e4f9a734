"""Delivery reports on their way to the customer."""

__all__ = []
