"""Everything known before the first message."""

__all__ = []
