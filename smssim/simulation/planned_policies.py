"""The policies that a scenario file plans, as the ready-made ones of those names."""

from __future__ import annotations

from collections.abc import Callable

from smssim.scenario import Scenario
from smssim.simulation.policies.account_view import Policy
from smssim.simulation.policies.console import RaiseLimit, StopSource, SwitchMode
from smssim.simulation.policies.purchases import TopUpBalance, TopUpQuota

__all__ = ["READY_MADE", "planned_policies"]

READY_MADE: dict[str, Callable[..., Policy]] = {
    "top_up_quota": TopUpQuota,
    "top_up_balance": TopUpBalance,
    "raise_limit": RaiseLimit,
    "switch_mode": SwitchMode,
    "stop_source": StopSource,
}


def planned_policies(scenario: Scenario) -> tuple[Policy, ...]:
    """The policies of a scenario, in file order; they keep nothing between two runs."""
    return tuple(READY_MADE[policy.name](**policy.arguments()) for policy in scenario.policies)
