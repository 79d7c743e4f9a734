"""The figures of a delay that a report has a column for: quantiles, and shares of deliveries made
within the times that people ask about, each with its interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smssim.bins import bin_of
from smssim.calendars import SECOND
from smssim.estimate import Interval, wilson
from smssim.report.survival import UNKNOWN, survival
from smssim.report.timing import SOON_US

Ints = NDArray[np.int64]
LATENCIES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
WITHIN_US = {"within_10_s": 10 * SECOND, "within_30_s": 30 * SECOND, "within_3_min": SOON_US}
"""Times that are exact edges of bins."""
COLUMNS = tuple(
    f"{name}{end}" for name in (*LATENCIES, *WITHIN_US) for end in ("", "_low", "_high")
)
SOON = slice(COLUMNS.index("within_3_min"), COLUMNS.index("within_3_min") + 3)
"""Where the columns stand that sending results can tell, too."""
_PLACES = bin_of(np.array(list(WITHIN_US.values()))).tolist()


def of_bins(seen: Ints, censored: Ints) -> list[float]:
    """All columns from the delays seen and censored in each bin."""
    if not seen.any() and not censored.any():
        return [float("nan")] * len(COLUMNS)
    curve = survival(seen, censored)
    found = [curve.quantile_s(share) for share in LATENCIES.values()]
    found += [curve.share_before(place) for place in _PLACES]
    return [value for interval in found for value in interval]


def of_results(soon: int, of: int) -> Interval:
    """The share that took less than 3 minutes of those of which that can be said."""
    return wilson(soon, of) if of else UNKNOWN
