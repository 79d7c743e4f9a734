"""Evidence that holds however often one looks: exact where it says so, and blind to units."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats

from smssim.stats.sequential import (
    FIRST_LOOK,
    beginnings,
    mean_is_above,
    moments_of,
    share_is_above,
)

RISK = 0.01
LOOKS = 400
N_TRIALS = [200, pytest.param(1_000, marks=pytest.mark.ci)]


def most_wrong(n_trials: int) -> int:
    """Wrong verdicts of that many that a true risk of 1% exceeds with probability 1e-4."""
    return int(stats.binom.ppf(1 - 1e-4, n_trials, RISK))


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_the_evidence_of_a_share_is_the_average_likelihood_above_the_bound(
    yes: int, no: int, bound: float
) -> None:
    def likelihood(share: float) -> float:
        return float((share / bound) ** yes * ((1 - share) / (1 - bound)) ** no)

    average = integrate.quad(likelihood, bound, 1)[0] / (1 - bound)
    for risk in (average**-1 * 0.999, average**-1 * 1.001):
        if risk > 0:
            told = bool(share_is_above(yes, yes + no, bound, risk))
            assert told == (average >= 1 / risk)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("n_trials", N_TRIALS)
def test_a_share_at_its_bound_is_hardly_ever_taken_for_more(share: float, n_trials: int) -> None:
    rng = np.random.default_rng(1)
    yes = np.cumsum(rng.random((n_trials, LOOKS)) < share, axis=1)
    ever = share_is_above(yes, np.arange(1, LOOKS + 1), share, RISK).any(axis=1)

    assert ever.sum() <= most_wrong(n_trials)


@pytest.mark.parametrize("bound", [-0.1, 1.0, 1.1])
def test_a_share_is_above_what_is_below_0_and_never_above_1(bound: float) -> None:
    assert share_is_above([0, 3, 9], [9, 9, 9], bound, RISK).tolist() == [bound < 0] * 3


LAWS = {
    "normal": stats.norm(0, 1),
    "uniform": stats.uniform(0, 1),
    "exponential": stats.expon(),
    "lognormal 0.5": stats.lognorm(0.5),
    "lognormal 1": stats.lognorm(1),
    "gamma 0.5": stats.gamma(0.5),
    "yes in 0.2": stats.bernoulli(0.2),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n_trials", N_TRIALS)
def test_a_mean_at_its_bound_is_hardly_ever_taken_for_more(
    name: str, sign: int, n_trials: int
) -> None:
    """Also for the skewed months that Student's t alone is wrong about."""
    law = LAWS[name]
    values = sign * law.rvs((n_trials, LOOKS), random_state=np.random.default_rng(2)).astype(float)
    wrong = sum(
        bool(mean_is_above(beginnings(own), sign * float(law.mean()), RISK).any()) for own in values
    )

    assert wrong <= most_wrong(n_trials)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=FIRST_LOOK, max_size=40),
    st.floats(-1e3, 1e3),
    st.sampled_from([0.001, 7.0, 1e6]),
    st.floats(-1e6, 1e6),
)
@settings(max_examples=100, deadline=None)
def test_moments_are_those_of_each_beginning(
    values: list[float], bound: float, scale: float, shift: float
) -> None:
    own = np.array(values) * scale + shift
    found = beginnings(own)
    last = moments_of(own)

    size = np.abs(own).max() + 1e-9
    assert last.n == len(own)
    assert math.isclose(last.mean, own.mean(), abs_tol=1e-9 * size)
    assert math.isclose(last.sd, own.std(ddof=1), rel_tol=1e-6, abs_tol=1e-6 * size)
    assert len(found.mean) == len(own)
    half = len(own) // 2 + 1
    assert math.isclose(found.mean[half - 1], own[:half].mean(), abs_tol=1e-9 * size)


@pytest.mark.parametrize("bound", [0.0, 50.0, 99.0, 99.999_999])
def test_a_constant_is_certain_when_others_would_have_shown(bound: float) -> None:
    """Unless a floor shows that others cannot be so far away."""
    constant = np.full(80, 100.0)
    certain = np.flatnonzero(mean_is_above(beginnings(constant), bound, RISK))
    floored = np.flatnonzero(mean_is_above(beginnings(constant), bound, RISK, 0.0))

    assert certain[0] + 1 == math.ceil(10 * math.log(100))
    share = 1 - bound / 100  # Of months at the floor that would bring the mean to the bound.
    shown = math.ceil(math.log(100) / max(share, 0.1))
    assert floored[0] + 1 == max(FIRST_LOOK, shown)
    for other in (100.0, 101.0):
        assert not mean_is_above(beginnings(constant), other, RISK).any()


def test_a_bound_that_is_certain_leaves_all_lower_ones_certain() -> None:
    rng = np.random.default_rng(3)
    for own in (rng.normal(size=60), rng.exponential(size=60), -rng.lognormal(size=60)):
        found = moments_of(own)
        bounds = np.linspace(found.mean - 8 * found.sd, found.mean + found.sd, 200)
        told: NDArray[np.bool_] = np.array([mean_is_above(found, b, RISK) for b in bounds])
        assert told[0]
        assert (np.diff(told.astype(int)) <= 0).all()
