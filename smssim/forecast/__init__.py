"""From a log to a graded forecast: a scenario is fitted, run on from the cut, held to what came."""

from smssim.forecast.fit import Fit, FitError, fit
from smssim.forecast.forecast import Forecast
from smssim.forecast.priors import Growth, Swing

__all__ = ["Fit", "FitError", "Forecast", "Growth", "Swing", "fit"]
