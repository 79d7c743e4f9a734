"""The test of distributions raises a false alarm as rarely as it says, and finds what is wrong.

Rates are counted over many samples of a fixed seed; the bands are binomial, at one in a million.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from smssim.testing import assert_distribution
from smssim.testing.distribution import _massart

RISK, TRIALS = 0.05, 500
BAND = 1e-6
Samples = Callable[[np.random.Generator], tuple[Any, Any]]

RIGHT: dict[str, tuple[Samples, bool]] = {
    "normal": (lambda r: (r.normal(3, 2, 50), stats.norm(3, 2)), True),
    "one value": (lambda r: (r.random(1), stats.uniform()), True),
    "exponential, many": (lambda r: (r.exponential(4, 700), stats.expon(scale=4)), True),
    "rounded": (lambda r: (r.normal(0, 1, 200).round(1), stats.norm()), False),
    "rounded down, noisy": (
        lambda r: (np.floor(r.normal(0, 1, 200) * 10) / 10 + 7.3 - 7.3, stats.norm()),
        False,
    ),
    "poisson": (lambda r: (r.poisson(4, 80), stats.poisson(4)), False),
    "binary": (lambda r: (r.binomial(1, 0.3, 40), stats.bernoulli(0.3)), False),
    "coin": (lambda r: ((r.random(400) < 0.5).tolist(), {True: 0.5, False: 0.5}), True),
    "rare": (lambda r: (r.binomial(1, 0.01, 100).tolist(), {1: 0.01, 0: 0.99}), False),
    "statuses": (
        lambda r: (
            r.choice(["DELIVRD", "UNDELIV", "REJECTD"], 300, p=[0.9, 0.08, 0.02]).tolist(),
            {"DELIVRD": 0.9, "UNDELIV": 0.08, "REJECTD": 0.02, "EXPIRED": 0.0},
        ),
        False,
    ),
    "two samples": (lambda r: (r.random(60), r.random(45)), True),
    "two samples with ties": (lambda r: (r.poisson(2, 60), r.poisson(2, 70)), False),
}


def fails(values: Any, expected: Any, risk: float = RISK) -> bool:
    try:
        assert_distribution(values, expected, risk=risk)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("name", RIGHT)
def test_false_alarms_are_as_rare_as_stated(name: str) -> None:
    """At most the risk; and not much less where nothing is discrete, so that it tells something."""
    draw, exact = RIGHT[name]
    rng = np.random.default_rng(20260401)
    alarms = sum(fails(*draw(rng)) for _ in range(TRIALS))
    assert alarms <= stats.binom.isf(BAND, TRIALS, RISK)
    assert not exact or alarms >= stats.binom.ppf(BAND, TRIALS, RISK / 2)


def test_false_alarms_of_large_samples_are_rare() -> None:
    """Beyond what is computed exactly a bound is used, which is careful."""
    rng = np.random.default_rng(5)
    large = [(rng.random(10_001), rng.random(300)) for _ in range(200)]
    assert sum(fails(*one) for one in large) <= stats.binom.isf(BAND, 200, RISK)
    assert fails(rng.random(10_001), rng.random(10_001) ** 1.3, risk=1e-6)
    assert _massart(0.0, 5, 9) == 1


WRONG: dict[str, tuple[Samples, str]] = {
    "shifted": (
        lambda r: (r.normal(3.3, 2, 2_000), stats.norm(3, 2)),
        r"2,000 values do not come from what is expected: Kolmogorov-Smirnov distance 0\.0[0-9]+, "
        r"p-value [0-9.e-]+ <= risk 0\.0001; the gap is largest below [0-9.]+: a share of 0\.[0-9]+"
        r", expected 0\.[0-9]+",
    ),
    "poisson": (
        lambda r: (r.poisson(5, 500), stats.poisson(4)),
        r"distance .* largest below [0-9]+: a share of",
    ),
    "loaded": (
        lambda r: (
            r.choice([1, 2, 3], 2_000, p=[0.5, 0.3, 0.2]).tolist(),
            {1: 0.4, 2: 0.4, 3: 0.2},
        ),
        r"binomial count of [12] .* at [12]: a share of 0\.[0-9]+ \([0-9,]+\), expected 0\.4",
    ),
    "unheard of": (
        lambda r: (["DELIVRD", "LOST"], {"DELIVRD": 1.0}),
        r"p-value 0 .* at 'LOST', which is not expected at all",
    ),
    "two samples": (
        lambda r: (r.random(500), r.random(400) ** 2),
        r"largest up to 0\.[0-9]+: a share of 0\.[0-9]+ and of 0\.[0-9]+ in the 400 expected",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_and_told(name: str) -> None:
    """The statistic, its p-value, the risk, and where the gap is largest."""
    draw, told = WRONG[name]
    values, expected = draw(np.random.default_rng(1))
    with pytest.raises(AssertionError, match=told):
        assert_distribution(values, expected)


def test_rounded_values_that_are_wrong_are_found() -> None:
    """The allowance for rounding is a step, and no more."""
    values = np.random.default_rng(2).normal(0.5, 1, 2_000).round(1)
    assert fails(values, stats.norm(), 1e-4)


def test_the_risk_is_shared_by_all_values_of_a_mapping() -> None:
    """61 of 100 at one half is likely enough among three counts, at a p-value of 0.035 alone."""
    values = [1] * 61 + [2] * 20 + [3] * 19
    assert not fails(values, {1: 0.5, 2: 0.25, 3: 0.25}, 0.05)
    assert fails([1] * 61 + [2] * 39, {1: 0.5, 2: 0.5}, 0.05)


@pytest.mark.parametrize("distance", [0.1, 0.15, 0.2, 0.3])
def test_the_bound_for_two_samples_is_never_below_that_for_one(distance: float) -> None:
    """A sample of very many values is as good as the distribution itself."""
    assert _massart(distance, 100, 10**9) >= stats.kstwo.sf(distance, 100)


def test_values_of_any_kind_are_taken() -> None:
    """Generators and lists, and numbers of a frame."""
    assert_distribution((x / 100 for x in range(1, 100)), stats.uniform())
    assert_distribution([1, 1, 2], {1: 0.5, 2: 0.5})
    assert_distribution([0.5], [0.4, 0.6])


@pytest.mark.parametrize(
    ("values", "expected", "risk", "told"),
    [
        ([], stats.norm(), 0.1, "values must be a sequence of at least one number"),
        ([], {1: 1.0}, 0.1, "values must be a sequence of at least one value"),
        ([1.0], [], 0.1, "expected must be a sequence of at least one number"),
        ([float("nan"), 1], stats.norm(), 0.1, "values must be finite: 1 are not"),
        ([1], {1: 0.5}, 0.1, "probabilities that sum to 1, not to 0.5"),
        ([1], {1: 1.5, 2: -0.5}, 0.1, "probabilities that sum to 1"),
        ([1], {1: float("nan"), 2: 0.5}, 0.1, "probabilities that sum to 1, not to nan"),
        ([1], stats.norm(0, -1), 0.1, "expected must be a distribution"),
        ([1, 2], stats.poisson(-1), 0.1, "expected must be a distribution"),
        ([1], stats.norm(), 0, r"risk\(=0\) must be > 0 and < 1"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    values: Any, expected: Any, risk: float, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        assert_distribution(values, expected, risk=risk)
