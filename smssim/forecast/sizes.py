"""Recipients per request, which make counts scatter more than single messages would.

What matters for volume is phi, the mean of the squared sizes over the mean size. Requests are
stated by a simulation and a capture; an export's sizes come of the messages of single seconds
(Panjer's recursion solved for the sizes: Buchmann and Gruebel, Ann. Statist. 31, 2003), or phi from
the scatter of quarters of an hour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from smssim.arrays import Floats, Ints
from smssim.forecast.cells import Cells
from smssim.forecast.priors import generator
from smssim.forecast.rhythm import LocalDays

__all__ = ["Sizes", "dispersion_of", "dispersion_of_clock", "sizes_of_seconds", "two_sizes"]

_POOLED_REQUESTS = 20.0
"""How many requests of everybody's sizes each country and template begins with."""
_BUSY = 0.3
_WHOLE_DAY = 96


def dispersion_of(sizes: Floats) -> float:
    """Phi, the mean squared size over the mean, of counts of requests by size from 0.

    >>> dispersion_of(np.array([0, 10, 0, 10]))
    2.5
    """
    k = np.arange(len(sizes))
    messages = float((sizes * k).sum())
    return float((sizes * k**2).sum()) / messages if messages else 1.0


@dataclass(frozen=True)
class Sizes:
    """Requests by size (index, from 0) of each country and template, as counts that may be broken.

    `pooled` are the sizes of all together, of which every country and template has twenty requests
    (empirical Bayes), so that one of few requests has everybody's sizes.
    """

    counts: Mapping[tuple[str, str], Floats]

    @classmethod
    def of(cls, cells: Cells) -> Sizes:
        """The sizes that the cells hold; empty where requests are not known."""
        counts = {}
        for key, rows in cells.sizes.groupby(["country", "template"], sort=True, dropna=False):
            sizes = np.zeros(int(rows["size"].max()) + 1)
            sizes[rows["size"].to_numpy()] = rows["requests"].to_numpy()
            counts[str(key[0]), str(key[1])] = sizes
        return cls(counts)

    @property
    def pooled(self) -> Floats:
        """Shares of the sizes over all countries and templates; 1 where none is known."""
        longest = max((len(sizes) for sizes in self.counts.values()), default=2)
        total = np.zeros(max(longest, 2))
        for sizes in self.counts.values():
            total[: len(sizes)] += sizes
        if not total.sum():
            total[1] = 1.0
        shares: Floats = total / total.sum()
        return shares

    def concentration(self, country: str, template: str) -> Floats:
        """The Dirichlet's parameters of one country and template, by size from 0."""
        parameters = _POOLED_REQUESTS * self.pooled
        counts = self.counts.get((country, template), np.zeros(0))
        parameters[: len(counts)] += counts
        return parameters

    def draw(self, country: str, template: str, seed: int, index: int) -> Floats:
        """Shares of the sizes from 0: set *index*."""
        parameters = self.concentration(country, template)
        used = parameters > 0
        rng = generator(seed, f"sizes/{country}/{template}", index)
        shares = np.zeros(len(parameters))
        shares[used] = rng.dirichlet(parameters[used])
        return shares

    def mean(self, country: str, template: str) -> float:
        """The expected number of recipients of a request."""
        sizes = self.concentration(country, template)
        return float(sizes @ np.arange(len(sizes)) / sizes.sum())

    def dispersion(self, country: str) -> float:
        """Phi of all requests to a country."""
        sizes = np.zeros(len(self.pooled))
        for (of, template), counts in self.counts.items():
            if of == country and counts.sum():
                shares = self.concentration(of, template)
                sizes += shares * counts.sum() / shares.sum()
        return dispersion_of(sizes if sizes.sum() else self.pooled)


def sizes_of_seconds(seconds: Mapping[int, int], all_seconds: int) -> Floats | None:
    """Requests by size from counts of *seconds* by their number of messages, out of *all_seconds*.

    Exact at a constant rate; None where three seconds of ten or more are busy, as requests then
    fall together too often to be told apart.
    """
    busy = sum(count for size, count in seconds.items() if size)
    if not busy or busy >= _BUSY * all_seconds:
        return None
    longest = max(seconds)
    share = np.zeros(longest + 1)
    for size, count in seconds.items():
        share[size] = count / all_seconds
    empty = 1 - busy / all_seconds
    rate = np.zeros(longest + 1)
    k = np.arange(longest + 1)
    for n in range(1, longest + 1):
        others = float((k[1:n] * rate[1:n] * share[n - 1 : 0 : -1]).sum()) / n
        rate[n] = max((share[n] - others) / empty, 0.0)
    messages = float((k * share).sum()) * all_seconds
    scaled: Floats = rate * (messages / float((k * rate).sum()))
    return scaled


def dispersion_of_clock(days: LocalDays) -> float:
    """Phi from the scatter of quarters of an hour around their local profile, at least 1.

    Differences of neighbouring residuals, so that neither a day's level nor a slowly wrong profile
    counts as scatter; whole local days that were seen only. 1 where there are fewer than two.
    """
    messages, mean = _whole_days(days)
    if len(messages) < 2:
        return 1.0
    residual = messages - mean
    squares = float((np.diff(residual, axis=1) ** 2).sum())
    expected = float((mean[:, 1:] + mean[:, :-1]).sum())
    n = len(messages)
    return max(squares / expected * n / (n - 1), 1.0) if expected else 1.0


def _whole_days(days: LocalDays) -> tuple[Floats, Floats]:
    """Messages by quarter of each whole day, and their mean by the days' common profile."""
    numbers, counts = np.unique(days.day[days.seen], return_counts=True)
    whole: Ints = numbers[counts == _WHOLE_DAY]
    rows = [days.messages[(days.day == day) & days.seen] for day in whole.tolist()]
    messages = np.array(rows, np.float64).reshape(len(rows), _WHOLE_DAY)
    total = messages.sum()
    profile = messages.sum(axis=0) / total if total else np.zeros(_WHOLE_DAY)
    return messages, messages.sum(axis=1, keepdims=True) * profile


def two_sizes(dispersion: float) -> Floats:
    """Shares of requests by size with that phi, where no more is known: one, and a larger size.

    >>> dispersion_of(two_sizes(6.9))
    6.9
    """
    if dispersion <= 1:
        return np.array([0.0, 1.0])
    large = 3 * math.ceil(dispersion)
    share = (dispersion - 1) / ((large - 1) * (large + 1 - dispersion))
    shares = np.zeros(large + 1)
    shares[1], shares[large] = 1 - share, share
    return shares
