"""Simulate, Run, AccountView."""
