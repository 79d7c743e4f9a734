"""Questions asked backwards: the answer is that of trying every value, and says how sure it is."""

from __future__ import annotations

from typing import Any

import pytest

from smssim.checks import ReplicationError, find
from smssim.experiment import replicate
from smssim.scenario import Check, Scenario, ScenarioError
from smssim.scenario.promises import promise_of

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
    found = find.largest(world, path, 0.1, 2.0, "cost < 79", step=0.1, most=400, workers=1)
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
    promise = Check(name="mean", metric="messages.requested", below=mean)
    found = find.search(SMALL, "packages.0.segments", [100], promise, most=64, workers=1)
    assert found.value is None
    assert "undecided" in found.note
    assert found.curve["holds"].isna().all()


def test_a_promise_that_turns_is_told() -> None:
    """Holds at 1 and 2 days, not at 3: in steps that go up it is not monotone."""
    found = find.search(SMALL, "days", [1, 3, 2], "messages.requested < 120",
                        monotone=False, workers=1)  # fmt: skip
    assert found.value == 1
    turned = find.search(SMALL, "days", [2, 3, 1], "messages.requested < 80",
                         workers=1)  # fmt: skip
    assert turned.value == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cost", "must be like"),
        ("cost < much", "must end with a number"),
        ("cost <= 3", "must be like"),
        ("costs < 1", "did you mean cost"),
        ("p900(cost) < 1", "mean, probability or a quantile"),
        ("cost < nan", "finite"),
        ("latency.p95[template=none] < 3", "there is no template 'none'"),
        ("package.empty < 3", "says which"),
    ],
)
def test_what_is_no_promise_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        find.smallest(SMALL, "days", 1, 2, text, workers=1)


@pytest.mark.parametrize(
    "text",
    [
        "p90(cost) > 1000",
        "probability(runout.any) < 0.05",
        "mean(latency.p95[template=code]) < 30",
        "p50(package.empty[0]) > 3",
        "mean(messages.sent[country=ID, type=otp]) < 90",
    ],
)
def test_a_promise_says_what_it_was_read_from(text: str) -> None:
    (check,) = SMALL.change(checks=[promise_of(text)]).checks
    assert str(check) == text


def test_a_promise_may_be_about_a_part_of_the_month() -> None:
    text = "mean(messages.sent[country=ID]) < 120"
    found = find.search(SMALL, "days", [3, 2], text, workers=1)
    assert (found.value, found.fails) == (2, 3)
    with pytest.raises(ScenarioError, match="no template"):
        find.search(SMALL, "days", [3], "latency.p95[template=x] < 9", workers=1)


@pytest.mark.parametrize(
    ("holds", "most", "fewest"),
    [
        ("probability(runout.any) < 0.05", 120, 137),
        ("p95(messages.requested) < 900", 100, 137),
        ("p5(messages.requested) > 9", 100, 137),
        ("cost < 500", 11, 12),
        ("probability(messages.requested > 900 or cost > 99) < 0.05", 100, 137),
    ],
)
def test_runs_that_can_never_decide_are_refused_at_once(
    holds: str, most: int, fewest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("smssim.experiment.worker.simulate", None)
        message = f"{most} runs of a value can never decide .*: it takes {fewest} at least"
        with pytest.raises(ValueError, match=message):
            find.search(SMALL, "days", [1], holds, most=most, workers=1)
    answer = find.search(SMALL, "days", [1], holds, most=fewest, workers=1)
    # A mean of equal months needs more of them, which is not known before they are run.
    assert answer.value == (None if holds.startswith("cost") else 1)


def test_what_is_undecided_is_not_none() -> None:
    answer = find.search(SMALL, "days", [2], "p50(messages.requested) < 100", most=12, workers=1)
    assert (answer.value, answer.undecided) == (None, True)
    assert "undecided" in answer.note
    answer = find.search(SMALL, "days", [2], "p50(messages.requested) < 50", most=12, workers=1)
    assert (answer.value, answer.undecided) == (None, False)


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [(0.0, 1.0, 1e-9), (0.0, 1.0, 5e-324), (1, 10**12, 1), (0.0, 1.0, float("nan")),
     (0.0, float("inf"), 1.0), (float("nan"), 1.0, 0.1)],
)  # fmt: skip
def test_steps_without_end_are_refused_at_once(low: float, high: float, step: float) -> None:
    with pytest.raises(ValueError, match=r"step\(=.*must (make at most 1,000,000|be low <= high)"):
        find.smallest(SMALL, "routes.ID.price", low, high, "cost < 99", step=step, workers=1)


@pytest.mark.parametrize("confidence", [0, 1, 1.5, float("nan")])
def test_no_answer_is_surer_than_sure(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"confidence\(=.*must be > 0 and < 1"):
        find.smallest(SMALL, "days", 1, 2, "cost < 3", workers=1, confidence=confidence)


def test_months_that_fail_are_not_left_out() -> None:
    """They are those that run out, so that the others keep the promise."""

    def careless(env: Any, account: Any) -> Any:
        yield account.wait("run_out")
        raise RuntimeError("no one is there")

    with pytest.raises(ReplicationError, match=r"replication \d+ of .* failed: .*no one is there"):
        find.search(
            SMALL, "packages.0.segments", [100], "runout.any < 0.1", policies=[careless], workers=1
        )


def test_what_never_happens_is_not_surely_rare() -> None:
    """Equal months do not make a mean certain at once: others may not have been seen yet."""
    found = find.search(SMALL, "days", [1], "mean(thresholds.limits) < 0.02", most=32, workers=1)
    assert found.curve["holds"].isna().all()


def test_a_curve_has_a_picture() -> None:
    found = find.smallest_package(SMALL, "cost < 500", low=100, high=120, step=10, workers=1)
    ax = found.plot()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["100", "110", "120"]
    assert ax.get_title(loc="left").replace("\n", " ") == found.note


@pytest.mark.parametrize(("low", "high", "step"), [(5, 1, 1), (1, 5, 0)])
def test_wrong_steps_are_named(low: int, high: int, step: int) -> None:
    with pytest.raises(ValueError, match="low <= high, step > 0"):
        find.smallest(SMALL, "days", low, high, "cost < 1", step=step)
