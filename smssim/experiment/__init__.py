"""Experiments: many runs of one scenario or several, and what their figures say together."""

from smssim.experiment.api import compare, replicate, sweep
from smssim.experiment.comparison import Comparison
from smssim.experiment.experiment import Experiment
from smssim.experiment.runner import Absolute, Interrupted

__all__ = [
    "Absolute",
    "Comparison",
    "Experiment",
    "Interrupted",
    "compare",
    "replicate",
    "sweep",
]
