"""Promises that a scenario must keep, decided by simulated months at a stated risk."""

from smssim.checks.checked import Checked
from smssim.checks.decide import decide
from smssim.checks.verb import ReplicationError, check, verdicts_of
from smssim.checks.verdict import Verdict

__all__ = ["Checked", "ReplicationError", "Verdict", "check", "decide", "verdicts_of"]
