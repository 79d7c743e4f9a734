"""Simulate, Run, AccountView."""

__all__ = []
