"""What stands in the way of reading a table as a whole, and its remedy."""

from __future__ import annotations

from smssim.errors import Plainly


class WrongColumns(Plainly, ValueError):
    """A table whose columns cannot be told, or mean two things; its text names the remedy."""
