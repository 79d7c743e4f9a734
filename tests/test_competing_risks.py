"""Aalen and Johansen's estimator against loops over messages, figures by hand, and promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import plain_incidence as plain
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

import smssim
from smssim.stats.competing_risks import CompetingRisks
from smssim.stats.delay_bins import edges_us
from smssim.stats.intervals import score_of_few, wilson

BINS = len(edges_us())
FAR = st.sampled_from([200, 201, 300, 400, 650])


def risks(messages: list[plain.Message]) -> CompetingRisks:
    counts = {
        end: np.bincount([bin_ for bin_, own in messages if own == end], minlength=BINS)
        for end in (plain.DELIVERED, plain.OTHER, plain.PENDING, plain.LOST)
    }
    return CompetingRisks(*counts.values())


@seed(1)
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(FAR, st.sampled_from("DDDOLPP")), min_size=1, max_size=30))
def test_all_figures_are_those_of_single_messages(messages: list[plain.Message]) -> None:
    """With ends of four kinds, ties, and what is unknown at the end."""
    found = risks(messages)

    def same(interval: Any, wanted: Any) -> None:
        assert list(interval) == pytest.approx(list(wanted), rel=1e-5, abs=1e-7, nan_ok=True)

    same(found.share(), plain.share(messages))
    for limit in (200, 201, 350, 600):
        same(found.share_before(limit), plain.share_before(messages, limit))
    for q in (0.5, 0.95):
        same(found.quantile_s(q), plain.quantile(messages, q))
    assert found.expected() == pytest.approx(plain.expected(messages), abs=1e-9)


def test_a_sample_by_hand() -> None:
    """Five messages: delivered, failed, pending, delivered, pending for longest.

    At risk 5, 4, 3, 2, 1: the first gains 1/5; the second leaves 3/5 of all; of the 2 at risk then
    one is delivered: 1/5 + 3/5 * 1/2 = 1/2, and 3/10 are left, for which nothing is known.
    """
    found = risks([(200, "D"), (210, "O"), (220, "P"), (230, "D"), (240, "P")])

    assert found.incidence[[199, 200, 210, 230, 300]].tolist() == pytest.approx(
        [0, 0.2, 0.2, 0.5, 0.5]
    )
    assert found.pending[300] == pytest.approx(0.3)
    assert found.share().estimate == pytest.approx(0.5)
    assert found.completed[200] == pytest.approx(0.4)
    # The one pending at bin 220 is delivered by one chance in two, the last by none.
    assert found.expected() == pytest.approx(0.5)


@pytest.mark.parametrize(("delivered", "others"), [(95, 5), (7, 0), (0, 4), (1, 1)])
def test_without_censoring_a_share_is_that_of_the_counts(delivered: int, others: int) -> None:
    messages = [(200 + i % 7, "D") for i in range(delivered)] + [(300, "O")] * others
    assert list(risks(messages).share()) == pytest.approx(
        list(score_of_few(delivered / (delivered + others), delivered + others))
    )


def test_a_lost_report_says_nothing_of_its_message() -> None:
    """Whether 1 of 3 reports is lost or none: shares are those of what was reported."""
    reported = [(200, "D")] * 60 + [(250, "D")] * 20 + [(300, "O")] * 20
    lost = [*reported, *[(688, "L")] * 50]
    one, two = risks(reported), risks(lost)
    assert two.share().estimate == pytest.approx(one.share().estimate) == pytest.approx(0.8)
    assert two.completed[200] == pytest.approx(one.completed[200]) == pytest.approx(0.75)


def test_the_longest_ages_may_end_in_any_way() -> None:
    """All that is seen was delivered, 30 of 100 are still pending: 70% to 100% arrive."""
    found = risks([(200, "D")] * 70 + [(400, "P")] * 30)
    value, low, high = found.share()
    assert (value, low) == pytest.approx((0.7, wilson(70, 100).low))
    assert high > 0.96
    assert found.quantile_s(0.95).high != found.quantile_s(0.95).high, "unknown"
    assert found.share_before(300).low < 0.7


@pytest.mark.parametrize(
    ("metric", "bound", "holds"),
    [
        ("delivered.share", {"above": 0.953}, False),
        ("latency.p95", {"below": 22}, True),
        ("latency.p99", {"below": 10_000}, True),
    ],
)
def test_promises_of_a_week_are_decided_as_the_truth_has_it(
    metric: str, bound: dict[str, float], holds: bool
) -> None:
    """The truth is a share of 0.95, a p95 of 20.7 s and a p99 of 6,560 s; counting those pending
    as deliveries to come, a week showed 0.956, 23.9 s and 23,000 s.
    """
    plan = {
        "start": "2026-03-02T00:00:00Z",
        "days": 7,
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop"}],
        "traffic": [{"name": "a", "template": "code", "country": "ID", "messages_a_day": 4_000}],
        "checks": [{"name": "week", "metric": metric, "statistic": "mean", **bound}],
    }
    (verdict,) = smssim.check(smssim.Scenario.model_validate(plan)).verdicts
    assert verdict.outcome == ("pass" if holds else "fail")
