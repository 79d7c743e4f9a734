"""Messages per day: what a fit says of volume is as sure as it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, chisquare

from smssim.forecast.daily_model import DailyCounts, DailyFit, Effects, Scales
from smssim.forecast.priors import COUNTRY_WEEKDAY_SDS, Growth, Swing
from smssim.forecast.sizes import dispersion_of, sizes_of_seconds, two_sizes
from smssim.forecast.volume import Volume, VolumeDraw

DAYS, AHEAD = 28, 14
DRAWS = 99


def one_of(rng: np.random.Generator, weights: dict[float, float]) -> float:
    """A number by its weight."""
    return float(rng.choice(list(weights), p=list(weights.values())))


def world(rng: np.random.Generator, countries: int, days: int = DAYS) -> tuple[DailyCounts, float]:
    """Counts of *days* whose parameters are drawn from the prior, and the total of what follows."""
    growth, swing = Growth(), Swing()
    own = one_of(rng, dict(swing.by_country))
    shared = one_of(rng, dict(swing.shared)) if countries > 1 else 0.0
    sd = one_of(rng, dict(growth.weights))
    rates = rng.normal(0, sd) + (rng.normal(0, sd / 3, countries) if countries > 1 else np.zeros(1))
    day = np.arange(days + AHEAD)
    weekday, weekend = day % 7, np.isin(day % 7, (5, 6)).astype(float)
    level = np.log(rng.uniform(50, 500, countries))
    common = rng.normal(0, 0.5) * weekend + rng.normal(0, 0.15, 7)[weekday]
    together = rng.normal(0, shared, days + AHEAD) if shared else np.zeros(days + AHEAD)
    seen, total = [], 0.0
    for c in range(countries):
        log_mean = level[c] + common + rates[c] * (day + 0.5 - days) + together
        if countries > 1:
            log_mean += rng.normal(0, 0.05) * weekend
            log_mean += rng.normal(0, COUNTRY_WEEKDAY_SDS[0], 7)[weekday]
        factor = rng.gamma(own**-2, own**2, len(day)) if own else 1.0
        messages = rng.poisson(np.exp(log_mean) * factor)
        seen.append(messages[:days].astype(float))
        total += messages[days:].sum()
    n = countries * days
    numbers = np.repeat(np.arange(countries), days)
    each = np.tile(day[:days], countries)
    counts = DailyCounts(
        countries=tuple(f"c{c}" for c in range(countries)),
        country=numbers,
        day=each,
        weekday=each % 7,
        weekend=np.isin(each % 7, (5, 6)).astype(float),
        holiday=np.zeros(n),
        time=(each + 0.5 - days).astype(np.float64),
        messages=np.concatenate(seen),
        exposure=np.ones(n),
        dispersion=np.ones(countries),
    )
    return counts, total


def total_ahead(draw: VolumeDraw, rng: np.random.Generator, first_day: int = DAYS) -> float:
    """The messages of the days that follow, by one set of parameters."""
    day = np.arange(AHEAD)
    together = rng.normal(0, draw.shared_swing, AHEAD) if draw.shared_swing else np.zeros(AHEAD)
    total = 0.0
    for c in range(len(draw.level)):
        mean = draw.level[c] * draw.weekdays[c][(first_day + day) % 7]
        mean = mean * (1 + draw.growth[c]) ** (day + 0.5) * np.exp(together)
        factor = rng.gamma(draw.swing**-2, draw.swing**2, AHEAD) if draw.swing else 1.0
        total += rng.poisson(mean * factor).sum()
    return total


def ranks_of_totals(worlds: int, countries: int, seed: int) -> np.ndarray:
    """The rank of the true total among `DRAWS` predicted ones, world by world."""
    rng = np.random.default_rng(seed)
    ranks = []
    for k in range(worlds):
        counts, total = world(rng, countries)
        volume = Volume(counts, seed=k)
        predicted = [total_ahead(volume.draw(i), rng) for i in range(DRAWS)]
        ties = rng.random() * sum(p == total for p in predicted)
        ranks.append(sum(p < total for p in predicted) + ties)
    return np.array(ranks)


@pytest.mark.parametrize("countries", [1, 3])
def test_totals_are_ranked_evenly(countries: int) -> None:
    """Simulation-based calibration (Talts et al. 2018): of worlds drawn from the prior, the true
    total is at any rank among those drawn. False alarm 0.1 %.
    """
    ranks = ranks_of_totals(40, countries, seed=20 + countries)
    counts = np.histogram(ranks, 5, (0, DRAWS + 1))[0]
    assert chisquare(counts).pvalue > 0.001, counts


@pytest.mark.ci
@pytest.mark.parametrize("countries", [1, 3])
def test_totals_are_ranked_evenly_over_many_worlds(countries: int) -> None:
    """As above with 200 worlds in ten bins; and 90 % intervals hold within the binomial band."""
    ranks = ranks_of_totals(200, countries, seed=90 + countries)
    counts = np.histogram(ranks, 10, (0, DRAWS + 1))[0]
    assert chisquare(counts).pvalue > 0.001, counts
    held = int(((ranks >= 5) & (ranks < 95)).sum())
    low, high = binom.ppf([0.0005, 0.9995], 200, 0.9)
    assert low <= held <= high, held


def test_a_draw_does_not_depend_on_others() -> None:
    """Draw 17 is draw 17, whatever was drawn before."""
    counts, _ = world(np.random.default_rng(1), 2)
    first, second = Volume(counts, seed=4), Volume(counts, seed=4)
    for k in range(17):
        first.draw(k)
    one, other = first.draw(17), second.draw(17)
    assert (one.level == other.level).all()
    assert (one.growth == other.growth).all()


def test_names_and_order_of_rows_do_not_matter() -> None:
    """Days in another order give the same mode, up to rounding."""
    counts, _ = world(np.random.default_rng(2), 2)
    shuffled = counts.only(np.random.default_rng(3).permutation(len(counts.messages)))
    renamed = replace(shuffled, countries=("x", "y"))
    one, other = Volume(counts).mode, Volume(renamed).mode
    np.testing.assert_allclose(one.level, other.level, rtol=1e-6)
    np.testing.assert_allclose(one.weekdays, other.weekdays, rtol=1e-6)
    assert one.swing == other.swing


def test_growth_is_recovered_where_it_is_strong() -> None:
    """Two percent a day over four weeks is seen; its interval holds it."""
    rng = np.random.default_rng(5)
    counts, _ = world(rng, 1)
    rate = np.log(1.02)
    grown = replace(counts, messages=rng.poisson(400 * np.exp(rate * counts.time)).astype(float))
    volume = Volume(grown)
    draws = [float(volume.draw(k).growth[0]) for k in range(DRAWS)]
    assert np.quantile(draws, 0.005) < 0.02 < np.quantile(draws, 0.995)
    assert np.mean(draws) > 0.012


def test_known_growth_narrows_the_total() -> None:
    """Who says that nothing grows gets intervals that are not wider."""
    counts, _ = world(np.random.default_rng(6), 1)
    widths = []
    for growth in (Growth(), Growth(none=1.0, modest=0.0, strong=0.0)):
        volume, rng = Volume(counts, growth), np.random.default_rng(0)
        totals = [total_ahead(volume.draw(k), rng) for k in range(DRAWS)]
        widths.append(np.quantile(totals, 0.95) - np.quantile(totals, 0.05))
    assert widths[1] < widths[0]


def test_requests_of_several_numbers_widen_the_interval() -> None:
    """Ignoring the recipients of a request makes the level look sharper than it is."""
    counts, _ = world(np.random.default_rng(7), 1)
    flat = replace(counts, messages=np.full(DAYS, 200.0))
    spreads = []
    for phi in (1.0, 30.0):
        volume = Volume(replace(flat, dispersion=np.full(1, phi)))
        spreads.append(np.std([volume.draw(k).level[0] for k in range(DRAWS)]))
    assert spreads[1] > 2 * spreads[0]


def test_the_gradient_is_that_of_the_evidence() -> None:
    """At the mode no step of one effect raises the penalised likelihood."""
    counts, _ = world(np.random.default_rng(8), 2)
    fit = DailyFit(Effects(counts), Scales(0.15, 0.05, 0.03, 0.1, 0.07, 0.002))
    fitted = DailyFit(Effects(counts), Scales(0.15, 0.05, 0.03, 0.1, 0.07, 0.002), fit)
    np.testing.assert_allclose(fit.mode, fitted.mode, atol=1e-4)


def test_weights_that_do_not_sum_to_1_are_refused() -> None:
    """The error shows them."""
    with pytest.raises(ValueError, match=r"Growth\(0.99, 0.17, 0.08\): weights must be >= 0"):
        Growth(none=0.99)


def test_sizes_come_out_of_seconds() -> None:
    """Requests of 1 to 5 numbers at a constant rate are told from their seconds within 4 standard
    errors, and phi from them.
    """
    rng = np.random.default_rng(9)
    shares, seconds = np.array([0, 0.7, 0.1, 0.1, 0.0, 0.1]), 400_000
    requests = rng.poisson(0.05, seconds)
    sizes = rng.choice(6, requests.sum(), p=shares)
    second = np.repeat(np.arange(seconds), requests)
    messages = np.bincount(second, sizes, seconds).astype(int)
    of = sizes_of_seconds(dict(enumerate(np.bincount(messages))), seconds)
    assert of is not None
    padded = np.zeros(6)
    padded[: min(6, len(of))] = of[:6]
    true = np.bincount(sizes, minlength=6)
    assert (np.abs(padded - true) < 4 * np.sqrt(true + 30)).all(), (padded, true)
    assert dispersion_of(of) == pytest.approx(dispersion_of(shares), rel=0.1)


def test_busy_seconds_tell_no_sizes() -> None:
    """Where three seconds in ten are busy, the answer is none."""
    assert sizes_of_seconds({0: 60, 1: 40}, 100) is None


@pytest.mark.parametrize("phi", [1.0, 1.5, 6.9, 120.0])
def test_two_sizes_have_the_dispersion_that_is_asked_for(phi: float) -> None:
    """The pair of sizes gives phi back."""
    assert dispersion_of(two_sizes(phi)) == pytest.approx(phi)
