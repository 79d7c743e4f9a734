"""From a log to a graded forecast: a scenario is fitted, run on from the cut, held to what came."""

from smssim.forecast.backtest import Backtest, backtest
from smssim.forecast.fit import Fit, FitError, fit
from smssim.forecast.forecast import Forecast
from smssim.forecast.priors import Growth, Swing
from smssim.forecast.watch import Watch, watch

__all__ = [
    "Backtest",
    "Fit",
    "FitError",
    "Forecast",
    "Growth",
    "Swing",
    "Watch",
    "backtest",
    "fit",
    "watch",
]


def __dir__() -> list[str]:
    """What is for users alone."""
    return __all__
