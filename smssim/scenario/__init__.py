"""Frozen, validated inputs: a scenario file is everything a simulation needs."""

from __future__ import annotations

from smssim.scenario.account import (
    Account,
    Application,
    Contact,
    Frequency,
    NumberRule,
    Package,
    Quota,
    Ticket,
)
from smssim.scenario.delays import Delay, LogNormal, SlowPart, microseconds
from smssim.scenario.demand import Occasion, Swing, growth_factors, occasion_factors
from smssim.scenario.destinations import destinations, registrations
from smssim.scenario.errors.problems import Problem, ScenarioError
from smssim.scenario.fields import micro
from smssim.scenario.group_tasks import CANCEL_BEFORE, DatedTask, GroupTask
from smssim.scenario.json_schema import schema
from smssim.scenario.network import (
    Callback,
    DatedPrice,
    Outage,
    Outcome,
    Queue,
    RandomOutages,
    Route,
)
from smssim.scenario.onboarding import (
    Onboarding,
    Registration,
    registration_rules,
    registration_type,
)
from smssim.scenario.opening import BatchesSoFar, CountryState, InFlight, Opening, UndeliveredCharge
from smssim.scenario.policies import PlannedPolicy
from smssim.scenario.promises import Check, Checking, Where
from smssim.scenario.scenario import Scenario, Source
from smssim.scenario.sources import (
    Call,
    Calls,
    Flaws,
    Recipient,
    Resend,
    ServerResend,
    Traffic,
)
from smssim.scenario.templates import Review, Template
from smssim.scenario.thresholds import (
    CountryLimit,
    MainlandThresholds,
    Thresholds,
    check_thresholds,
)

__all__ = [
    "CANCEL_BEFORE",
    "Account",
    "Application",
    "BatchesSoFar",
    "Call",
    "Callback",
    "Calls",
    "Check",
    "Checking",
    "Contact",
    "CountryLimit",
    "CountryState",
    "DatedPrice",
    "DatedTask",
    "Delay",
    "Flaws",
    "Frequency",
    "GroupTask",
    "InFlight",
    "LogNormal",
    "MainlandThresholds",
    "NumberRule",
    "Occasion",
    "Onboarding",
    "Opening",
    "Outage",
    "Outcome",
    "Package",
    "PlannedPolicy",
    "Problem",
    "Queue",
    "Quota",
    "RandomOutages",
    "Recipient",
    "Registration",
    "Resend",
    "Review",
    "Route",
    "Scenario",
    "ScenarioError",
    "ServerResend",
    "SlowPart",
    "Source",
    "Swing",
    "Template",
    "Thresholds",
    "Ticket",
    "Traffic",
    "UndeliveredCharge",
    "Where",
    "check_thresholds",
    "destinations",
    "growth_factors",
    "micro",
    "microseconds",
    "occasion_factors",
    "registration_rules",
    "registration_type",
    "registrations",
    "schema",
]
