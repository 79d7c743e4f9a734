"""Inverse tables: the distributions they promise, scalar and array alike, monotone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from smssim.stats import inverse_cdf as inverse
from smssim.stats.keyed_random import MASK64

RISK = 1e-6
SECOND = 1_000_000
word64 = st.integers(0, MASK64)
EDGES = [0, 1, MASK64, MASK64 - 1, 1 << 63, (1 << 63) - 1, MASK64 << 52 & MASK64, 4095 << 52]
SLOW = (0.03, 3_600.0 * SECOND, 36_000.0 * SECOND)
SCALE = np.log(15 / 4) / stats.norm.ppf(0.95)
TABLES: dict[str, tuple[inverse.Quantiles, Callable[[np.ndarray], np.ndarray]]] = {
    "fixed": (inverse.fixed(7), lambda p: np.full(len(p), 7.0)),
    "uniform": (inverse.uniform(5, 900_000_005), stats.uniform(5, 9e8).ppf),
    "exponential": (inverse.exponential(45e6), stats.expon(scale=45e6).ppf),
    "lognormal": (inverse.lognormal(4e6, 15e6), stats.lognorm(SCALE, scale=4e6).ppf),
}


def words(n: int, seed: int = 1) -> np.ndarray:
    """Words of NumPy's own generator, so that marks and tables are tested apart."""
    return np.random.default_rng(seed).integers(0, MASK64, n, np.uint64, endpoint=True)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=12).filter(lambda s: sum(s) > 0),
    st.lists(word64, max_size=20),
)
def test_places_of_arrays_are_the_places_of_each(shares: list[float], some: list[int]) -> None:
    """Word by word, and at every boundary; a share of nothing is never hit."""
    table = inverse.Discrete(shares)
    cuts = [cut + d for cut in table._cuts for d in (-1, 0, 1) if 0 <= cut + d <= MASK64]
    all_words = [*some, *EDGES, *cuts]
    found = table.take(np.array(all_words, np.uint64)).tolist()
    assert found == [table.of(word) for word in all_words]
    assert all(shares[place] > 0 for place in found)
    if table.certain is not None:
        assert set(found) == {table.certain}


@settings(max_examples=100, deadline=None)
@given(st.lists(word64, min_size=1, max_size=40), st.sampled_from(sorted(TABLES)))
def test_quantiles_of_arrays_are_the_quantiles_of_each(some: list[int], name: str) -> None:
    """Word by word, in the body and in the tail, and the words stay as they were."""
    table, all_words = TABLES[name][0], np.array([*some, *EDGES], np.uint64)
    before = all_words.copy()
    assert table.take(all_words).tolist() == [table.of(word) for word in before.tolist()]
    assert (all_words == before).all()


@settings(max_examples=200, deadline=None)
@given(word64, word64, st.sampled_from(sorted(TABLES)))
def test_a_greater_word_is_never_a_smaller_value(a: int, b: int, name: str) -> None:
    """Inverses are monotone, which is what makes what-ifs share their random numbers."""
    table = TABLES[name][0]
    assert table.of(min(a, b)) <= table.of(max(a, b))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_quantiles_are_those_of_scipy(name: str) -> None:
    """At the ends of cells to a microsecond; between them, where lines are drawn, to 2%."""
    table, exact = TABLES[name]
    p = np.arange(1, 4_096) / 4_096
    at_ends = [table.of(int(x * 4_096) << 52) for x in p]
    assert at_ends == pytest.approx(exact(p), abs=1, rel=1e-9)
    between = np.concatenate([np.linspace(0.001, 0.999, 9_973), 1 - np.geomspace(1e-3, 1e-6, 50)])
    found = table.take((between * 2.0**64).astype(np.uint64))
    assert found == pytest.approx(exact(between), rel=0.02, abs=1)


def test_a_mixture_with_a_slow_part_is_that_of_both() -> None:
    """The distribution function of the mixture at the table's values is what was asked for."""
    table = inverse.lognormal(4e6, 15e6, SLOW)
    slow = stats.lognorm(np.log(10) / stats.norm.ppf(0.95), scale=SLOW[1])
    fast = stats.lognorm(SCALE, scale=4e6)
    p = np.arange(1, 4_096) / 4_096
    at = np.array([table.of(int(x * 4_096) << 52) for x in p])
    assert 0.97 * fast.cdf(at) + 0.03 * slow.cdf(at) == pytest.approx(p, abs=1e-5)


@pytest.mark.parametrize("name", ["exponential", "lognormal", "uniform"])
def test_values_of_random_words_have_the_distribution(name: str) -> None:
    """KS at a risk of one in a million, on 200,000 words."""
    table, exact = TABLES[name]
    grid = exact(np.linspace(0, 1, 20_001)[:-1])
    values = table.take(words(200_000))
    u = np.interp(values, grid, np.linspace(0, 1, 20_001)[:-1])
    assert stats.kstest(u, "uniform").pvalue > RISK


def test_places_of_random_words_have_their_shares() -> None:
    """Chi-square at a risk of one in a million, shares of any scale and some of nothing."""
    shares = [3.0, 0.0, 1.0, 90.0, 0.01, 6.0, 0.0]
    counts = np.bincount(inverse.Discrete(shares).take(words(1_000_000)), minlength=7)
    assert counts[[1, 6]].tolist() == [0, 0]
    some = np.array(shares) > 0
    expected = np.array(shares)[some] / sum(shares) * counts.sum()
    assert stats.chisquare(counts[some], expected).pvalue > RISK


@pytest.mark.parametrize("shares", [[], [0.0, 0.0], [1.0, -0.1]])
def test_shares_must_be_shares(shares: list[float]) -> None:
    """Nothing, all nothing and less than nothing are refused."""
    with pytest.raises(ValueError, match=r"shares\(=.*\) must be >= 0 and not all 0"):
        inverse.Discrete(shares)


def test_a_percentile_must_be_above_its_median() -> None:
    """Otherwise there is no such log-normal."""
    with pytest.raises(ValueError, match=r"p95\(=4\) must be > median\(=4\) > 0"):
        inverse.lognormal(4, 4)


def test_delays_end_at_a_hundred_days() -> None:
    """Heavy tails are cut where microseconds would leave their range."""
    assert inverse.exponential(1e13).of(MASK64) == inverse.LONGEST_US
    assert inverse.fixed(inverse.LONGEST_US * 2).of(0) == inverse.LONGEST_US


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 3_000), st.floats(1, 1.5), word64)
def test_a_greater_mean_never_gives_a_smaller_count(mean: float, factor: float, word: int) -> None:
    """More volume only adds requests: the inverse is monotone in the mean."""
    less, more = (inverse.poisson(m) for m in (mean, mean * factor))
    assert inverse.poisson_count(less, word) <= inverse.poisson_count(more, word)


@pytest.mark.parametrize("mean", [0.01, 0.7, 4.0, 55.5, 2_000.0])
def test_counts_are_poissons(mean: float) -> None:
    """The table's cuts are scipy's distribution function, in its middle and in its tails."""
    low, cuts = inverse.poisson(mean)
    at = low + np.arange(len(cuts))
    exact = stats.poisson(mean)
    assert np.array(cuts, np.float64) / 2.0**64 == pytest.approx(exact.cdf(at), abs=1e-12)
    assert exact.sf(at[-1]) < 1e-15
    assert exact.cdf(low - 1) < 1e-15


def test_counts_of_words_have_poissons_mean_and_variance() -> None:
    """Within what 100,000 words leave open at a risk of one in a million."""
    table, mean, n = inverse.poisson(3.3), 3.3, 100_000
    counts = np.array([inverse.poisson_count(table, word) for word in words(n).tolist()])
    z = stats.norm.isf(RISK / 2)
    assert abs(counts.mean() - mean) < z * np.sqrt(mean / n)
    # The variance of a sample variance: (kurtosis moment - variance ** 2) / n.
    assert abs(counts.var() - mean) < z * np.sqrt((mean + 2 * mean**2) / n)


@pytest.mark.parametrize("mean", [0.0, -1.0])
def test_no_traffic_gives_no_requests(mean: float) -> None:
    """An hour of weight 0 is empty whatever its word."""
    table = inverse.poisson(mean)
    assert {inverse.poisson_count(table, word) for word in EDGES} == {0}
