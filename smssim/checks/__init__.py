"""Promises that a scenario must keep, decided by simulated months at a stated risk."""

from smssim.checks.checked import Checked
from smssim.checks.decide import decide
from smssim.checks.difference import Difference, difference
from smssim.checks.junit import junit
from smssim.checks.plain import json_of
from smssim.checks.story import Story
from smssim.checks.verb import ReplicationError, check, verdicts_of
from smssim.checks.verdict import Verdict

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
