"""Experiments: many runs of one scenario or several, and statistics of their figures."""

from smssim.experiment.api import compare, replicate, sweep
from smssim.experiment.comparison import Comparison
from smssim.experiment.experiment import Experiment
from smssim.experiment.runner import Absolute, RunsInterrupted
from smssim.experiment.uncertainty import uncertainty
from smssim.experiment.unknowns import Uncertainty

__all__ = [
    "Absolute",
    "Comparison",
    "Experiment",
    "RunsInterrupted",
    "Uncertainty",
    "compare",
    "replicate",
    "sweep",
    "uncertainty",
]
