"""Two records side by side, against plain differences, scipy and what chance may do."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from scipy import stats
from worlds import worlds

from smssim import read_log, report
from smssim.logs import write_capture
from smssim.metrics import METRICS
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate
from smssim.stats.intervals import newcombe

RISK = 1e-6
invented = settings(settings.get_profile("worlds"), max_examples=12)
PLACES = {f"refused_{stage}": stage for stage in ("request", "number", "platform")}


def scenario(days: int = 6, a_day: float = 400, **changes: Any) -> Scenario:
    """Some days of steady traffic, part of it covered by a package."""
    api = {"name": "a", "template": "code", "country": "ID", "messages_a_day": a_day}
    plain = {
        "start": "2026-03-02",
        "days": days,
        "quota": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "thresholds": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop"}],
        "packages": [{"country": "ID", "segments": 500, "price": 70.25}],
        "traffic": [api],
        "callback": {"no_answer_share": 0.05},
    }
    return Scenario.model_validate(plain | changes)


def rows(found: pd.DataFrame) -> dict[str, Any]:
    """The rows by metric, with the subject where there is one."""
    return {f"{row.name}/{row.of}" if row.of else row.name: row
            for row in found.itertuples(index=False)}  # fmt: skip


def plain_days(run: Run, name: str) -> np.ndarray[Any, Any]:
    """A count or charge of each whole UTC day, from the rows alone."""
    messages, events = run.messages, run.events
    assert messages is not None
    assert events is not None
    ends = [pd.Timestamp(us, unit="us", tz="UTC") for us in (run.observed_from, run.observed_until)]
    days = pd.date_range(ends[0].ceil("D"), ends[1].floor("D"), freq="D", inclusive="left")
    stage, status = messages["refused_at"].astype("str"), messages["status"].astype("str")
    value = {
        "messages.requested": stage.notna(),
        "messages.sent": stage == "",
        "messages.delivered": (stage == "") & (status == "DELIVRD"),
        "messages.stopped_by_limit": status == "E000623",
        "messages.stopped_by_runout": status == "E000629",
        "cost.pay_per_use": messages["cost_micro"] / 1e6,
        **{f"messages.{name}": stage == code for name, code in PLACES.items()},
    }
    alarms = events.loc[events["event"] == "alarm", "at"]
    by = {key: own.astype(float).set_axis(messages["submitted_at"]) for key, own in value.items()}
    by["thresholds.alarms"] = pd.Series(1.0, alarms)
    own = by[name]
    return (
        own.groupby(pd.DatetimeIndex(own.index).floor("D"))
        .sum()
        .reindex(days, fill_value=0)
        .to_numpy()
    )


COUNTED = (
    "messages.requested",
    "messages.sent",
    "messages.delivered",
    "messages.stopped_by_limit",
    "messages.stopped_by_runout",
    "cost.pay_per_use",
    "thresholds.alarms",
    *(f"messages.{name}" for name in PLACES),
)


@seed(1)
@invented
@given(worlds(), worlds())
def test_every_figure_is_a_plain_one(first: Any, second: Any) -> None:
    """Values are those of `kpis`, per day where lengths differ; differences are b less a; Welch's
    ends are scipy's of the days, all others MOVER's of both intervals, which are Newcombe's where
    all messages have ended.
    """
    runs = []
    for world, rng, policies in (first, second):
        note(f"Scenario.parse({world.to_json()!r}), {rng}, {policies!r}")
        runs.append(simulate(world, rng=rng, policies=policies))
    a, b = runs
    found = report.compare(a, b)
    days = [(run.observed_until - run.observed_from) / 86_400e6 for run in runs]
    alike = days[0] == days[1]

    own = rows(found)
    both = [rows(report.kpis(run).rename(columns={"value": "a"})) for run in runs]
    assert set(own) == set(both[0]) | set(both[1])
    for name, row in own.items():
        per = [1.0, 1.0] if not row.unit.endswith(" per day") else days
        assert alike or name not in COUNTED or row.unit.endswith(" per day")
        for value, side, length in zip((row.a, row.b), both, per, strict=True):
            expected = side[name].a / length if name in side else np.nan
            assert value == pytest.approx(expected, nan_ok=True), name
        if row.unit.count(","):
            continue
        assert row.difference == pytest.approx(row.b - row.a, nan_ok=True)
        assert not row.difference_low > row.difference
        assert not row.difference_high < row.difference
        ends = np.array([row.a_low, row.a_high, row.b_low, row.b_high], float)
        if not (np.isnan(ends[:2]).all() or np.isnan(ends[2:]).all()):
            low = np.hypot(row.b - ends[2], ends[1] - row.a)
            high = np.hypot(ends[3] - row.b, row.a - ends[0])
            expected = [row.difference - low, row.difference + high]
            found_ends = [row.difference_low, row.difference_high]
            assert found_ends == pytest.approx(expected, nan_ok=True)
    for name in COUNTED:
        row = own[name]
        x, y = (plain_days(run, name) for run in (a, b))
        if min(len(x), len(y)) < 2 or row.unit.count(","):
            assert np.isnan(row.difference_low)
            continue
        half = 0.0
        if x.var() + y.var() > 0:
            with warnings.catch_warnings():  # SciPy doubts days that hardly differ.
                warnings.simplefilter("ignore", RuntimeWarning)
                test = stats.ttest_ind(y, x, equal_var=False).confidence_interval(0.95)
            half = (test.high - test.low) / 2 * (days[1] if alike else 1)
        assert row.difference_high - row.difference == pytest.approx(half, abs=1e-6)
        assert row.difference - row.difference_low == pytest.approx(half, abs=1e-6)
    counts = []
    for run in (b, a):
        total = report.delivery(run, by=()).iloc[0]
        lost = int(total["failed"] + total["expired"])
        counts.append((int(total["delivered"]), lost, int(total["in_flight"])))
    # Of three or fewer an interval is longer than Wilson's; those in flight are estimated.
    if all(not flying and min(done, lost) > 3 for done, lost, flying in counts):
        shares = [(done, done + lost) for done, lost, _ in counts]
        ends = (own["delivered.share"].difference_low, own["delivered.share"].difference_high)
        assert ends == pytest.approx(newcombe(*shares[0], *shares[1])[1:])


def test_which_is_better_follows_the_metric() -> None:
    a = simulate(scenario())
    found = rows(report.compare(a, simulate(scenario(a_day=800, callback={}), rng=2)))

    assert found["messages.delivered"].better == "b"
    assert found["cost.pay_per_use"].better == found["cost"].better == "a"
    assert found["messages.requested"].better == "", "more is neither good nor bad"
    assert found["reports.lost_share"].better == found["reports.received_share"].better == "b"
    assert (
        found["package.used_share/0"].difference_low != found["package.used_share/0"].difference_low
    )
    same = report.compare(a, a)
    assert (same["better"] == "").all()
    assert set(same["difference"].dropna()) == {0}


def test_purchases_shift_the_cost_and_add_no_width() -> None:
    a = simulate(scenario())
    b = simulate(scenario(packages=[{"country": "ID", "segments": 500, "price": 90.25}]))
    found = rows(report.compare(a, b))

    assert found["cost.packages"].difference == 20
    assert np.isnan(found["cost.packages"].difference_low)
    widths = [found[name].difference_high - found[name].difference_low
              for name in ("cost", "cost.pay_per_use")]  # fmt: skip
    assert widths[0] == pytest.approx(widths[1])
    assert found["cost"].difference == pytest.approx(20 + found["cost.pay_per_use"].difference)


def test_months_of_different_length_are_compared_per_day() -> None:
    a, b = simulate(scenario(days=6)), simulate(scenario(days=4), rng=2)
    found = rows(report.compare(a, b))

    sent = found["messages.sent"]
    assert sent.unit == "messages per day"
    assert found["cost"].unit == "USD per day"
    assert abs(sent.difference) < 60
    assert sent.difference_low < 0 < sent.difference_high
    assert found["delivered.share"].unit == "share"
    assert found["messages.in_flight"].unit == "messages"
    assert found["latency.p50"].unit == "s"


def test_a_month_and_its_simulation(tmp_path: Path) -> None:
    """A capture of one run against another run: what a log cannot know has no difference."""
    write_capture(simulate(scenario(), rng=3), tmp_path / "capture.jsonl")
    log, run = read_log(tmp_path / "capture.jsonl"), simulate(scenario())
    found = rows(report.compare(log, run))

    assert found["messages.sent"].unit == "messages"
    assert abs(found["messages.sent"].difference) < 300
    assert not np.isnan(found["messages.sent"].difference_low)
    assert np.isnan([found["cost"].a, found["cost"].difference, found["reports.made"].a]).all()
    assert found["cost"].b > 0
    assert found["cost"].unit == "USD"
    back = rows(report.compare(run, log))
    assert back["delivered.share"].difference == -found["delivered.share"].difference
    assert back["cost"].unit == "USD"
    two = rows(report.compare(log, log))
    assert two["messages.sent"].difference == 0


def test_two_currencies_have_no_difference() -> None:
    a = simulate(scenario())
    found = rows(report.compare(a, replace(a, currency="EUR")))

    money = [name for name, metric in METRICS.items() if metric.unit == "currency"]
    for name in money:
        assert found[name].unit == "USD, EUR"
        assert np.isnan(found[name].difference)
        assert found[name].better == ""
    assert found["messages.sent"].difference == 0


def test_intervals_of_equal_worlds_hold_0() -> None:
    """Forty pairs of one world: 95% intervals of counts and shares hold the true difference, 0."""
    runs = [simulate(scenario(days=4, packages=[]), rng=rng, rows=False) for rng in range(80)]
    names = ["messages.sent", "cost", "delivered.share", "reports.lost_share"]
    held = dict.fromkeys(names, 0)
    for a, b in zip(runs[::2], runs[1::2], strict=True):
        found = rows(report.compare(a, b))
        for name in names:
            held[name] += found[name].difference_low <= 0 <= found[name].difference_high
    band = stats.binom.ppf([RISK / 2, 1 - RISK / 2], 40, 0.95)
    assert all(band[0] <= n <= band[1] for n in held.values()), held
