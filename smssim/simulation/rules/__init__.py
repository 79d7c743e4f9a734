"""Every rule by which the platform refuses messages, each in one place.

A rule that refuses a class of messages is a `Rule`, one that counts the messages before is a
`CountingRule`: subclass it, write its outcomes, its settings and `refuse`, and add it to RULES.
"""

from __future__ import annotations

from smssim.simulation.rules.frequency import FrequencyLimits
from smssim.simulation.rules.rule import Rule
from smssim.simulation.rules.settings import (
    Addresses,
    Arrears,
    Creation,
    Enabling,
    Limits,
    NumberControl,
    Regions,
    Registrations,
    Suspension,
)

__all__ = [
    "RULES",
    "Addresses",
    "Arrears",
    "Creation",
    "Enabling",
    "FrequencyLimits",
    "Limits",
    "NumberControl",
    "Regions",
    "Registrations",
    "Rule",
    "Suspension",
]

RULES: tuple[type[Rule], ...] = (
    Enabling,
    Creation,
    Suspension,
    Addresses,
    Arrears,
    Limits,
    FrequencyLimits,
    Regions,
    NumberControl,
    Registrations,
)
"""In the order in which they are asked at their stage."""
