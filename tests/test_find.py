"""Questions asked backwards: the answer is that of trying every value, and says how sure it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smssim import find
from smssim.estimate import wilson
from smssim.experiment import replicate
from smssim.experiment.promise import Promise
from smssim.scenario import Scenario

SMALL = Scenario.parse(
    """
start: 2026-03-01
days: 2
quota: {daily_limit: 50_000, monthly_limit: 900_000}
thresholds: {daily_alarm: 400, daily_limit: 500, monthly_alarm: 9_000, monthly_limit: 90_000}
applications: [{name: shop}]
templates: [{name: code, application: shop}]
packages: [{country: ID, segments: 100, price: 30}]
traffic: [{name: a, template: code, country: ID, messages_a_day: 50}]
routes: {ID: {price: 0.1}}
"""
)


def test_the_smallest_package_is_that_of_trying_every_size() -> None:
    """Requests of two days are Poisson about 100: 130 segments nearly always do."""
    used = replicate(SMALL, 160, workers=1).values("messages.sent")
    found = find.smallest_package(
        SMALL, "runout.any < 0.2", low=60, high=160, step=10, most=160, workers=1
    )
    assert found.value is not None
    assert (used > found.value).mean() < 0.2
    assert (used > found.fails).mean() > 0.2
    assert found.fails < found.value <= found.fails + 40
    curve = found.curve
    assert curve["value"].is_monotonic_increasing
    assert curve["holds"].dropna().is_monotonic_increasing
    for value, n, estimate in zip(curve["value"], curve["n"], curve["estimate"], strict=True):
        assert n > 160 or estimate == pytest.approx((used[:n] > value).mean())


def test_the_largest_value_goes_the_other_way() -> None:
    """Some 90 segments beyond the package, so that each tenth of a price costs 9 more."""
    world = SMALL.change(**{"packages.0.segments": 10})
    path = "routes.ID.price"
    found = find.largest(world, path, 0.1, 2.0, "cost < 79", step=0.1, most=64, workers=1)
    extra = replicate(world, 64, workers=1).values("cost.pay_per_use").mean() / 0.1
    assert 30 + extra * found.value < 79 < 30 + extra * found.fails
    assert found.fails - found.value == pytest.approx(0.1)
    assert "no longer at" in found.note


@pytest.mark.parametrize(
    ("holds", "value", "told"),
    [("cost < 5", None, "does not hold even at 120"), ("cost < 500", 100, "the first that was")],
)
def test_one_answer_everywhere_is_said(holds: str, value: Any, told: str) -> None:
    found = find.smallest_package(SMALL, holds, low=100, high=120, step=10, workers=1)
    assert found.value == value
    assert told in found.note


def test_what_the_runs_do_not_tell_is_not_told() -> None:
    """The promise lies at the very mean."""
    mean = replicate(SMALL, 64, workers=1).values("messages.requested").mean()
    promise = Promise("messages.requested", "mean", mean)
    found = find.search(SMALL, "packages.0.segments", [100], promise, most=64, workers=1)
    assert found.value is None
    assert "cannot be told" in found.note
    assert found.curve["holds"].isna().all()


def test_a_promise_that_turns_is_told() -> None:
    """Holds at 1 and 2 days, not at 3: in steps that go up it is not monotone."""
    found = find.search(SMALL, "days", [1, 3, 2], Promise("messages.requested", "mean", 120.0),
                        monotone=False, workers=1)  # fmt: skip
    assert found.value == 1
    turned = find.search(SMALL, "days", [2, 3, 1], Promise("messages.requested", "mean", 80.0),
                         workers=1)  # fmt: skip
    assert turned.value == 1


def test_promises_are_read_from_text() -> None:
    promise = Promise.parse("p90(cost) > 1_000")
    assert (promise.figure, promise.statistic, promise.bound, promise.above) == (
        "cost", "p90", 1_000, True)  # fmt: skip
    assert str(promise) == "p90(cost) > 1000"
    assert Promise.parse("runout.any<0.05").statistic == "probability"
    for text in ("cost", "cost < much", "costs < 1", "p900(cost) < 1", "cost < nan"):
        with pytest.raises(ValueError, match=r"holds|metric|statistic|bound"):
            Promise.parse(text)


def test_a_promise_is_kept_only_for_sure() -> None:
    promise = Promise("runout.any", "probability", 0.5)
    values = np.array([1.0] * 3 + [0.0] * 17)
    assert promise.interval(values, 0.95) == wilson(3, 20)
    assert promise.verdict(promise.interval(values, 0.95)) is True
    assert promise.verdict(promise.interval(values[:5], 0.95)) is None
    assert promise.verdict(promise.interval(1 - values, 0.95)) is False
    above = Promise("runout.any", "probability", 0.5, above=True)
    assert above.verdict(above.interval(1 - values, 0.95)) is True


def test_what_never_happened_is_later_than_anything() -> None:
    promise = Promise("runout.first", "p50", 20.0, above=True)
    never = np.array([np.nan] * 40)
    assert promise.verdict(promise.interval(never, 0.95)) is True
    assert promise.verdict(promise.interval(np.array([1.0] * 40), 0.95)) is False


def test_a_curve_has_a_picture() -> None:
    found = find.smallest_package(SMALL, "cost < 500", low=100, high=120, step=10, workers=1)
    ax = found.plot()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["100", "110", "120"]
    assert ax.get_title(loc="left").replace("\n", " ") == found.note


@pytest.mark.parametrize(("low", "high", "step"), [(5, 1, 1), (1, 5, 0)])
def test_wrong_steps_are_named(low: int, high: int, step: int) -> None:
    with pytest.raises(ValueError, match="low <= high, step > 0"):
        find.smallest(SMALL, "days", low, high, "cost < 1", step=step)
