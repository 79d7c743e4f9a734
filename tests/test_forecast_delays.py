"""Delays and final statuses of a fit: pending messages and rounded clocks do not mislead it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, norm

from smssim.forecast.delay_counts import VALIDITY_S, DelayCounts
from smssim.forecast.delay_families import FAMILIES, Family
from smssim.forecast.delay_fit import DelayFit, Likelihood
from smssim.forecast.delays import points_of
from smssim.forecast.goodness import ObservedCurve, goodness
from smssim.forecast.parameter_table import quantile_s
from smssim.stats.delay_bins import bin_of, edges_us

DAY_S = 86_400.0
GRID_S = np.logspace(-2, 6.5, 4_000)
TRUE_DELIVERED, TRUE_FAILED = 0.95, 0.03


class Messages:
    """Messages with true ends and delays, seen at a cut; by default those of an ordinary route."""

    def __init__(
        self,
        rng: np.random.Generator,
        n: int,
        days: float = 7,
        body: tuple[float, float] = (1.4, 0.8),
        slow: tuple[float, float, float] = (0.03, 9.5, 1.3),
        shares: tuple[float, float] = (TRUE_DELIVERED, TRUE_FAILED),
    ) -> None:
        self.age_s = rng.uniform(0, days * DAY_S, n)
        end = rng.random(n)
        self.delivered = end < shares[0]
        self.failed = ~self.delivered & (end < sum(shares))
        is_slow = rng.random(n) < slow[0]
        log = np.where(is_slow, rng.normal(slow[1], slow[2], n), rng.normal(*body, n))
        self.delay_s = np.where(self.delivered | self.failed, np.exp(log), np.inf)
        self.phase_s = rng.random(n)

    def counts(self, unit_s: float = 0.0, drop_pending: bool = False) -> DelayCounts:
        """What a log shows of them at the cut, its times cut to whole units."""
        final = (self.delay_s < self.age_s) & (self.delay_s < VALIDITY_S)
        expired = ~final & (self.age_s > VALIDITY_S)
        pending = ~final & ~expired
        shown = self.delay_s
        if unit_s:
            begin = self.phase_s * 1e6
            shown = np.floor((begin + shown) / unit_s) * unit_s - np.floor(begin / unit_s) * unit_s
        ages = self.age_s[pending] if not drop_pending else np.array([])
        return DelayCounts(
            _binned(shown[final & self.delivered]),
            _binned(shown[final & self.failed]),
            float(expired.sum()),
            _binned(ages),
            np.zeros(3),
            np.zeros(3),
        )


def _binned(seconds: np.ndarray) -> np.ndarray:
    bins = bin_of(np.rint(seconds * 1e6).astype(np.int64))
    return np.bincount(bins, minlength=len(edges_us())).astype(float)


def fitted(counts: DelayCounts, unit_s: float = 0.0, family: int = 1) -> DelayFit:
    """One family, the log-normal with a slow part by default."""
    return DelayFit.to(Likelihood(counts, unit_s), FAMILIES[family])


def p95(fit: DelayFit, parameters: np.ndarray | None = None) -> float:
    """The 95th percentile of the delivered, in seconds."""
    return float(np.interp(0.95, fit.cdf(GRID_S, parameters), GRID_S))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("unit_s", [0.0, 1.0, 60.0])
def test_derivatives_are_those_of_the_likelihood(family: Family, unit_s: float) -> None:
    """The analytic gradient is that of central differences."""
    messages = Messages(np.random.default_rng(1), 2_000, slow=(0.0, 0.0, 1.0))
    likelihood = Likelihood(messages.counts(unit_s), unit_s)
    at = likelihood.start(family) + 0.1
    _, gradient = likelihood.of(at, family)
    step = 1e-5
    differences = [
        (likelihood.of(at + step * unit, family)[0] - likelihood.of(at - step * unit, family)[0])
        / (2 * step)
        for unit in np.eye(len(at))
    ]
    np.testing.assert_allclose(gradient, differences, atol=1e-5 * np.abs(gradient).max())


def test_rounding_is_undone() -> None:
    """The same messages by a clock of microseconds and of seconds have the same p95 within their
    standard error; bins taken as they are have not.
    """
    messages = Messages(np.random.default_rng(2), 20_000)
    exact = p95(fitted(messages.counts()))
    seconds = p95(fitted(messages.counts(1.0), 1.0))
    # 20,000 messages: p95 has a standard error of about 1.5 %; the two share their messages.
    assert seconds == pytest.approx(exact, rel=0.03)
    minute = fitted(messages.counts(60.0), 60.0).outcome_shares
    assert minute.delivered == pytest.approx(TRUE_DELIVERED, abs=4 * 0.0016)


@pytest.mark.parametrize("days", [0.5, 2, 4, 7])
def test_pending_messages_are_counted_by_their_age(days: float) -> None:
    """Cut at any day, shares are the true ones within four standard errors; leaving out the pending
    biases them, as a mutation of this test shows.
    """
    n = 40_000
    messages = Messages(np.random.default_rng(3), n, days)
    fit = fitted(messages.counts())
    spread = [fit.outcome_shares.delivered]
    rng = np.random.default_rng(0)
    spread = [fit.shares_of(fit.draw(rng)).delivered for _ in range(99)]
    sd = max(float(np.std(spread)), (0.95 * 0.05 / n) ** 0.5)
    assert abs(fit.outcome_shares.delivered - TRUE_DELIVERED) < 4 * sd
    if days <= 2:
        dropped = fitted(messages.counts(drop_pending=True)).outcome_shares.delivered
        assert abs(dropped - TRUE_DELIVERED) > 4 * sd


def test_statuses_without_times_still_give_shares() -> None:
    """A log that only shows whether a status came within three minutes has the true shares within
    four standard errors, and the share within three minutes.
    """
    n = 20_000
    messages = Messages(np.random.default_rng(4), n, 30)
    counts = messages.counts()
    prompt = messages.delay_s < 180
    in_time = messages.delay_s < VALIDITY_S

    def spans(which: np.ndarray) -> np.ndarray:
        within, later = (which & prompt).sum(), (which & in_time & ~prompt).sum()
        return np.array([within, later, 0.0])

    nothing = np.zeros(len(edges_us()))
    untimed = DelayCounts(
        nothing,
        nothing,
        float(n - (messages.delivered | messages.failed)[in_time].sum()),
        nothing,
        spans(messages.delivered),
        spans(messages.failed),
    )
    assert counts.messages == pytest.approx(n)
    fit = fitted(untimed)
    sd = (0.95 * 0.05 / n) ** 0.5
    assert abs(fit.outcome_shares.delivered - TRUE_DELIVERED) < 5 * sd
    true = (messages.delivered & prompt).sum() / messages.delivered.sum()
    assert fit.cdf(np.array([180.0]))[0] == pytest.approx(true, abs=0.01)


def ranks(worlds: int, seed: int) -> dict[str, list[float]]:
    """Ranks of the true delivered share and body median among 99 draws, worlds from the prior."""
    rng = np.random.default_rng(seed)
    out: dict[str, list[float]] = {"delivered": [], "median": [], "slow share": []}
    for _ in range(worlds):
        body = (float(rng.normal(1.5, 0.7)), float(np.exp(rng.normal(-0.2, 0.3))))
        slow = float(1 / (1 + np.exp(-rng.normal(-3.0, 0.7))))
        odds = np.exp([rng.normal(-3.0, 0.7), rng.normal(-4.0, 0.7)])
        share = 1 / (1 + odds.sum())
        messages = Messages(
            rng,
            int(rng.integers(2_000, 8_000)),
            float(rng.uniform(3, 20)),
            body,
            (slow, 9.5, 1.3),
            (share, share * odds[0]),
        )
        fit = fitted(messages.counts())
        draws = [fit.draw(rng) for _ in range(99)]
        true = {"delivered": share, "median": body[0], "slow share": np.log(slow / (1 - slow))}
        values = {
            "delivered": [fit.shares_of(draw).delivered for draw in draws],
            "median": [draw[5] for draw in draws],
            "slow share": [draw[7] for draw in draws],
        }
        for name, value in true.items():
            out[name].append(sum(v < value for v in values[name]))
    return out


def test_draws_are_as_wide_as_the_truth_is_far() -> None:
    """Calibration over 40 worlds in five bins; false alarm 0.1 % a figure."""
    for name, of in ranks(40, seed=11).items():
        counts = np.histogram(of, 5, (0, 100))[0]
        assert chisquare(counts).pvalue > 0.001, (name, counts)


@pytest.mark.ci
def test_draws_are_as_wide_as_the_truth_is_far_over_many_worlds() -> None:
    """The same over 200 worlds in ten bins."""
    for name, of in ranks(200, seed=12).items():
        counts = np.histogram(of, 10, (0, 100))[0]
        assert chisquare(counts).pvalue > 0.001, (name, counts)


def test_a_true_model_is_not_refused() -> None:
    """Goodness of fit of ten fits of the true family: p-values below 1 in 1,000 are none."""
    rng = np.random.default_rng(13)
    tested = []
    for _ in range(10):
        likelihood = Likelihood(Messages(rng, 5_000, 10).counts())
        tested.append(goodness(likelihood, DelayFit.to(likelihood, FAMILIES[1])).p)
    assert min(tested) > 0.001 / 10
    assert max(tested) > 0.3


def test_a_delay_of_no_family_has_its_curve() -> None:
    """Deliveries at four fixed times fit no family; the observed curve has their p50 and p95."""
    rng = np.random.default_rng(14)
    messages = Messages(rng, 20_000, 10)
    messages.delay_s = rng.choice([1.0, 3.0, 20.0, 100.0], 20_000, p=[0.3, 0.5, 0.1, 0.1])
    messages.delay_s[~(messages.delivered | messages.failed)] = np.inf
    likelihood = Likelihood(messages.counts())
    fit = DelayFit.to(likelihood, FAMILIES[3])
    tested = goodness(likelihood, fit)
    assert tested.p < 0.001
    assert tested.deviation > 0.01
    shares, seconds, at_most = ObservedCurve(likelihood.counts, fit).of()
    points = points_of(seconds, at_most)
    assert quantile_s(points, 0.5) == pytest.approx(3.0, rel=0.05)
    assert quantile_s(points, 0.95) == pytest.approx(100.0, rel=0.05)
    assert shares.delivered == pytest.approx(TRUE_DELIVERED, abs=0.007)


def test_a_curve_has_the_quantiles_of_its_family() -> None:
    """62 points are enough for 2 % of any quantile from 5 to 99 %."""
    shares = 0.97 * norm.cdf((np.log(GRID_S) - 1.4) / 0.8)
    shares += 0.03 * norm.cdf((np.log(GRID_S) - 9.5) / 1.3)
    points = points_of(GRID_S, shares)
    assert len(points) <= 64
    for q in (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99):
        assert quantile_s(points, q) == pytest.approx(np.interp(q, shares, GRID_S), rel=0.03), q
