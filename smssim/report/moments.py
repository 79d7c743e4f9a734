"""Means of what a scenario draws: delays, and what one request weighs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from statistics import NormalDist
from typing import NamedTuple

from smssim.scenario import Delay, Traffic
from smssim.scenario.delays import LogNormal

_Z95 = NormalDist().inv_cdf(0.95)


class Moments(NamedTuple):
    """The mean and the standard deviation of a delay, in seconds."""

    mean_s: float
    sd_s: float


def moments(delay: Delay) -> Moments:
    """The mean and the standard deviation of a delay as the scenario writes it."""
    if delay.fixed_s is not None:
        return Moments(delay.fixed_s, 0.0)
    if delay.uniform_s is not None:
        low, high = delay.uniform_s
        return Moments((low + high) / 2, (high - low) / math.sqrt(12))
    if delay.exponential_s is not None:
        return Moments(delay.exponential_s, delay.exponential_s)
    assert delay.lognormal_s is not None
    mean, square = _lognormal(delay.lognormal_s)
    if delay.slow is not None:
        share, (slow_mean, slow_square) = delay.slow.share, _lognormal(delay.slow)
        mean = (1 - share) * mean + share * slow_mean
        square = (1 - share) * square + share * slow_square
    return Moments(mean, math.sqrt(square - mean**2))


def _lognormal(rule: LogNormal) -> tuple[float, float]:
    """The mean and the mean square."""
    variance = (math.log(rule.p95 / rule.median) / _Z95) ** 2
    return rule.median * math.exp(variance / 2), rule.median**2 * math.exp(2 * variance)


def requests_a_day(source: Traffic) -> float:
    """Requests that a source makes a day, on average."""
    sizes = source.recipient_shares()
    return source.messages_a_day * sum(sizes.values()) / sum(n * s for n, s in sizes.items())


def sums(numbers: Mapping[int, float], each: Mapping[int, float]) -> dict[int, float]:
    """The shares of sums by their size: so many independent terms by *numbers*, each by *each*."""
    found: dict[int, float] = {}
    power: dict[int, float] = {0: 1.0}
    for number in range(1, max(numbers) + 1):
        power = _added(power, each)
        for size, share in power.items() if numbers.get(number) else ():
            found[size] = found.get(size, 0.0) + numbers[number] * share
    return found


def mixed(parts: list[tuple[float, Mapping[int, float]]]) -> dict[int, float]:
    """Shares by size of several kinds together, each kind with its weight."""

    def add(found: dict[int, float], part: tuple[float, Mapping[int, float]]) -> dict[int, float]:
        weight, shares = part
        total = sum(shares.values())
        for size, share in shares.items():
            found[size] = found.get(size, 0.0) + weight * share / total
        return found

    return reduce(add, parts, {})


def _added(shares: Mapping[int, float], more: Mapping[int, float]) -> dict[int, float]:
    """The shares of sums of two independent numbers."""
    total, found = sum(more.values()), dict[int, float]()
    for size, share in shares.items():
        for step, own in more.items():
            found[size + step] = found.get(size + step, 0.0) + share * own / total
    return found
