"""The account's rules of the console, one a test: tickets, contacts, thresholds, mainland China.

What refuses a request is in `test_console_requests`, what refuses a number after acceptance in
`test_console_numbers`.
"""

from __future__ import annotations

from typing import Any

import pytest
from console_hands import SENT, at_moments, calls, costs, moment, settled, told, us, verdicts, world

from smssim.scenario import ScenarioError
from smssim.simulation.simulate import simulate
from smssim.stats.keyed_random import KeyedRandom

EACH_MINUTE = [f"12:{minute:02}" for minute in range(6)]
LIMIT = (1, "E000623")


def test_tickets_switch_the_mode_after_their_latency() -> None:
    """Filed at 01:00, done two hours later: what no package covers is charged, then refused."""
    tickets = [
        {"at": moment("01:00"), "service_mode": "suspend"},
        {"at": moment("05:00"), "service_mode": "pay_per_use"},
    ]
    source = calls("02:59:59.999999", "03:00", "06:59:59.999999", "07:00")
    run = simulate(world(source, tickets=tickets, account={"ticket_latency": 7_200}))
    assert verdicts(run) == [SENT, (3, "E000629"), (3, "E000629"), SENT]
    assert costs(run) == [50_000, 0, 0, 50_000]
    assert told(run) == [
        (us("03:00"), "mode_switched", "suspend", None),
        (us("03:00"), "suspended", "ID", None),
        (us("07:00"), "mode_switched", "pay_per_use", None),
        (us("07:00"), "resumed", "ID", None),
    ]


def test_tickets_raise_the_quota() -> None:
    """Until the ticket is done the limit is at most 500; then 800 holds, and 1,001 does not."""
    tickets = [{"at": moment("01:00"), "daily_limit": 1_000, "monthly_limit": 20_000}]
    source = calls(("03:00", 500), ("03:01", 300), "03:02", "03:03")
    made = world(source, tickets=tickets, account={"ticket_latency": 3_600})

    def set_limit(value: int) -> Any:
        return lambda account: account.set_thresholds(daily_limit=value)

    early, above = at_moments({"01:59:59": set_limit(800)}), at_moments({"02:30": set_limit(1_001)})
    for policy, quota in ((early, 500), (above, 1_000)):
        with pytest.raises(ValueError, match=rf"must be <= the quota \(={quota}\)"):
            simulate(made, policies=[policy])
    run = simulate(made, policies=[at_moments({"02:30": set_limit(800)})])
    assert verdicts(run) == [SENT] * 801 + [LIMIT]
    assert told(run, "quota_raised", "limit") == [
        (us("02:00"), "quota_raised", "daily_limit", 1_000),
        (us("02:00"), "quota_raised", "monthly_limit", 20_000),
        (us("03:02"), "limit", "day", 801),
    ]
    assert verdicts(simulate(made))[-2:] == [LIMIT] * 2, "the quota alone raises no limit"


def test_contacts_are_told_of_alarm_limit_and_low_quota() -> None:
    """Five messages at once: alarm at the third, one left at the fourth, limit at the fifth.

    Bob's switch is off, and so he is not told; no one is told of the country's limit.
    """
    contacts = [{"name": "Ann"}, {"name": "Bob", "traffic_warning": False}, {"name": "Eve"}]
    account = {"contacts": contacts, "low_quota": {"ID": 1}}
    values = {"daily_alarm": 2, "daily_limit": 4, "countries": {"ID": {"daily": 1}}}
    package = {"country": "ID", "segments": 5}
    # One request, as the country's limit would refuse the next one.
    source = calls(("12:00", 5))
    made = world(source, account=account, thresholds=values, packages=[package])
    run = simulate(made)
    notified = [("notified", "Ann"), ("notified", "Eve")]
    assert [(event, subject) for _, event, subject, _ in told(run)] == [
        ("package_bought", "0"),
        ("country_limit", "ID day"),
        ("alarm", "day"),
        *notified,
        ("low_quota", "ID"),
        *notified,
        ("package_empty", "0"),
        ("limit", "day"),
        *notified,
    ]
    nobody = simulate(made.change(**{"account.contacts": []}))
    silent = [row for row in told(run) if row[1] != "notified"]
    assert told(nobody) == silent, "and nothing else is different"


def test_at_most_ten_contacts() -> None:
    """Ten are told, in the order of the file; eleven are one too many."""
    contacts = [{"name": f"c{i}"} for i in range(11)]
    values = {"daily_alarm": 1, "daily_limit": 5}
    made = world(calls(("12:00", 2)), account={"contacts": contacts[:10]}, thresholds=values)
    names = [subject for _, _, subject, _ in told(simulate(made), "notified")]
    assert names == [f"c{i}" for i in range(10)]
    with pytest.raises(ScenarioError, match=r"account\.contacts.*10"):
        world(calls("12:00"), account={"contacts": contacts})


def test_counting_error_delays_alarm_and_limit() -> None:
    """By a lag from 0 to 100, drawn anew each day for both: never more, never the same for long."""
    source = calls(("12:00", 200), ("1 12:00", 200))
    values = {"daily_alarm": 10, "daily_limit": 50, "counting_error": 100}
    made = world(source, thresholds=values, days=2)
    lags = set()
    for rng in range(4):
        fired = told(simulate(made, rng=rng), "alarm", "limit")
        assert [event for _, event, _, _ in fired] == ["alarm", "limit"] * 2
        for day in (0, 1):
            word = KeyedRandom(rng).word(
                "thresholds", "day", us(f"{day} 00:00") // (3_600 * 10**6), 0
            )
            lag = word * 101 >> 64
            reached = [value for *_, value in fired[2 * day : 2 * day + 2]]
            assert reached == [11 + lag, 51 + lag]
            lags.add(lag)
    assert len(lags) > 4
    assert max(lags) > 10
    exact = told(simulate(made.change(**{"thresholds.counting_error": 0})), "alarm", "limit")
    assert [value for *_, value in exact] == [11, 51, 11, 51]


def test_mainland_has_thresholds_of_its_own() -> None:
    """Neither side counts the other's messages, and neither limit refuses the other's."""
    china, indonesia = calls(*EACH_MINUTE[:4], country="CN"), calls(*EACH_MINUTE)
    values = {
        "daily_alarm": 3,
        "daily_limit": 4,
        "mainland": {"daily_alarm": 1, "daily_limit": 2},
    }
    run = simulate(world(china, indonesia, thresholds=values))
    assert verdicts(run, "calls CN") == [SENT] * 3 + [LIMIT]
    assert verdicts(run, "calls ID") == [SENT] * 5 + [LIMIT]
    assert told(run) == [
        (us("12:01"), "alarm", "mainland day", 2),
        (us("12:02"), "limit", "mainland day", 3),
        (us("12:03"), "alarm", "day", 4),
        (us("12:04"), "limit", "day", 5),
    ]


def test_mainland_is_billed_on_delivery() -> None:
    """Charged with the hour of its delivery, one that is not delivered or not yet not at all.

    What is delivered at the full hour itself counts with the next; Indonesia pays at once. The
    second one fires an alarm, so that it is judged by itself: it costs nothing then, either.
    """
    delivered = calls("00:30", "00:59:57", "00:59:59", country="CN", latency_s=3)
    failed = calls("00:31", country="CN", name="failed", status="UNDELIV")
    late = calls("23:59:58", country="CN", name="late")
    abroad = calls("03:30", status="UNDELIV")
    values = {"mainland": {"daily_alarm": 1}}
    run = simulate(world(delivered, failed, late, abroad, thresholds=values))
    assert told(run) == [(us("00:31"), "alarm", "mainland day", 2)]
    own = run.messages.groupby("source", observed=True)["cost_micro"].agg(list).to_dict()
    assert own == {
        "calls CN": [50_000] * 3,
        "failed": [0],
        "late": [0],
        "calls ID": [50_000],
    }
    assert settled(run) == [
        (us("01:00"), "settlement", 50_000),
        (us("02:00"), "settlement", 100_000),
        (us("04:00"), "settlement", 50_000),
    ]


def test_country_limits_sum_within_the_monthly_limit() -> None:
    """6,000 and 4,000 fill the month's 10,000; one more, or a smaller month, is refused."""
    sources = calls("12:00"), calls("12:00", country="TH")

    def limits(thailand: int) -> dict[str, Any]:
        return {"countries": {"ID": {"monthly": 6_000}, "TH": {"monthly": thailand}}}

    made = world(*sources, thresholds=limits(4_000))
    assert verdicts(simulate(made)) == [SENT] * 2
    with pytest.raises(ScenarioError, match=r"monthly country limits\(=10001\) must be <= "):
        world(*sources, thresholds=limits(4_001))
    lower = at_moments({"11:00": lambda account: account.set_thresholds(monthly_limit=9_999)})
    with pytest.raises(ValueError, match=r"monthly_limit\(=9999\) must be >= "):
        simulate(made, policies=[lower])
    same = at_moments({"11:00": lambda account: account.set_thresholds(monthly_limit=10_000)})
    assert verdicts(simulate(made, policies=[same])) == [SENT] * 2


def test_low_quota_is_told_once_a_reach() -> None:
    """At two left, and not again at one; a package that lifts it above two arms it anew."""
    packages = [
        {"country": "ID", "segments": 4},
        {"country": "ID", "segments": 1, "at": moment("12:03:30")},
        {"country": "ID", "segments": 3, "at": moment("12:04:30")},
    ]
    run = simulate(world(calls(*EACH_MINUTE), packages=packages, account={"low_quota": {"ID": 2}}))
    # Left: 4, then 3, 2 (told), 1, 0, bought 1, then 0, bought 3, then 2 (told).
    assert told(run, "low_quota") == [
        (us("12:01"), "low_quota", "ID", 2),
        (us("12:05"), "low_quota", "ID", 2),
    ]
    assert costs(run) == [0] * 6


def test_mainland_counts_70_67_with_the_signature() -> None:
    """【AB】 and 66 letters fill 70 characters; beyond, 67 a part: 130 letters fill two.

    Abroad there is no signature, and the same letters are one segment of up to 160.
    """
    for letters, mainland in ((66, 1), (67, 2), (130, 2), (131, 3)):
        template = {"name": "code", "application": "app", "text": "a" * letters}
        china, abroad = calls("12:00", country="CN"), calls("13:00")
        run = simulate(world(china, abroad, templates=[template | {"signature": "AB"}]))
        assert run.messages["segments"].tolist() == [mainland, 1]
        assert costs(run) == [mainland * 50_000, 50_000]
        assert settled(run)[0] == (us("13:00"), "settlement", mainland * 50_000)
        with pytest.raises(ScenarioError, match="goes to CN: it needs a signature"):
            world(china, abroad, templates=[template])
