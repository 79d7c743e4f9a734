"""Logs of a customer read into a record, and captures of runs written as he would keep them."""

from smssim.logs.captures.write import write_capture
from smssim.logs.read import Log, QuarantinedError, read_log

__all__ = ["Log", "QuarantinedError", "read_log", "write_capture"]
