"""Reports: a Record in, a tidy frame out, the same for a simulated and a recorded period."""

from smssim.report._record import requirements, requires
from smssim.report.bill_bridge import bill_bridge
from smssim.report.burn_down import burn_down
from smssim.report.callbacks import callbacks, reports_by_hour
from smssim.report.compare import compare, console_statistics, reconcile
from smssim.report.cost import cost, wasted_spend
from smssim.report.delivery import delivery, statuses
from smssim.report.failures import failures
from smssim.report.kpis import kpi, kpis
from smssim.report.latency import latency_curve
from smssim.report.outages import outages
from smssim.report.packages import package_forecast, packages
from smssim.report.projection import month_by_day, projection
from smssim.report.review import onboarding, review, tasks
from smssim.report.tally import heat_map, tally
from smssim.report.thresholds import threshold_usage, thresholds

__all__ = [
    "bill_bridge",
    "burn_down",
    "callbacks",
    "compare",
    "console_statistics",
    "cost",
    "delivery",
    "failures",
    "heat_map",
    "kpi",
    "kpis",
    "latency_curve",
    "month_by_day",
    "onboarding",
    "outages",
    "package_forecast",
    "packages",
    "projection",
    "reconcile",
    "reports_by_hour",
    "requirements",
    "requires",
    "review",
    "statuses",
    "tally",
    "tasks",
    "threshold_usage",
    "thresholds",
    "wasted_spend",
]


def __dir__() -> list[str]:
    """The reports alone, without the modules that hold them."""
    return __all__
