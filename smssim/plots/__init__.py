"""Pictures of a record: drawn on the Axes given or on a slide of their own, and handed back."""

from smssim.plots.burn_down import burn_down
from smssim.plots.latency import latency
from smssim.plots.thresholds import thresholds

__all__ = ["burn_down", "latency", "thresholds"]
