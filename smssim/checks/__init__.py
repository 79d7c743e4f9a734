"""Promises that a scenario must keep, decided by simulated months at a stated risk."""

from smssim.checks.check import ReplicationError, check
from smssim.checks.counterexample import Story
from smssim.checks.difference import Difference, difference
from smssim.checks.export import json_of, junit, markdown
from smssim.checks.result import CheckResult
from smssim.checks.verdict import Verdict

__all__ = [
    "CheckResult",
    "Difference",
    "ReplicationError",
    "Story",
    "Verdict",
    "check",
    "difference",
    "json_of",
    "junit",
    "markdown",
]
