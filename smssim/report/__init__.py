"""Reports: a Record in, a tidy frame out, the same for a simulated and a recorded period."""

from smssim.report.burn_down import burn_down
from smssim.report.callbacks import callbacks
from smssim.report.compare import compare
from smssim.report.console import statistics
from smssim.report.cost import cost
from smssim.report.delivery import delivery, statuses
from smssim.report.failures import failures
from smssim.report.heat_map import heat_map
from smssim.report.kpis import kpis
from smssim.report.latency import latency_curve
from smssim.report.needs import needs, needs_of
from smssim.report.onboarding import onboarding
from smssim.report.outages import outages
from smssim.report.packages import packages
from smssim.report.projection import month_by_day, projection
from smssim.report.received import received
from smssim.report.reconcile import reconcile
from smssim.report.restricted import restricted
from smssim.report.review import review
from smssim.report.run_out import run_down
from smssim.report.staircase import staircase
from smssim.report.summary import summary
from smssim.report.tally import tally
from smssim.report.tasks import tasks
from smssim.report.theory import theory_beside
from smssim.report.thresholds import thresholds
from smssim.report.usage import usage
from smssim.report.waste import waste

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
    "summary",
    "tally",
    "tasks",
    "theory_beside",
    "thresholds",
    "usage",
    "waste",
]
