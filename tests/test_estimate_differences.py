"""Intervals of differences: published examples, scipy's figures, and how often they hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from smssim.stats.intervals import (
    Interval,
    mean_interval,
    mover,
    newcombe,
    quantile_interval,
    welch,
)

RISK = 1e-6

# Newcombe (Statist. Med. 17, 1998), table II, method 10: first share, second share, 95% interval.
PUBLISHED = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]


@pytest.mark.parametrize(("first", "second", "interval"), PUBLISHED)
def test_newcombes_examples_are_met(
    first: tuple[int, int], second: tuple[int, int], interval: tuple[float, float]
) -> None:
    found = newcombe(*first, *second)

    assert found.estimate == pytest.approx(first[0] / first[1] - second[0] / second[1])
    assert found[1:] == pytest.approx(interval, abs=5e-5)
    back = newcombe(*second, *first)
    assert back == pytest.approx((-found.estimate, -found.high, -found.low))


@pytest.mark.parametrize(("one", "other"), [(0.05, 0.05), (0.95, 0.9), (0.5, 0.7), (0.02, 0.3)])
def test_newcombe_covers_what_it_promises(one: float, other: float) -> None:
    """Summed over all outcomes of 60 and 90 trials, so there is no chance in it."""
    n, m = 60, 90
    chances = np.outer(
        stats.binom.pmf(np.arange(n + 1), n, one), stats.binom.pmf(np.arange(m + 1), m, other)
    )
    held = 0.0
    for k, j in zip(*np.nonzero(chances > 1e-9), strict=True):
        found = newcombe(int(k), n, int(j), m, 0.9)
        held += chances[k, j] * (found.low <= one - other <= found.high)
    assert 0.87 < held < 0.95


def test_mover_of_normal_means_adds_variances() -> None:
    """Symmetric intervals: halves are added like standard errors."""
    found = mover(Interval(10, 7, 13), Interval(4, 0, 8))
    assert found == pytest.approx((6, 1, 11))


def test_mover_takes_each_end_from_its_side() -> None:
    """Low: the first may be smaller and the second larger; high: the other way round."""
    found = mover(Interval(5, 4, 8), Interval(2, 0, 2 + math.sqrt(3)))
    assert found == pytest.approx((3, 1, 3 + math.sqrt(13)))
    unknown = mover(Interval(5, 4, math.nan), Interval(2, 0, 3))
    assert math.isnan(unknown.high)
    assert unknown.low == pytest.approx(3 - math.sqrt(2))


def test_differences_of_quantiles_are_covered() -> None:
    """Two thousand pairs of samples with known 90% quantiles; order statistics give more."""
    rng, n = np.random.default_rng(11), 2_000
    first, second = rng.exponential(4, (n, 120)), rng.exponential(1, (n, 80))
    truth = (4 - 1) * math.log(10)
    found = sum(
        low <= truth <= high
        for x, y in zip(first, second, strict=True)
        for _, low, high in [mover(quantile_interval(x, 0.9, 0.9), quantile_interval(y, 0.9, 0.9))]
    )
    assert found >= stats.binom.ppf(RISK, n, 0.9)
    assert found <= 0.97 * n


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9999])
def test_welch_is_scipys(confidence: float) -> None:
    rng = np.random.default_rng(3)
    for n, m, sd in ((2, 2, 1), (5, 30, 4), (31, 28, 0.1)):
        x, y = rng.normal(1, 1, n), rng.normal(0, sd, m)
        test = stats.ttest_ind(x, y, equal_var=False)
        expected = test.confidence_interval(confidence)
        found = welch(x, y, confidence)
        assert found.estimate == pytest.approx(x.mean() - y.mean())
        assert found[1:] == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_welch_without_spread_has_no_width() -> None:
    assert welch([2, 2, 2], [1, 1]) == (1, 1, 1)
    one = welch([2, 2, 2], [1, 2, 6])
    alone = mean_interval([1, 2, 6])
    assert one[1:] == pytest.approx((2 - alone.high, 2 - alone.low))


def test_welch_covers_what_it_promises() -> None:
    """Four thousand pairs of normal samples of different spread and size."""
    rng, n = np.random.default_rng(5), 4_000
    first, second = rng.normal(3, 5, (n, 6)), rng.normal(1, 1, (n, 15))
    found = sum(
        low <= 2 <= high
        for x, y in zip(first, second, strict=True)
        for _, low, high in [welch(x, y, 0.9)]
    )
    band = stats.binom.ppf([RISK / 2, 1 - RISK / 2], n, 0.9)
    # Welch's degrees of freedom are an approximation, good to half a percent here.
    assert band[0] - 0.005 * n <= found <= band[1] + 0.005 * n


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: newcombe(3, 2, 1, 2), r"successes\(=3\) must be in 0\.\.n\(=2\)"),
        (lambda: newcombe(1, 2, 0, 0), r"n\(=0\)"),
        (lambda: welch([1.0], [1.0, 2.0]), r"len\(values\)\(=1\) must be >= 2"),
        (lambda: welch([1.0, math.inf], [1.0, 2.0]), "1 that are not finite"),
        (lambda: welch([1.0, 2.0], [1.0, 2.0], 0), r"confidence\(=0\)"),
    ],
)
def test_senseless_values_are_refused(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()
