"""Inverse questions: the smallest package, the highest limit, the latest date."""

from smssim.checks.find.launch import launch_risk
from smssim.checks.find.questions import (
    highest_limit,
    largest,
    latest_submission,
    lowest_throughput,
    smallest,
    smallest_package,
)
from smssim.checks.find.search import Answer, Probe, search

__all__ = [
    "Answer",
    "Probe",
    "highest_limit",
    "largest",
    "latest_submission",
    "launch_risk",
    "lowest_throughput",
    "search",
    "smallest",
    "smallest_package",
]


def __dir__() -> list[str]:
    """What is for users alone."""
    return __all__
