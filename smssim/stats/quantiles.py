"""Quantiles of a delay from its bins, with what had not ended when the observation did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import SECOND
from smssim.stats.delay_bins import edges_us, middle_us

Ints = NDArray[np.int64]
ROUNDING = 1e-11
"""More than a product of all bins can be off by, less than one message in a thousand million."""


def quantiles_s(seen: Ints, censored: Ints, shares: Sequence[float]) -> list[float]:
    """Kaplan-Meier quantiles in seconds, from the number of delays seen and censored in each bin.

    A censored delay is one longer than its bin says. With none censored the result for share q is
    within 1 % (or a millisecond) of the delay of rank ceil(qn). NaN stands for a quantile that
    cannot be reached.
    """
    at_risk = np.cumsum((seen + censored)[::-1])[::-1]
    staying = 1 - seen / np.maximum(at_risk, 1)
    gone = 1 - np.cumprod(staying)
    return [_first(gone, share) for share in shares]


def by_bin(bins: Ints, messages: Ints) -> Ints:
    """Messages in every bin, from the rows of a tally."""
    counts = np.zeros(len(edges_us()), np.int64)
    np.add.at(counts, bins, messages)
    return counts


def _first(gone: NDArray[Any], share: float) -> float:
    reached = gone >= share - ROUNDING
    # The product never rises again, so the first bin that reaches the share is the quantile's.
    return middle_us(int(np.argmax(reached))) / SECOND if reached.any() else float("nan")
