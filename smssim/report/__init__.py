"""Reports: a Record in, a tidy frame out, the same for a simulated and a recorded period."""

from smssim.report.cost import cost
from smssim.report.delivery import delivery, statuses
from smssim.report.summary import summary

__all__ = ["cost", "delivery", "statuses", "summary"]
