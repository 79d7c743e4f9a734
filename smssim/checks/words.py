"""Promises and verdicts in words: figures with their units, intervals, outcomes."""

from __future__ import annotations

import math

from smssim.checks.verdict import Verdict
from smssim.formatting import number, share
from smssim.metrics import UNTIL, YES_OR_NO
from smssim.scenario import Check

OUTCOMES = {"pass": "kept", "fail": "BROKEN", "undecided": "UNDECIDED"}
"""Verdicts in words, which stand out without colour."""


def amount(value: float, unit: str) -> str:
    """A figure of a month with its unit; yes or no as such, and what never came about as never."""
    if unit == YES_OR_NO:
        return {0.0: "no", 1.0: "yes"}.get(value, "-")
    if math.isinf(value) or (math.isnan(value) and unit in UNTIL):
        return "never"
    return f"{number(value)} {unit}" if value == value else "has no value"


def promise(check: Check, unit: str) -> str:
    """What is promised, with its unit: `p90(cost) < 12,000 USD, margin 300 USD`."""
    side, plain = "<" if check.above is None else ">", "" if unit == YES_OR_NO else f" {unit}"
    told = f"{check.kind}({check.figure}) {side} {number(check.bound)}{plain}"
    return f"{told}, margin {number(check.margin)}{plain}" if check.margin else told


def statistic(value: float) -> str:
    """A statistic over months; infinite where it never comes about, a dash if there is none."""
    return "never" if value == math.inf else number(value)


def span(low: float, high: float) -> str:
    """An interval in words, either end of which may be open; infinite itself where a statistic
    never comes about.
    """
    if low == math.inf:
        return "never"
    if math.isnan(low) or math.isnan(high) or (math.isinf(low) and math.isinf(high)):
        return "not known"
    # The bisection that finds an end comes near 0 and never there.
    low, high = round(low, 12), round(high, 12)
    if math.isinf(low):
        return f"up to {number(high)}"
    return f"from {number(low)}" if math.isinf(high) else f"{number(low)} to {number(high)}"


def beyond(verdict: Verdict) -> str:
    """How far the estimate is beyond the bound, or within it."""
    by = verdict.by
    if math.isnan(by):
        return "-"
    if math.isinf(by):
        return "beyond" if by > 0 else "within"
    return f"{number(abs(by))} {'beyond' if by >= 0 else 'within'}"


def months(verdict: Verdict) -> str:
    """The share of months that break the bound by themselves, with its 95 % interval."""
    if math.isnan(verdict.share):
        return "-"
    return f"{share(verdict.share)} ({share(verdict.share_low)} to {share(verdict.share_high)})"
