"""Closed forms that a simulation must agree with where its assumptions are those of a textbook."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smssim.calendars import DAY, HOUR
from smssim.workdays import GMT8_US, WorkCalendar, review_window

REVIEW_WITHIN_S = 3_600.0
"""Mean of a decision that is uniform within two hours, in seconds."""
REVIEW_NEXT_DAY_S = 16_200.0
"""Mean of a decision that is uniform within 09:00-18:00, in seconds after 09:00."""


@dataclass(frozen=True)
class RunOut:
    """When a package of *segments* is used up by messages of one segment: Gamma distributed.

    Times are seconds from the purchase, to the message that takes the last segment; the message
    that finds none is that of a package of one segment more (Ross, Introduction to Probability
    Models, section 5.3: arrival times of a Poisson process are Gamma distributed).
    """

    segments: int
    rate_per_s: float

    def __post_init__(self) -> None:
        if self.segments < 1 or self.rate_per_s <= 0:
            raise ValueError(
                f"segments(={self.segments}) must be >= 1, rate_per_s(={self.rate_per_s}) > 0"
            )

    @property
    def mean_s(self) -> float:
        """The mean, in seconds."""
        return self.segments / self.rate_per_s

    @property
    def variance_s2(self) -> float:
        """The variance, in square seconds."""
        return self.segments / self.rate_per_s**2

    def cdf(self, after_s: float) -> float:
        """The chance of being used up within so many seconds."""
        from scipy.stats import gamma

        return float(gamma.cdf(after_s, self.segments, scale=1 / self.rate_per_s))

    def quantile_s(self, p: float) -> float:
        """The time in seconds by which the package is used up with chance *p*."""
        from scipy.stats import gamma

        return float(gamma.ppf(p, self.segments, scale=1 / self.rate_per_s))


def md1_mean_wait_s(rate_per_s: float, service_s: float) -> float:
    """The mean wait in seconds of Poisson arrivals for a server of one fixed pace (M/D/1).

    That is rho * service / (2 * (1 - rho)) with rho = rate * service; raise a ValueError unless
    rho < 1 (Pollaczek-Khinchine formula; Kleinrock, Queueing Systems I, section 5.6).
    """
    if rate_per_s < 0 or service_s < 0:
        raise ValueError(f"rate_per_s(={rate_per_s}), service_s(={service_s}) must be >= 0")
    load = rate_per_s * service_s
    if load >= 1:
        raise ValueError(f"rate_per_s * service_s(={load}) must be < 1")
    return load * service_s / (2 * (1 - load))


def batch_mean_wait_s(requests_per_s: float, sizes: Mapping[int, float], service_s: float) -> float:
    """The mean wait in seconds of messages that come in requests of several at once, Poisson, for a
    server of one fixed pace (M[X]/D/1); *sizes* are the shares of requests by their messages.

    That is (rho + E[X**2] / E[X] - 1) * service / (2 * (1 - rho)), rho = rate * E[X] * service: a
    request waits as a whole, and its messages for those before them. Raise a ValueError unless
    rho < 1 (Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory, section 3.1;
    Chaudhry and Templeton, A First Course in Bulk Queues, chapter 3).

    >>> batch_mean_wait_s(0.25, {1: 1}, 2) == md1_mean_wait_s(0.25, 2)
    True
    >>> round(batch_mean_wait_s(1e-9, {5: 1}, 1), 6)
    2.0
    """
    mean, square = _moments(sizes)
    wait_s = md1_mean_wait_s(requests_per_s * mean, service_s)
    load = requests_per_s * mean * service_s
    return wait_s + (square / mean - 1) * service_s / (2 * (1 - load))


def mean_overshoot(sizes: Mapping[int, float], level: int, reaches: bool = False) -> float:
    """By how much, on average, a running sum of independent whole steps passes a high *level* that
    it first exceeds (or *reaches*); *sizes* are the shares of steps by their size, from 1.

    That is (E[X**2] / E[X] + d) / 2 less what of the level is no multiple of d, d being the
    greatest common divisor of the sizes: a step that passes is a long one. Raise a ValueError for a
    size < 1 (residual life of a renewal process on a lattice; Feller, An Introduction to
    Probability Theory I, section XIII.11, and II, section XI.4).

    >>> mean_overshoot({1: 1}, 500), mean_overshoot({1: 1}, 500, reaches=True)
    (1.0, 0.0)
    >>> mean_overshoot({30: 1}, 500)
    10.0
    """
    mean, square = _moments(sizes)
    step = math.gcd(*(size for size, share in sizes.items() if share))
    passed = level - 1 if reaches else level
    over = (square / mean + step) / 2 - passed % step
    return over - (level - passed)


def compound_poisson(events: float, mean: float, mean_square: float) -> tuple[float, float]:
    """The mean and the variance of a sum of independent amounts, Poisson in number: *events* are
    expected, with *mean* and *mean_square* of one amount; in the amounts' unit and its square.

    That is events * mean and events * mean_square: a cost is as uncertain as its dearest requests
    make it. Raise a ValueError for less than 0 events or a mean square below the square of the mean
    (Ross, Introduction to Probability Models, section 5.4.2).

    >>> compound_poisson(100, 2.0, 5.0)
    (200.0, 500.0)
    """
    if events < 0 or mean_square < mean**2 * (1 - 1e-12):
        told = f"events(={events}) must be >= 0, mean_square(={mean_square})"
        raise ValueError(f"{told} >= mean(={mean}) squared")
    return events * mean, events * mean_square


def _moments(sizes: Mapping[int, float]) -> tuple[float, float]:
    """The mean and the mean square of whole sizes by their shares, which need not sum to 1."""
    total = sum(sizes.values())
    if not total > 0 or min(sizes.values()) < 0 or min(sizes) < 1:
        raise ValueError(f"sizes(={dict(sizes)}) must be >= 1, with shares >= 0 that are not all 0")
    mean = sum(size * share for size, share in sizes.items()) / total
    return mean, sum(size**2 * share for size, share in sizes.items()) / total


def share_down(mean_up_s: float, mean_down_s: float) -> float:
    """The long-run share of time down of a server that is up and down by turns, from mean seconds.

    It holds whatever the two distributions are; raise a ValueError unless both means are >= 0 and
    one is > 0 (alternating renewal process; Ross, Introduction to Probability Models, section 7.5).
    """
    if min(mean_up_s, mean_down_s) < 0 or not mean_up_s + mean_down_s > 0:
        raise ValueError(f"mean_up_s(={mean_up_s}), mean_down_s(={mean_down_s}): >= 0, not both 0")
    return mean_down_s / (mean_up_s + mean_down_s)


def share_down_variance(
    mean_up_s: float, sd_up_s: float, mean_down_s: float, sd_down_s: float, over_s: float
) -> float:
    """The variance of the share of *over_s* seconds that are down, for many turns; a plain number.

    That is (sd_down**2 * up**2 + sd_up**2 * down**2) / (cycle**3 * over_s), cycle = up + down, and
    the share is nearly normal (Takacs, Acta Math. Hung. 8, 1957: On certain sojourn time problems).
    """
    cycle_s = mean_up_s + mean_down_s
    if cycle_s <= 0 or over_s <= 0:
        raise ValueError(f"mean_up_s + mean_down_s(={cycle_s}), over_s(={over_s}) must be > 0")
    spread = (sd_down_s * mean_up_s) ** 2 + (sd_up_s * mean_down_s) ** 2
    return spread / (cycle_s**3 * over_s)


def mean_review_s(
    first_us: int,
    until_us: int,
    calendar: WorkCalendar,
    within_s: float = REVIEW_WITHIN_S,
    next_day_s: float = REVIEW_NEXT_DAY_S,
) -> float:
    """The mean seconds to a decision of what is handed in at any time in a period.

    *within_s* and *next_day_s* are the mean delays of decisions of the same day and of the next
    workday; integrated over the calendar, window by window (rules: DOMAIN.md section 4). Raise a
    ValueError unless *until_us* is later.
    """
    if until_us <= first_us:
        raise ValueError(f"until_us(={until_us}) must be > first_us(={first_us})")
    twice_us = 0
    same_us = 0
    for begin, end in _constant(first_us, until_us):
        kind, opens = review_window(begin, calendar)
        if kind == "today":
            same_us += end - begin
        if opens > begin:
            # The mean of opens - t over t from begin to end, twice it to stay in integers.
            twice_us += (2 * opens - begin - end) * (end - begin)
    whole_us = until_us - first_us
    waiting_s = twice_us / (2 * whole_us) / 1e6
    same = same_us / whole_us
    return waiting_s + same * within_s + (1 - same) * next_day_s


def _constant(first_us: int, until_us: int) -> Iterator[tuple[int, int]]:
    """Cut a period at 00:00, 09:00 and 18:00 GMT+8, between which the rule of review is one."""
    day = (first_us + GMT8_US) // DAY * DAY - GMT8_US
    while day < until_us:
        for begin, end in ((0, 9 * HOUR), (9 * HOUR, 18 * HOUR), (18 * HOUR, DAY)):
            low, high = max(first_us, day + begin), min(until_us, day + end)
            if low < high:
                yield low, high
        day += DAY
