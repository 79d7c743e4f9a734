"""Promises that a scenario must keep, decided by simulated months at a stated risk."""

from smssim.checks.check import ReplicationError, check, verdicts_of
from smssim.checks.counterexample import Story
from smssim.checks.decide import decide
from smssim.checks.difference import Difference, difference
from smssim.checks.export import json_of, junit
from smssim.checks.verdict import Checked, Verdict

__all__ = [
    "Checked",
    "Difference",
    "ReplicationError",
    "Story",
    "Verdict",
    "check",
    "decide",
    "difference",
    "json_of",
    "junit",
    "verdicts_of",
]
