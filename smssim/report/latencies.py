"""The figures of a delay that a report has a column for: quantiles, and shares of deliveries made
within the times that people ask about, each with its interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import SECOND
from smssim.report.timing import SOON_US, soon_bin
from smssim.stats.delay_bins import bin_of
from smssim.stats.intervals import wilson
from smssim.stats.survival import survival

Ints = NDArray[np.int64]
LATENCIES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
WITHIN_US = {"within_10_s": 10 * SECOND, "within_30_s": 30 * SECOND, "within_3_min": SOON_US}
"""Times that are exact edges of bins."""
COLUMNS = tuple(
    f"{name}{end}" for name in (*LATENCIES, *WITHIN_US) for end in ("", "_low", "_high")
)
_SOON = slice(COLUMNS.index("within_3_min"), COLUMNS.index("within_3_min") + 3)
"""Where the columns stand that sending results can tell, too."""
_NAN = float("nan")
_PLACES = bin_of(np.array(list(WITHIN_US.values()))).tolist()


def figures(seen: Ints, flying: Ints, delivered: int, told: int, soon: int) -> list[float]:
    """All columns of one group, from the delays seen and messages in flight in each bin.

    Of the deliveries without a time sending results tell *told*, *soon* of them within 3 minutes.
    """
    timed = int(seen.sum())
    if timed >= delivered:
        return _of_bins(seen, flying)
    values = [_NAN] * len(COLUMNS)
    known = delivered + int(flying[soon_bin() :].sum())
    if timed + told >= delivered and known:
        values[_SOON] = wilson(soon + int(seen[: soon_bin()].sum()), known)
    return values


def _of_bins(seen: Ints, censored: Ints) -> list[float]:
    if not seen.any() and not censored.any():
        return [_NAN] * len(COLUMNS)
    curve = survival(seen, censored)
    found = [curve.quantile_s(share) for share in LATENCIES.values()]
    found += [curve.share_before(place) for place in _PLACES]
    return [value for interval in found for value in interval]
