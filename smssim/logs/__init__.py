"""Captures: a run written as its customer's server would keep it, and read back into a Log."""

from smssim.logs.captures.write import write_capture
from smssim.logs.read import Log, read_log

__all__ = ["Log", "read_log", "write_capture"]
