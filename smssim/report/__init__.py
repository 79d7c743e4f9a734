"""Reports: a Record in, a tidy frame out, the same for a simulated and a recorded period."""

from smssim.report._record import needs, needs_of
from smssim.report.burn_down import burn_down
from smssim.report.callbacks import callbacks, received
from smssim.report.compare import compare, reconcile, statistics
from smssim.report.cost import cost, waste
from smssim.report.delivery import delivery, failures, statuses
from smssim.report.heat_map import heat_map
from smssim.report.kpis import kpis, restricted
from smssim.report.latency import latency_curve
from smssim.report.outages import outages
from smssim.report.packages import packages, run_down
from smssim.report.projection import month_by_day, projection
from smssim.report.review import onboarding, review, tasks
from smssim.report.tally import tally
from smssim.report.theory import theory_beside
from smssim.report.thresholds import staircase, thresholds, usage

__all__ = [
    "burn_down",
    "callbacks",
    "compare",
    "cost",
    "delivery",
    "failures",
    "heat_map",
    "kpis",
    "latency_curve",
    "month_by_day",
    "needs",
    "needs_of",
    "onboarding",
    "outages",
    "packages",
    "projection",
    "received",
    "reconcile",
    "restricted",
    "review",
    "run_down",
    "staircase",
    "statistics",
    "statuses",
    "tally",
    "tasks",
    "theory_beside",
    "thresholds",
    "usage",
    "waste",
]
