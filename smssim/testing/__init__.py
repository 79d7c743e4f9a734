"""Assertions for test suites: what must hold of every record, and of two equal runs.

Each function raises an AssertionError that shows what is wrong and where; both are exact, without a
risk of a false alarm.
"""

from __future__ import annotations

from smssim.testing.conserved import assert_conserved
from smssim.testing.same import assert_same
from smssim.testing.verification import Verification, verify

__all__ = ["Verification", "assert_conserved", "assert_same", "verify"]


def __dir__() -> list[str]:
    """What is for users alone."""
    return __all__
