"""Verdicts on deliveries in a week: most messages pending at its end will never arrive."""

from __future__ import annotations

import pytest

from smssim import Scenario, check

WEEK = """
name: a week on the default route
start: 2026-03-02
days: 7
quota: {daily_limit: 50_000, monthly_limit: 900_000}
applications: [{name: app}]
templates: [{name: news, type: notification, application: app}]
traffic: [{name: letters, template: news, country: ID, messages_a_day: 2_000}]
routes: {ID: {price: 0.1}}
thresholds: {daily_alarm: 9_000, daily_limit: 10_000, monthly_alarm: 90_000, monthly_limit: 99_000}
"""


@pytest.mark.parametrize(
    ("promise", "outcome"),
    [
        # Truths, with four more days of the same messages: 0.950, 20.6 s and 6,700 s.
        ("metric: delivered.share, above: 0.953", "fail"),
        ("metric: latency_s.p95, below: 22", "pass"),
        ("metric: latency_s.p99, below: 10_000", "pass"),
        ("metric: delivered.share, above: 0.947", "pass"),
        ("metric: latency_s.p95, below: 19.5", "fail"),
    ],
)
def test_a_promise_of_deliveries_is_decided_as_the_truth_is(promise: str, outcome: str) -> None:
    plan = Scenario.parse(f"{WEEK}checks: [{{name: it, {promise}}}]\n")
    (verdict,) = check(plan, workers=1).verdicts
    assert verdict.outcome == outcome, verdict
