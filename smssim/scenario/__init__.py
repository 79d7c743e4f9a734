"""Frozen, validated inputs: a scenario file is everything a simulation needs."""

from smssim.scenario.account import (
    Account,
    Application,
    CountryLimit,
    Package,
    Quota,
    Review,
    Template,
    Thresholds,
    check_thresholds,
)
from smssim.scenario.base import Delay, LogNormal, SlowPart, micro, microseconds
from smssim.scenario.document import Scenario, ScenarioError, Source
from smssim.scenario.network import Callback, Outage, Outcome, Queue, RandomOutages, Route
from smssim.scenario.sources import Call, Calls, GroupTask, Recipient, Resend, Traffic

__all__ = [
    "Account",
    "Application",
    "Call",
    "Callback",
    "Calls",
    "CountryLimit",
    "Delay",
    "GroupTask",
    "LogNormal",
    "Outage",
    "Outcome",
    "Package",
    "Queue",
    "Quota",
    "RandomOutages",
    "Recipient",
    "Resend",
    "Review",
    "Route",
    "Scenario",
    "ScenarioError",
    "SlowPart",
    "Source",
    "Template",
    "Thresholds",
    "Traffic",
    "check_thresholds",
    "micro",
    "microseconds",
]
