"""The facts of all files joined into messages and their delivery reports."""

__all__ = []
