"""For one's own test suites: what must hold of every record, of two runs, of many values.

Each function raises an AssertionError that says what is wrong and where, and states the risk at
which it raises one though nothing is wrong: none, or the one that is asked for.
"""

from __future__ import annotations

from smssim.testing.conserved import assert_conserved
from smssim.testing.distribution import assert_distribution
from smssim.testing.same import assert_same

__all__ = ["assert_conserved", "assert_distribution", "assert_same"]
