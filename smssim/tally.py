"""The small aggregates that reports are computed from."""
from __future__ import annotations
class Tallies:
    pass
