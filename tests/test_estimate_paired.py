"""Intervals of differences of pairs: published examples, laws, and how often they hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from smssim.stats import intervals as estimate
from smssim.stats.intervals import newcombe_paired, quantile_difference

RISK = 1e-6

# Newcombe (Statist. Med. 17, 1998, 2635-2650), method 10, pairs (both, first, second, neither);
# then Cavo et al. (2012) as the R package contingencytables has it (its chapter 8).
PUBLISHED = [
    ((36, 12, 2, 0), (0.0569, 0.3404)),
    ((18, 12, 2, 18), (0.0562, 0.3290)),
    ((53, 0, 0, 1), (-0.0729, 0.0729)),
    ((59, 6, 16, 80), (-0.1186, -0.0046)),
]


@pytest.mark.parametrize(("pairs", "interval"), PUBLISHED)
def test_published_examples_are_met(
    pairs: tuple[int, int, int, int], interval: tuple[float, float]
) -> None:
    both, first, second, neither = pairs
    found = newcombe_paired(*pairs)

    assert found.estimate == pytest.approx((first - second) / sum(pairs))
    assert found[1:] == pytest.approx(interval, abs=1e-4)
    assert newcombe_paired(both, second, first, neither) == pytest.approx(
        (-found.estimate, -found.high, -found.low)
    )
    # A no in place of each yes turns the difference round.
    assert newcombe_paired(neither, first, second, both) == pytest.approx(found)


def test_pairs_that_never_differ_still_have_a_width() -> None:
    assert newcombe_paired(0, 0, 0, 100)[1:] == pytest.approx((-0.0370, 0.0370), abs=1e-4)
    assert newcombe_paired(0, 0, 100, 0).low == pytest.approx(-1)
    with pytest.raises(ValueError, match=r"pairs\(=\(3, -1, 0, 0\)\) must be >= 0"):
        newcombe_paired(3, -1, 0, 0)
    with pytest.raises(ValueError, match="n > 0"):
        newcombe_paired(0, 0, 0, 0)


@pytest.mark.parametrize(
    "chances", [(0.02, 0.05, 0.01, 0.92), (0.3, 0.2, 0.1, 0.4), (0, 0.1, 0, 0.9)]
)
def test_paired_shares_are_covered(chances: tuple[float, float, float, float]) -> None:
    n, truth = 4_000, chances[1] - chances[2]
    drawn = np.random.default_rng(5).multinomial(100, chances, n)
    held = sum(found.low <= truth <= found.high for found in (newcombe_paired(*d) for d in drawn))
    assert held >= stats.binom.ppf(RISK, n, 0.94)


def test_pairing_makes_it_narrower() -> None:
    together, apart = newcombe_paired(45, 5, 0, 50), newcombe_paired(22, 28, 23, 27)
    assert together.estimate == apart.estimate == 0.05
    assert together.high - together.low < (apart.high - apart.low) / 2


def test_differences_of_quantiles_of_pairs_are_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The percentile bootstrap of a p90 of 100 lognormal pairs holds a little less than 95%."""
    monkeypatch.setattr(estimate, "RESAMPLES", 400)
    rng, n = np.random.default_rng(3), 400
    truth = 0.5 * math.exp(stats.norm.ppf(0.9))
    held = 0
    for _ in range(n):
        shared, own = rng.standard_normal((2, 100))
        old, new = np.exp(shared), 1.5 * np.exp(0.9 * shared + math.sqrt(0.19) * own)
        found = quantile_difference(new, old, 0.9, 1)
        held += found.low <= truth <= found.high
    assert held >= stats.binom.ppf(RISK, n, 0.92)


def test_a_difference_of_quantiles_hangs_on_its_seed_alone() -> None:
    old, new = np.random.default_rng(4).exponential(1, (2, 50))
    first = quantile_difference(new, old, 0.8, 7)
    assert first == quantile_difference(new, old, 0.8, 7) != quantile_difference(new, old, 0.8, 8)
    assert first.low <= first.estimate <= first.high
    assert first.estimate == np.quantile(new, 0.8, method="inverted_cdf") - np.quantile(
        old, 0.8, method="inverted_cdf"
    )


def test_degenerate_samples_warn_of_nothing() -> None:
    ones, never = np.ones(20), np.full(20, math.inf)
    assert quantile_difference(ones + 1, ones, 0.5, 1) == (1, 1, 1)
    assert quantile_difference(never, ones, 0.5, 1) == (math.inf, math.inf, math.inf)
    assert np.isnan(quantile_difference(never, never, 0.5, 1)).all()
    mixed = np.where(np.arange(20) < 10, 1.0, math.inf)
    assert quantile_difference(mixed, ones, 0.2, 1).estimate == 0
    with pytest.raises(ValueError, match=r"len\(less\)\(=19\)"):
        quantile_difference(ones, ones[1:], 0.5, 1)
    with pytest.raises(ValueError, match="q"):
        quantile_difference(ones, ones, 1.0, 1)
