"""Ready-made policies: what the customer's staff do when the account notifies them of something.

Each is a frozen value for `simulate(..., policies=[...])`, keeps nothing between two runs and
prints as it is constructed, so that a run's provenance shows it (docs/how_to_write_a_policy.md).
"""

from smssim.simulation.policies.console import RaiseLimit, StopSource, SwitchMode
from smssim.simulation.policies.purchases import TopUpBalance, TopUpQuota
from smssim.simulation.policies.reaction import Office

__all__ = ["Office", "RaiseLimit", "StopSource", "SwitchMode", "TopUpBalance", "TopUpQuota"]


def __dir__() -> list[str]:
    """What is for users alone."""
    return __all__
