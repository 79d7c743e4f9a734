"""Pictures of a record: drawn on the Axes given or on a slide of their own, and handed back."""

from smssim.plots.bill_bridge import bill_bridge
from smssim.plots.burn_down import burn_down
from smssim.plots.callbacks import callbacks
from smssim.plots.compare import compare
from smssim.plots.cost import cost
from smssim.plots.cost_by_day import cost_by_day
from smssim.plots.delivery import failures, waterfall
from smssim.plots.heat_map import heat_map
from smssim.plots.latency import latency
from smssim.plots.review import launch_risk, onboarding, review
from smssim.plots.thresholds import thresholds

__all__ = [
    "bill_bridge",
    "burn_down",
    "callbacks",
    "compare",
    "cost",
    "cost_by_day",
    "failures",
    "heat_map",
    "latency",
    "launch_risk",
    "onboarding",
    "review",
    "thresholds",
    "waterfall",
]


def __dir__() -> list[str]:
    """The pictures alone, without the modules that hold them."""
    return __all__
