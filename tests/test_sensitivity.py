"""Shares of variance and the worth of information, against closed forms at a stated risk."""

from __future__ import annotations

import math
from functools import partial
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binom

from smssim.stats.sensitivity import (
    Redrawn,
    chance_share,
    effect,
    resampled,
    total_share,
    worth,
)

NORMAL = NormalDist()
GRID = np.array([NORMAL.inv_cdf((i + 0.5) / 400) for i in range(400)])
FACTORS = (3.0, 1.0, 0.0)
NOISE = 2.0
VARIANCE = sum(factor**2 for factor in FACTORS) + NOISE**2
RISK = 1e-4


class Linear:
    """A figure that is linear in three standard normal unknowns, and in chance."""

    def __init__(self, seed: int, n: int, mean: float = 0.0) -> None:
        random = np.random.default_rng(seed)
        first, second = random.normal(size=(2, len(FACTORS), n))
        chance, other = NOISE * random.normal(size=(2, n))
        factors = np.array(FACTORS)
        self.value = mean + factors @ first + chance
        self.rerun = mean + factors @ first + other
        self.unknowns = [Redrawn(a, b, GRID) for a, b in zip(first, second, strict=True)]
        self.redrawn = [
            self.value + factor * (b - a)
            for factor, a, b in zip(factors, first, second, strict=True)
        ]

    def effects(self, j: int, chosen: np.ndarray) -> np.ndarray:
        unknown = self.unknowns[j]
        part = Redrawn(unknown.first[chosen], unknown.second[chosen], GRID)
        return effect(part, (self.value - self.redrawn[j])[chosen])


def error_of(low: float, high: float) -> float:
    """The standard error that a 95% interval shows."""
    return (high - low) / (2 * NORMAL.inv_cdf(0.975))


def test_chance_and_each_unknown_have_their_share() -> None:
    """Within 4 standard errors, which a share misses once in 16,000 times; six shares."""
    made, everything = Linear(1, 400), np.arange(400)
    shares = [
        (lambda i: chance_share(made.value[i], made.rerun[i]), NOISE**2 / VARIANCE),
        *(
            (
                partial(lambda j, i: total_share(made.value[i], made.redrawn[j][i]), j),
                b**2 / VARIANCE,
            )
            for j, b in enumerate(FACTORS)
        ),
    ]
    for share, truth in shares:
        error = error_of(*resampled(share, 400, 7))
        assert abs(share(everything) - truth) <= 4 * error
    # Chance and what is not known are all there is; without interactions, so are the parts.
    parts = [share(everything) for share, _ in shares]
    assert sum(parts) == pytest.approx(1, abs=0.15)


def test_the_effect_of_an_unknown_is_found_exactly_where_nothing_else_moves() -> None:
    """All that samples have in common cancels: a straight line comes out to the last digits."""
    made = Linear(2, 100)
    for j, factor in enumerate(FACTORS):
        assert made.effects(j, np.arange(100)) == pytest.approx(factor * GRID, abs=1e-9)


def test_an_effect_may_bend_and_may_be_of_few_values() -> None:
    random = np.random.default_rng(3)
    first, second = random.choice([1.0, 2.0, 5.0], (2, 400))
    table = {1.0: 4.0, 2.0: -1.0, 5.0: 0.5}
    change = np.array([table[a] - table[b] for a, b in zip(first, second, strict=True)])
    values = np.repeat([1.0, 2.0, 5.0], 100)
    shown = effect(Redrawn(first, second, values), change + random.normal(size=400) / 10)
    wanted = np.array([table[value] for value in values])
    assert shown == pytest.approx(wanted - wanted.mean(), abs=0.05)
    assert not effect(Redrawn(first, first, np.ones(10)), change).any()
    bent = effect(
        Redrawn(*random.uniform(0, 1, (2, 400)), (np.arange(400) + 0.5) / 400), np.zeros(400)
    )
    assert not bent.any()


def exact_worth(mean: float, sd: float) -> float:
    """E max(0, D) - max(0, E D) of the difference D of two designs, which is normal."""
    ratio = abs(mean) / sd
    return sd * NORMAL.pdf(ratio) - abs(mean) * NORMAL.cdf(-ratio)


def samples_of_worth(seed: int, n: int, mean: float, j: int) -> tuple[float, float, float]:
    """The worth of knowing unknown j, with its interval: one design loses 0, one as `Linear`."""
    made = Linear(seed, n, mean)

    def value(chosen: np.ndarray) -> float:
        means = [0.0, float(made.value[chosen].mean())]
        return worth(means, [np.zeros(len(GRID)), made.effects(j, chosen)])

    return (value(np.arange(n)), *resampled(value, n, seed))


def test_the_worth_of_information_is_that_of_the_closed_form() -> None:
    """Linear and normal: 95% intervals of 60 studies hold the truth as often as they should.

    The number of hits is binomial; its lower bound at a risk of 1e-4 is 48 of 60.
    """
    truth = exact_worth(1.0, FACTORS[0])
    studies = [samples_of_worth(seed, 200, 1.0, 0) for seed in range(60)]
    hits = sum(low <= truth <= high for _, low, high in studies)
    assert hits >= binom.ppf(RISK, 60, 0.95)
    means = np.array([estimate for estimate, _, _ in studies])
    error = means.std(ddof=1) / math.sqrt(len(means))
    # Its bias is below a twentieth of what there is to find, as far as sixty studies can show.
    assert abs(means.mean() - truth) <= truth / 20 + 4 * error


def test_what_changes_no_choice_is_worth_nothing() -> None:
    """An unknown without effect, and one whose effect is too small to change the choice."""
    assert samples_of_worth(1, 200, 1.0, 2) == (0, 0, 0)
    assert samples_of_worth(1, 200, 40.0, 0) == (0, 0, 0)
    assert worth([1.0, 2.0, 3.0], [np.zeros(3)] * 3) == 0
    # Of two unknowns, that which moves the loss more is worth more.
    assert samples_of_worth(5, 200, 0.5, 0)[0] > samples_of_worth(5, 200, 0.5, 1)[0] > 0
