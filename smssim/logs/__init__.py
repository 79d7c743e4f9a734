"""Logs of a customer read into a record, and captures of runs written as he would keep them."""

from smssim.logs.captures.write import write_capture
from smssim.logs.log import Log, QuarantinedError
from smssim.logs.read import read_log

__all__ = ["Log", "QuarantinedError", "read_log", "write_capture"]
