"""Which templates a country's requests send, and how many segments their messages have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import chi2

from smssim.arrays import Floats
from smssim.forecast.cells import Cells
from smssim.forecast.priors import generator
from smssim.forecast.sizes import Sizes

__all__ = ["Mix"]

_TEMPLATE_PRIOR, _SEGMENT_PRIOR = 0.5, 0.2
_ALIKE = 0.01
_LEAST_EXPECTED = 1.0


@dataclass(frozen=True)
class _SegmentMix:
    """Requests by segments each (index, from 0) of one template in *countries*, which are alike."""

    template: str
    countries: tuple[str, ...]
    requests: Floats

    @property
    def _used(self) -> np.ndarray:
        return np.flatnonzero(self.requests)

    @property
    def mean(self) -> dict[int, float]:
        """The share of requests by segments, of those that occur."""
        shares = self.requests[self._used] + _SEGMENT_PRIOR
        return dict(zip(self._used.tolist(), (shares / shares.sum()).tolist(), strict=True))

    def draw(self, seed: int, index: int) -> dict[int, float]:
        """The same, drawn: set *index*."""
        rng = generator(seed, f"segments/{self.template}/{self.countries[0]}", index)
        shares = rng.dirichlet(self.requests[self._used] + _SEGMENT_PRIOR)
        return dict(zip(self._used.tolist(), shares.tolist(), strict=True))


class Mix:
    """Templates by country and segments by template, from *cells*.

    Where requests are not known they are messages divided by the mean size in *sizes*.
    """

    def __init__(self, cells: Cells, sizes: Sizes) -> None:
        rows = cells.mix[cells.mix["segments_each"] > 0]
        self._requests: dict[tuple[str, str], Floats] = {}
        for key, group in rows.groupby(["country", "template"], sort=True, dropna=False):
            country, template = _name(key[0]), _name(key[1])
            self._requests[country, template] = _requests(group, sizes.mean(country, template))
        self._sizes = sizes

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The (country, template) that occur, sorted."""
        return tuple(sorted(self._requests))

    def templates(self, country: str) -> tuple[str, ...]:
        """The templates that a country's messages have."""
        return tuple(template for of, template in self.pairs if of == country)

    def shares(self, country: str) -> dict[str, float]:
        """The expected share of a country's messages by template."""
        return self._of_messages(country, self._concentration(country))

    def draw_shares(self, country: str, seed: int, index: int) -> dict[str, float]:
        """The share of a country's messages by template: set *index*."""
        rng = generator(seed, f"templates/{country}", index)
        return self._of_messages(country, rng.dirichlet(self._concentration(country)))

    def _concentration(self, country: str) -> Floats:
        names = self.templates(country)
        return np.array([self._requests[country, n].sum() + _TEMPLATE_PRIOR for n in names])

    def _of_messages(self, country: str, requests: Floats) -> dict[str, float]:
        """Shares of messages of shares of *requests*."""
        names = self.templates(country)
        messages = requests * [self._sizes.mean(country, name) for name in names]
        return dict(zip(names, (messages / messages.sum()).tolist(), strict=True))

    @cached_property
    def segments(self) -> tuple[_SegmentMix, ...]:
        """The segments of each template, once for all countries where they are alike (p > 0.01)."""
        return tuple(self._pooled())

    def _pooled(self) -> Iterator[_SegmentMix]:
        by_template: dict[str, list[str]] = {}
        for country, template in self.pairs:
            by_template.setdefault(template, []).append(country)
        for template, countries in by_template.items():
            rows = _stacked([self._requests[country, template] for country in countries])
            if _are_alike(rows):
                yield _SegmentMix(template, tuple(countries), rows.sum(axis=0))
                continue
            for country, row in zip(countries, rows, strict=True):
                yield _SegmentMix(template, (country,), row)

    def segments_of(self, country: str, template: str) -> _SegmentMix:
        """The segments of one template in one country."""
        return self._by_pair[country, template]

    @cached_property
    def _by_pair(self) -> Mapping[tuple[str, str], _SegmentMix]:
        return {(country, mix.template): mix for mix in self.segments for country in mix.countries}


def _name(value: object) -> str:
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _requests(rows: pd.DataFrame, mean_size: float) -> Floats:
    """Requests by segments, from 0; of messages where requests are not known."""
    counts = np.zeros(int(rows["segments_each"].max()) + 1)
    known = rows["requests"].to_numpy(np.float64)
    messages = rows["messages"].to_numpy(np.float64)
    counts[rows["segments_each"].to_numpy()] = known if known.sum() else messages / mean_size
    return counts


def _stacked(rows: list[Floats]) -> Floats:
    stacked = np.zeros((len(rows), max(len(row) for row in rows)))
    for of, row in zip(stacked, rows, strict=True):
        of[: len(row)] = row
    return stacked


def _are_alike(rows: Floats) -> bool:
    """Whether the rows' shares do not differ by chi-square."""
    rows = rows[:, rows.sum(axis=0) > 0]
    rows = rows[rows.sum(axis=1) > 0]
    if min(rows.shape, default=0) < 2:
        return True
    expected = rows.sum(axis=1, keepdims=True) * rows.sum(axis=0) / rows.sum()
    used = (expected >= _LEAST_EXPECTED).all(axis=0)
    if used.sum() < 2:
        return True
    statistic = float(((rows - expected) ** 2 / expected)[:, used].sum())
    return float(chi2.sf(statistic, (len(rows) - 1) * (used.sum() - 1))) > _ALIKE
