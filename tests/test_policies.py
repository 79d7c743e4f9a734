"""The ready-made policies: each does what it is made for, no more often, and the oracle agrees."""

from __future__ import annotations

import pickle
from typing import Any

import pandas as pd
import pytest
from identity import assert_identical, tables

import smssim
from smssim.scenario import Scenario
from smssim.simulation.loop import Tuning
from smssim.simulation.policies.console import RaiseLimit, StopSource, SwitchMode
from smssim.simulation.policies.purchases import TopUpBalance, TopUpQuota
from smssim.simulation.simulate import Run, simulate

MADE = (
    TopUpQuota("TH", 60, 2, after_s=1_800, at_most=3, valid_days=2),
    TopUpQuota("ID", 40, on="run_out", after_s=0),
    TopUpBalance(0.5, after_s=600),
    TopUpBalance(2, below=3.5, hours=(9, 12), days="every_day"),
    RaiseLimit(factor=1.3, after_s=0),
    RaiseLimit(daily_limit=(320, 400), monthly_limit=900, on="alarm", days="chinese_workdays"),
    SwitchMode(after_s=5_400),
    SwitchMode("suspend", on="run_out", at_most=1),
    StopSource("api ID", after_s=7_200),
    StopSource("api TH", on="limit", hours=(8, 20), zone="Asia/Jakarta"),
)


def world(**changes: Any) -> Scenario:
    """Five days from a Friday on, two countries; the policies' events all occur."""
    api = {"template": "code", "messages_a_day": 200}
    made = {
        "start": "2026-04-03",
        "days": 5,
        "account": {
            "balance": 6,
            "ticket_latency": 0,
            "low_quota": {"TH": 30, "ID": 20},
            "service_mode": "pay_per_use",
        },
        "quota": {"daily_limit": 420, "monthly_limit": 5_000},
        "thresholds": {
            "daily_alarm": 150,
            "daily_limit": 300,
            "monthly_alarm": 500,
            "monthly_limit": 800,
        },
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app", "segments": {1: 0.8, 2: 0.2}}],
        "traffic": [
            {"name": "api TH", "country": "TH", "recipients": {1: 0.9, 20: 0.1}, **api},
            {"name": "api ID", "country": "ID", **api},
        ],
        "packages": [{"country": "TH", "segments": 150}, {"country": "ID", "segments": 90}],
        "queue": {"throughput_per_s": 0.2},
    }
    return Scenario.model_validate(made).change(**changes)


ROOMY = {
    "account.balance": None,
    "thresholds.daily_limit": 4_000,
    "thresholds.monthly_limit": 50_000,
    "quota.daily_limit": 4_000,
    "quota.monthly_limit": 50_000,
}
"""Nothing but quota is short."""
STRICT = {"account.balance": None, "thresholds.monthly_limit": 5_000}
"""Nothing but the daily limit is short."""


def told(run: Run, event: str, subject: str | None = None) -> pd.Series[pd.Timestamp]:
    """When events of a kind happened."""
    events = run.events
    assert events is not None
    found = events[events["event"] == event]
    return found["at"] if subject is None else found.loc[found["subject"] == subject, "at"]


def values(run: Run, event: str, subject: str) -> list[int]:
    """What went with the events of a kind."""
    events = run.events
    assert events is not None
    return events.loc[(events["event"] == event) & (events["subject"] == subject), "value"].tolist()


def shanghai(times: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    """The same instants on the clock of the office."""
    return times.dt.tz_convert("Asia/Shanghai")


# TopUpQuota


def test_quota_is_bought_once_a_notice_after_the_reaction_time() -> None:
    run = simulate(world(**ROOMY), policies=[TopUpQuota("TH", 100, 3, after_s=1_800)])
    notices = told(run, "low_quota", "TH")
    notices = notices[notices < run.events["at"].max() - pd.Timedelta(hours=1)]
    bought = told(run, "package_bought").iloc[2:]  # Two are the scenario's own.
    assert len(notices) >= 3
    late = pd.Timedelta(seconds=1_800, microseconds=1)
    assert bought.tolist()[: len(notices)] == [at + late for at in notices]
    assert len(told(run, "low_quota", "ID")) == 1, "ID told, and no one bought for it"
    packages = run.packages
    assert packages is not None
    assert set(packages["country"].iloc[2:]) == {"TH"}
    assert set(packages["price_micro"].iloc[2:]) == {3_000_000}


def test_quota_is_bought_at_most_so_often_and_for_so_long() -> None:
    policy = TopUpQuota("TH", 40, at_most=2, valid_days=1, on="run_out", after_s=0)
    run = simulate(world(**ROOMY), policies=[policy])
    packages = run.packages
    assert packages is not None
    own = packages.iloc[2:]
    assert len(own) == 2
    assert len(told(run, "run_out", "TH")) == 3, "the last run-out finds no one"
    assert ((own["ends_at"] - own["in_force_at"]) <= pd.Timedelta(days=2)).all()


def test_a_country_without_traffic_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="'VN'"):
        simulate(world(), policies=[TopUpQuota("VN", 10)])


@pytest.mark.parametrize("mode", ["pay_per_use", "suspend"])
def test_packages_are_bought_where_they_are_sold(mode: str) -> None:
    """A scenario offers others by saying so."""

    def buys(env: Any, account: Any) -> Any:
        yield env.timeout(1)
        account.buy_package("SG", 10)

    source = {"name": "api SG", "country": "SG", "template": "code", "messages_a_day": 50}
    changes = {"account.service_mode": mode, "account.low_quota": {}, "packages": []}
    made = world(traffic=[source], **changes)
    for policy in (buys, TopUpQuota("SG", 10)):
        with pytest.raises(ValueError, match=r"sold for: ID, TH, IN, PH \(account.package"):
            simulate(made, policies=[policy])
    made = made.change(**{"account.package_countries": ["SG"]})
    run = simulate(made, policies=[buys, TopUpQuota("SG", 10)])
    assert run.packages is not None
    assert len(run.packages) >= 1


# TopUpBalance


def test_money_is_paid_in_when_frozen_until_it_thaws() -> None:
    run = simulate(world(), policies=[TopUpBalance(0.5, after_s=600)])
    frozen, thawed, paid = (told(run, e) for e in ("frozen", "thawed", "topped_up"))
    assert len(frozen) > 1
    assert len(thawed) == len(frozen)
    assert paid.iloc[0] == frozen.iloc[0] + pd.Timedelta(seconds=600, microseconds=1)
    spans = zip(frozen, thawed, strict=True)
    during = [sum(paid.between(since, until)) for since, until in spans]
    assert sum(during) == len(paid), "no one pays while nothing is frozen"
    ledger = run.ledger
    assert ledger is not None
    assert set(ledger.loc[ledger["entry"] == "top_up", "amount_micro"]) == {500_000}


def test_money_is_paid_in_before_the_freeze() -> None:
    scenario = world(**{"queue.throughput_per_s": 500})
    run = simulate(scenario, policies=[TopUpBalance(4, below=4, after_s=60)])
    assert told(run, "frozen").empty
    paid = told(run, "topped_up")
    assert len(paid) >= 2
    assert set(paid.dt.floor("h") + pd.Timedelta(seconds=60, microseconds=1)) == set(paid)
    assert not told(simulate(scenario), "frozen").empty


def test_money_is_paid_in_when_the_office_opens() -> None:
    policy = TopUpBalance(50, hours=(9, 18))
    run = simulate(world(**{"account.balance": 1}), policies=[policy])
    (paid,) = shanghai(told(run, "topped_up"))
    closed = pd.Timestamp("2026-04-03 18:00", tz="Asia/Shanghai")
    assert shanghai(told(run, "frozen")).iloc[0] > closed, "a Friday evening"
    assert paid.floor("s") == pd.Timestamp("2026-04-06 09:00", tz="Asia/Shanghai")


def test_without_a_balance_nobody_can_pay() -> None:
    with pytest.raises(ValueError, match="balance"):
        simulate(world(**{"account.balance": None}), policies=[TopUpBalance(1)])


# RaiseLimit


@pytest.mark.parametrize("on", ["limit", "alarm"])
def test_a_limit_is_raised_in_working_hours_only(on: Any) -> None:
    policy = RaiseLimit(daily_limit=(350, 400), on=on, after_s=0)
    run = simulate(world(**STRICT), policies=[policy])
    at = shanghai(told(run, "thresholds_set", "daily_limit"))
    assert not at.empty
    assert at.dt.hour.between(9, 17).all()
    assert (at.dt.day_of_week < 5).all()
    first = shanghai(told(run, on)).iloc[0]
    assert not 9 <= first.hour < 18 or first.day_of_week > 4, "he was told when no one was there"


def test_a_limit_is_raised_by_steps_and_never_above_the_quota() -> None:
    policy = RaiseLimit(daily_limit=(420, 360, 500), after_s=0, hours=None)
    run = simulate(world(**STRICT, **{"traffic.0.messages_a_day": 900}), policies=[policy])
    assert values(run, "thresholds_set", "daily_limit") == [360, 420]
    assert len(told(run, "limit", "day")) > 3, "500 is above the quota: nothing more can be done"


def test_a_limit_is_raised_by_a_factor_within_the_quota() -> None:
    many = {"traffic.0.messages_a_day": 900}
    policy = RaiseLimit(factor=1.1, after_s=0, hours=None)
    run = simulate(world(**STRICT, **many), policies=[policy])
    assert values(run, "thresholds_set", "daily_limit") == [330, 363, 399]
    assert told(run, "recovered", "day").iloc[0] == told(run, "limit", "day").iloc[
        0
    ] + pd.Timedelta(microseconds=1)


def test_a_monthly_limit_that_trips_unheard_is_raised_too() -> None:
    """The month trips while he waits for Monday; who comes in then sees that it is reached."""
    policy = RaiseLimit(daily_limit=400, monthly_limit=1_500)
    tight = {"account.balance": None, "thresholds.monthly_limit": 600}
    run = simulate(world(**tight), policies=[policy])
    day, month = told(run, "limit", "day").iloc[0], told(run, "limit", "month").iloc[0]
    assert day < month
    assert values(run, "thresholds_set", "monthly_limit") == [1_500]
    assert str(shanghai(told(run, "recovered", "month")).iloc[0])[:16] == "2026-04-06 09:00"


# SwitchMode, StopSource


@pytest.mark.parametrize("on", ["run_out", "suspended"])
def test_the_mode_is_switched_after_the_run_out(on: Any) -> None:
    scenario = world(**ROOMY, **{"account.service_mode": "suspend"})
    run = simulate(scenario, policies=[SwitchMode(on=on, after_s=5_400)])
    (switched,) = told(run, "mode_switched")
    assert switched == told(run, on).iloc[0] + pd.Timedelta(seconds=5_400, microseconds=1)
    rows = run.messages
    assert rows is not None
    refused = rows.loc[rows["status"] == "E000629", "submitted_at"]
    assert not refused.empty
    assert refused.max() < switched
    assert rows.loc[rows["submitted_at"] < switched, "cost_micro"].sum() == 0
    assert rows["cost_micro"].sum() > 0


def test_a_source_is_stopped_after_the_alarm() -> None:
    run = simulate(world(**ROOMY), policies=[StopSource("api ID", after_s=7_200)])
    (stopped,) = told(run, "source_stopped")
    assert stopped == told(run, "alarm").iloc[0] + pd.Timedelta(hours=2, microseconds=1)
    rows = run.messages
    assert rows is not None
    last = rows.groupby("source", observed=True)["submitted_at"].max()
    assert last["api ID"] < stopped < last["api TH"]


def test_a_source_is_stopped_when_the_office_opens() -> None:
    policy = StopSource("api ID", after_s=0, hours=(9, 18))
    (stopped,) = shanghai(told(simulate(world(**ROOMY), policies=[policy]), "source_stopped"))
    assert str(stopped)[:19] == "2026-04-06 09:00:00"


def test_an_unknown_source_cannot_be_stopped() -> None:
    with pytest.raises(ValueError, match="'bot'"):
        simulate(world(), policies=[StopSource("bot")])


# All of them


@pytest.mark.parametrize("policy", MADE, ids=repr)
def test_engine_and_oracle_agree(policy: Any) -> None:
    mode = "suspend" if policy in (MADE[6], MADE[1]) else "pay_per_use"
    scenario = world(**{"account.service_mode": mode})
    commands = ("topped_up", "thresholds_set", "mode_switched", "source_stopped", "package_bought")
    run = simulate(scenario, rng=3, policies=[policy])
    assert sum(len(told(run, event)) for event in commands) > 2 * (event_is_own(policy))
    assert assert_identical(scenario, 3, [policy], Tuning(300, 32, 128)) > 500


def event_is_own(policy: Any) -> bool:
    """Whether its command has the event that the scenario's own two purchases have."""
    return isinstance(policy, TopUpQuota)


def test_engine_and_oracle_agree_on_all_at_once() -> None:
    assert assert_identical(world(), 5, MADE, Tuning(300, 32, 128)) > 500


@pytest.mark.parametrize("policy", MADE, ids=repr)
def test_one_policy_serves_two_runs(policy: Any) -> None:
    """It holds no state, travels to other processes, and its provenance makes it again."""
    first, second = (simulate(world(), policies=[policy]) for _ in range(2))
    copy = pickle.loads(pickle.dumps(policy))
    assert copy == policy
    assert tables(first) == tables(second) == tables(simulate(world(), policies=[copy]))
    (printed,) = first.provenance["policies"]
    assert eval(printed, vars(smssim.policies)) == policy


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (lambda: TopUpQuota("TH", 0), r"segments\(=0\)"),
        (lambda: TopUpQuota("TH", 9, valid_days=1, valid_months=1), r"valid_days\(=1\)"),
        (lambda: TopUpQuota("TH", 9, on="alarm"), r"on\(='alarm'\) must be one of low_quota"),
        (lambda: TopUpBalance(0), r"amount\(=0\)"),
        (lambda: TopUpBalance(1, below=-1), r"below\(=-1\)"),
        (lambda: TopUpBalance(1, after_s=float("nan")), r"after_s\(=nan\)"),
        (lambda: TopUpBalance(1, at_most=-1), r"at_most\(=-1\)"),
        (lambda: RaiseLimit(), "must be given"),
        (lambda: RaiseLimit(factor=2, daily_limit=9), "not both"),
        (lambda: RaiseLimit(factor=1), r"factor\(=1\) must be > 1"),
        (lambda: RaiseLimit(factor=2, hours=(18, 9)), r"hours\(=\(18, 9\)\)"),
        (lambda: RaiseLimit(factor=2, zone="Asia/Nowhere"), "Asia/Nowhere"),
        (lambda: RaiseLimit(factor=2, days="mondays"), r"days\(='mondays'\)"),
        (lambda: SwitchMode("off"), r"to\(='off'\)"),
        (lambda: StopSource("api", on="frozen"), r"on\(='frozen'\)"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_made(wrong: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        wrong()


NAN = float("nan")
NO_COUNTS = (NAN, 2.5, 3.0, True, "4", None)
NO_AMOUNTS = (NAN, float("inf"), -1, True, "4")


@pytest.mark.parametrize("wrong", NO_COUNTS, ids=repr)
@pytest.mark.parametrize(
    "command",
    [
        lambda account, n: account.buy_package("TH", n),
        lambda account, n: account.buy_package("TH", 5, valid_days=n or 0.5),
        lambda account, n: account.set_thresholds(daily_alarm=n),
        lambda account, n: account.raise_quota(daily_limit=n or 0.5),
        lambda account, n: TopUpQuota("TH", n),
        lambda account, n: TopUpQuota("TH", 9, at_most=n or 0.5),
        lambda account, n: RaiseLimit(daily_limit=n),
        lambda account, n: RaiseLimit(monthly_limit=(n, 9_000)),
    ],
    ids=["segments", "days", "alarm", "quota", "top up", "at most", "limit", "limits"],
)
def test_a_count_is_a_whole_number(command: Any, wrong: Any) -> None:
    _refuses(lambda env, account: command(account, wrong))


@pytest.mark.parametrize("wrong", NO_AMOUNTS, ids=repr)
@pytest.mark.parametrize(
    "command",
    [
        lambda account, x: account.buy_package("TH", 5, x),
        lambda account, x: account.top_up(x),
        lambda account, x: TopUpQuota("TH", 5, x),
        lambda account, x: TopUpQuota("TH", 5, after_s=x),
        lambda account, x: TopUpBalance(x),
        lambda account, x: RaiseLimit(factor=x),
    ],
    ids=["price", "pay in", "top up", "after", "amount", "factor"],
)
def test_an_amount_is_finite(command: Any, wrong: Any) -> None:
    _refuses(lambda env, account: command(account, wrong))


@pytest.mark.parametrize("wrong", [NAN, True, False], ids=repr)
def test_a_delay_is_no_nan(wrong: Any) -> None:
    """An event at NaN would end packages, alarms and limits in silence."""
    _refuses(lambda env, account: env.timeout(wrong))


def test_never_is_a_delay() -> None:
    def sleeps(env: Any, account: Any) -> Any:
        yield env.timeout(float("inf"))

    assert tables(simulate(world(), policies=[sleeps])) == tables(simulate(world()))


def _refuses(act: Any) -> None:
    seen = []

    def policy(env: Any, account: Any) -> Any:
        yield env.timeout(1)
        with pytest.raises(ValueError, match="must be"):
            act(env, account)
        seen.append(env.now)

    assert tables(simulate(world(), policies=[policy])) == tables(simulate(world()))
    assert seen


def test_an_exit_of_a_policy_fails_its_run_alone() -> None:
    def leaves(env: Any, account: Any) -> Any:
        yield account.wait("run_out")
        raise SystemExit(3)

    with pytest.raises(RuntimeError, match=r"leaves called sys\.exit\(3\)"):
        simulate(world(), policies=[leaves])
    result = smssim.replicate(world(days=1), 2, policies=[_exits_at_once], workers=1)
    assert result.failed == 2


def _exits_at_once(env: Any, account: Any) -> Any:
    yield env.timeout(1)
    raise SystemExit
