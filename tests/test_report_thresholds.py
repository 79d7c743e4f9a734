"""Thresholds and their use, against plain counts over the rows and what a policy reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from worlds import worlds

from smssim import report
from smssim.calendars import DAY, HOUR, MINUTE, month_start
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

invented = settings(settings.get_profile("worlds"), max_examples=20)
SLOT = 15 * MINUTE


@dataclass
class Watch:
    """A policy that reads the counters at every full quarter of an hour, and does nothing."""

    read: dict[tuple[str, int], int] = field(default_factory=dict)

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        while True:
            yield env.timeout(SLOT - env.now % SLOT)
            for period in ("day", "month"):
                self.read[period, env.now] = account.used(period)


def scenario(**changes: Any) -> Scenario:
    """Four days around the turn of a month, a limit that trips each day, one of a country."""
    plain = {
        "start": "2026-02-27T06:00:00Z",
        "days": 4,
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 300,
            "daily_limit": 500,
            "monthly_alarm": 900,
            "monthly_limit": 2_000,
            "countries": {"ID": {"monthly": 1_900}, "TH": {"daily": 60}},
        },
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop", "segments": {1: 0.5, 3: 0.5}}],
        "traffic": [
            {"name": "a", "template": "code", "country": "ID", "messages_a_day": 600},
            {"name": "b", "template": "code", "country": "TH", "messages_a_day": 100},
        ],
        "routes": {
            "ID": {
                "outcomes": [
                    {"status": "DELIVRD", "share": 0.9},
                    {"status": "E000632", "share": 0.1, "source": "huawei"},
                ]
            }
        },
    }
    return Scenario.model_validate(plain | changes)


@dataclass(frozen=True)
class Raise:
    """A policy that changes thresholds some time after the first alarm."""

    values: tuple[tuple[str, int], ...]
    after_us: int = HOUR

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        yield account.wait("alarm")
        yield env.timeout(self.after_us)
        account.set_thresholds(**dict(self.values))


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def counted(run: Run, scenario: Scenario) -> pd.Series:
    """The weight of every message that counted, by its time."""
    rows, rules = run.messages, scenario.thresholds
    assert rows is not None
    status = rows["status"].astype("str")
    counts = rows["refused_at"] == ""
    # A message that a freeze failed was sent when it counted.
    frozen = (rows["refused_at"] == "platform") & (status == scenario.account.frozen_status)
    counts |= (rows["refused_at"] == "platform") if rules.counts_refused else frozen
    # Messages to mainland China count by themselves.
    counts &= rows["country"] != "CN"
    weight = rows["segments"].astype("int64") if rules.unit == "segment" else 1
    return (counts * weight).set_axis(rows["submitted_at"])


def starts_of(period: str, times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The UTC day or month of each instant."""
    days = times.floor("D")
    return days if period == "day" else days - pd.to_timedelta(days.day - 1, unit="D")


@seed(1)
@invented
@given(worlds())
def test_used_is_a_count_of_the_rows(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    """By day and month, and by day up to each slot's end; what a policy reads agrees."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    watch = Watch()
    run = simulate(scenario, rng=rng, policies=(*policies, watch))
    weights = counted(run, scenario)

    table, curve = report.thresholds(run), report.threshold_usage(run)
    for period in ("day", "month"):
        own = table[table["period"] == period].set_index("start")
        plain = weights.groupby(starts_of(period, weights.index)).sum()
        assert own["used"].to_dict() == plain.reindex(own.index, fill_value=0).to_dict()
        steps = curve[curve["period"] == period]
        assert steps.groupby("start")["used"].last().to_dict() == own["used"].to_dict()
        assert (steps.groupby("start")["used"].diff().dropna() >= 0).all()
        if scenario.account.balance is not None and not scenario.thresholds.counts_refused:
            continue
        for at, start, used in zip(steps["at"], steps["start"], steps["used"], strict=True):
            us = at.value // 1_000
            turned = us % DAY == 0 if period == "day" else us == month_start(us)
            if us < run.observed_until and not turned:
                assert watch.read[period, us] == used, (period, at)
            assert used <= plain[start] if used else used == 0


@seed(2)
@invented
@given(worlds())
def test_trips_are_those_of_the_events(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    """When alarm and limit first acted in a period, and what E000623 and E000630 refused."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)
    rows, events = run.messages, run.events
    assert rows is not None
    assert events is not None

    found = report.thresholds(run).assign(country="")
    found = pd.concat([found, report.thresholds(run, by="country")], ignore_index=True)
    for row in found.itertuples():
        subject = f"{row.country} {row.period}" if row.country else row.period
        trip, code = ("country_limit", "E000630") if row.country else ("limit", "E000623")
        for event, at in (("alarm", row.alarm_at), (trip, row.limit_at)):
            own = events[(events["event"] == event) & (events["subject"] == subject)]
            own = own[starts_of(row.period, pd.DatetimeIndex(own["at"])) == row.start]
            assert own["at"].head(1).tolist() == ([] if pd.isna(at) else [at])
        refused = rows[rows["status"] == code]
        if row.country:
            refused = refused[refused["country"] == row.country]
        within = starts_of(row.period, pd.DatetimeIndex(refused["submitted_at"])) == row.start
        assert row.stopped == within.sum()
        assert (row.suspended_h > 0) == (not pd.isna(row.limit_at)) or row.suspended_h == 0
        assert row.share_of_limit == row.used / row.limit
        assert row.near_miss == (pd.isna(row.limit_at) and row.share_of_limit >= 0.8)


def test_a_limit_stops_sending_until_the_day_ends(run: Run) -> None:
    found = report.thresholds(run)

    days = found[found["period"] == "day"].set_index("start")
    assert found["period"].tolist() == ["day"] * 5 + ["month"] * 2
    assert (found["limit"] == [500] * 5 + [2_000] * 2).all()
    tripped = days[days["limit_at"].notna()]
    assert len(tripped) >= 2
    until = tripped.index + pd.Timedelta(days=1)
    hours = (until - pd.DatetimeIndex(tripped["limit_at"])).total_seconds() / 3_600
    assert tripped["suspended_h"].tolist() == pytest.approx(hours.tolist())
    assert (tripped["used"] == 501).all()
    assert (tripped["alarm_at"] < tripped["limit_at"]).all()


def test_limits_of_countries_have_rows_of_their_own(run: Run) -> None:
    found = report.thresholds(run, by="country")

    assert found["country"].tolist() == ["ID"] * 2 + ["TH"] * 5
    assert found["period"].tolist() == ["month"] * 2 + ["day"] * 5
    assert found["alarm"].isna().all()
    assert found.loc[found["country"] == "TH", "limit_at"].notna().sum() >= 2
    assert found.loc[found["country"] == "ID", "limit"].tolist() == [1_900, 1_900]
    with pytest.raises(ValueError, match=r"by\(='type'\) must be country, side or nothing"):
        report.thresholds(run, by="type")


def test_a_raised_limit_counts_and_ends_the_stop() -> None:
    changed = simulate(scenario(), policies=[Raise((("daily_limit", 1_900),), 15 * HOUR)])

    days = report.thresholds(changed).query("period == 'day'")
    assert days["limit"].tolist()[0] in (500, 1_900)
    assert days["limit"].tolist()[-1] == 1_900
    assert days["limit_at"].isna().iloc[2:].all()


def test_a_smaller_alarm_waits_for_the_next_day() -> None:
    """The first day's alarm had rung by then; what is in force at its end is the old value."""
    changed = simulate(scenario(), policies=[Raise((("daily_alarm", 100),), 1)])

    days = report.thresholds(changed).query("period == 'day'")
    assert days["alarm"].tolist() == [300, 100, 100, 100, 100]


def test_near_misses_are_told() -> None:
    """490 of 500 are more than 80%; 1 of 2,000 is not."""
    calls = [{"at": "2026-02-28T10:00:00Z", "to": [{}] * 490}]
    made = {"name": "c", "template": "code", "country": "ID", "calls": calls}
    plain = {**scenario().thresholds.model_dump(), "countries": {}}
    run = simulate(scenario(traffic=[], calls=[made], routes={}, thresholds=plain))

    found = report.thresholds(run)

    assert found["used"].tolist() == [0, 490, 0, 0, 0, 490, 0]
    assert found["near_miss"].tolist() == [False, True, False, False, False, False, False]
    assert found["suspended_h"].tolist() == [0.0] * 7


def test_a_log_has_no_thresholds(run: Run) -> None:
    log = replace(run, ledger=None, events=None, packages=None, reviews=None)

    for found, whole in (
        (report.thresholds(log), report.thresholds(run)),
        (report.threshold_usage(log), report.threshold_usage(run)),
    ):
        assert len(found) == 0
        assert found.dtypes.to_dict() == whole.dtypes.to_dict()
