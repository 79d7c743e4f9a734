"""Pictures of a record: drawn on the Axes given or on a slide of their own, and handed back."""

from smssim.plots.burn_down import burn_down
from smssim.plots.callbacks import callbacks
from smssim.plots.compare import compare
from smssim.plots.cost import cost
from smssim.plots.cost_by_day import cost_by_day
from smssim.plots.delivery import waterfall
from smssim.plots.failures import failures
from smssim.plots.heat_map import heat_map
from smssim.plots.latency import latency
from smssim.plots.launch_risk import launch_risk
from smssim.plots.onboarding import onboarding
from smssim.plots.review import review
from smssim.plots.thresholds import thresholds

__all__ = [
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
