"""What refuses a request (stage 1) or a number in the answer (stage 2), one rule a test.

Every world is computed by hand: from which instant on, with which code, and that it costs nothing.
"""

from __future__ import annotations

from console_hands import (
    MONDAY,
    ROOMY,
    SENT,
    WIDE_QUOTA,
    calls,
    costs,
    moment,
    no_report,
    settled,
    told,
    traffic,
    us,
    verdicts,
    world,
)

from smssim.record.schema import REFUSED_AT
from smssim.simulation.simulate import simulate

JUST_BEFORE_TWO = "01:59:59.999999"


def test_not_enabled_is_refused() -> None:
    """Enabling takes the desk's first hour, 09:00-10:00 GMT+8; the rest takes no time at all."""
    quick = {"registration": 0, "authentication": 0, "details": 0, "application_setup": 0}
    source = calls("00:00", JUST_BEFORE_TWO, "02:00")
    run = simulate(world(source, onboarding=quick | {"enabling": 3_600}))
    assert verdicts(run) == [(1, "E000109"), (1, "E000109"), SENT]
    assert no_report(run)
    assert told(run, "enabled") == [(us("02:00"), "enabled", "", None)]


def test_application_not_created_is_refused() -> None:
    """One application is created at 02:00, the other is there and sends all the while."""
    applications = [{"name": "app", "created": moment("02:00")}, {"name": "old"}]
    templates = [{"name": n, "application": a} for n, a in (("code", "app"), ("news", "old"))]
    late, old = calls(JUST_BEFORE_TWO, "02:00"), calls("01:00", country="TH", template="news")
    run = simulate(world(late, old, applications=applications, templates=templates))
    assert verdicts(run, "calls ID") == [(1, "E000102"), SENT]
    assert verdicts(run, "calls TH") == [SENT]
    assert no_report(run)
    assert told(run, "application_created") == [(us("02:00"), "application_created", "app", None)]


def test_suspended_application_is_refused() -> None:
    """Suspended from 02:00 until 05:00; the code is the scenario's, E000103 if nothing is said."""
    pause = {"name": "app", "suspended": moment("02:00"), "reinstated": moment("05:00")}
    source = calls(JUST_BEFORE_TWO, "02:00", "04:59:59.999999", "05:00")
    for more, code in (({}, "E000103"), ({"suspended_code": "E000105"}, "E000105")):
        run = simulate(world(source, applications=[pause | more]))
        assert verdicts(run) == [SENT, (1, code), (1, code), SENT]
        assert no_report(run)
        assert told(run) == [
            (us("02:00"), "application_suspended", "app", None),
            (us("05:00"), "application_reinstated", "app", None),
        ]
    run = simulate(world(source, applications=[pause | {"reinstated": None}]))
    assert verdicts(run) == [SENT] + [(1, "E000103")] * 3, "it is never reinstated"


def test_address_not_in_the_whitelist_is_refused() -> None:
    """Saved at 02:00, in force 900 s later, for requests whose address is known."""
    listed = {"name": "app", "addresses": ["10.0.0.1"], "addresses_saved": moment("02:00")}
    times = ("02:14:59.999999", "02:15", "20:00")
    foreign = calls(*times, name="foreign", address="10.0.0.2")
    own, unknown = calls(*times, name="own", address="10.0.0.1"), calls(*times, name="unknown")
    made = world(foreign, own, unknown, applications=[listed])
    run = simulate(made)
    assert verdicts(run, "foreign") == [SENT, (1, "E000620"), (1, "E000620")]
    assert verdicts(run, "own") == verdicts(run, "unknown") == [SENT] * 3
    assert no_report(run)
    assert told(run) == [(us("02:15"), "addresses_in_force", "app", None)]
    early = simulate(made.change(**{"applications.0.addresses_saved": None}))
    assert verdicts(early, "foreign") == [(1, "E000620")] * 3, "in force from the start"
    assert told(early) == []


def test_frozen_account_is_refused() -> None:
    """Three messages at 0.05 overdraw 0.1 at the full hour; what is refused costs nothing."""
    source = calls(("00:10", 2), "00:59:59.9", "01:00", "20:00")
    run = simulate(world(source, account={"balance": 0.1}))
    assert verdicts(run) == [SENT] * 3 + [(1, "E000112")] * 2
    assert no_report(run)
    assert told(run) == [(us("01:00"), "frozen", "", -50_000)]
    assert settled(run) == [(us("01:00"), "settlement", 150_000)]


def test_limit_refuses_the_next_request() -> None:
    """The 501st message trips the limit of 500; 499 more of its request of 500 are sent."""
    source = calls(("01:00", 500), ("02:00", 500), ("02:00", 2), "23:59:59.999999", "1 00:00")
    run = simulate(world(source, days=2))
    assert verdicts(run) == [SENT] * 1_000 + [(1, "E000623")] * 3 + [SENT]
    assert no_report(run)
    assert told(run) == [
        (us("01:00"), "alarm", "day", 401),
        (us("02:00"), "limit", "day", 501),
        (us("1 00:00"), "recovered", "day", None),
    ]


def test_country_limit_refuses_the_country() -> None:
    """Two messages per day to ID: the third trips it, and the rest of its request passes."""
    indonesia = calls("01:00", ("02:00", 3), "03:00", "1 00:00")
    thailand = calls("03:00", country="TH")
    limits = {"countries": {"ID": {"daily": 2}}}
    run = simulate(world(indonesia, thailand, days=2, thresholds=limits))
    assert verdicts(run, "calls ID") == [SENT] * 4 + [(1, "E000630"), SENT]
    assert verdicts(run, "calls TH") == [SENT]
    assert no_report(run)
    assert told(run) == [
        (us("02:00"), "country_limit", "ID day", 3),
        (us("1 00:00"), "recovered", "ID day", None),
    ]


def test_request_over_500_is_refused() -> None:
    """All 501 recipients of a request are refused, and none of 500; the refused do not count."""
    source = traffic("api", messages_a_day=20_000, recipients={500: 0.5, 501: 0.5})
    run = simulate(world(source, thresholds=ROOMY, quota=WIDE_QUOTA))
    requests = run.messages.groupby("request")
    sizes = requests.size()
    assert set(sizes) == {500, 501}
    for size, verdict in ((500, SENT), (501, (1, "E000503"))):
        own = run.messages[run.messages["request"].isin(sizes.index[sizes == size])]
        assert set(zip(own["refused_at"].map(REFUSED_AT.index), own["status"], strict=True)) == {
            verdict
        }
    assert no_report(run)
    alone = simulate(world(source | {"recipients": {501: 1}}))
    assert len(alone.messages) > 500
    assert told(alone) == [], "far above the alarm, and none of it counts"


def test_template_not_usable_is_refused() -> None:
    """Handed in at 12:00 GMT+8, decided an hour later, usable five minutes after that."""
    templates = [{"name": "code", "application": "app", "submitted": moment("04:00")}]
    source = calls("00:00", "05:04:59.999999", "05:05")
    review = {"decision": 3_600, "usable_after": 300}
    run = simulate(world(source, templates=templates, review=review))
    assert verdicts(run) == [(2, "E200030"), (2, "E200030"), SENT]
    assert no_report(run)
    assert told(run) == [(us("05:05"), "template_usable", "code", None)]


def test_wrong_variables_are_refused() -> None:
    """A source whose variables never fit; the other's always do. The refused do not count."""
    wrong = traffic("wrong", flaws={"variables": 1})
    values = {"daily_alarm": 1, "daily_limit": 2}
    run = simulate(world(wrong, calls(("12:00", 2)), thresholds=values))
    assert set(verdicts(run, "wrong")) == {(2, "E200028")}
    assert verdicts(run, "calls ID") == [SENT] * 2
    assert no_report(run)
    assert told(run) == [(us("12:00"), "alarm", "day", 2)]


def test_duplicates_in_a_request_are_refused() -> None:
    """Each further number repeats the first one of its request, which alone is sent and paid."""
    run = simulate(world(traffic("api", recipients=5, flaws={"duplicates": 1})))
    first = run.messages["recipient"] == 0
    assert set(verdicts(run)) == {SENT, (2, "E200041")}
    assert ((run.messages["refused_at"] == "") == first).all()
    assert no_report(run)
    assert sum(costs(run)) == sum(amount for *_, amount in settled(run)) == first.sum() * 50_000


def asked(first: str, patience_s: float, n: int, frequency: dict[str, object]) -> list[bool]:
    """Whether each of eight copies passes: one number, sent to anew as nothing is delivered."""
    users = {"patience": patience_s, "at_most": n - 1}
    source = calls(first, status="UNDELIV", latency_s=1, resend=users)
    run = simulate(world(source, days=2, applications=[{"name": "app", "frequency": frequency}]))
    found = verdicts(run)
    assert len(found) == n
    assert set(found) == {(0, "UNDELIV"), (2, "E200048")}
    assert no_report(run)
    assert costs(run) == [50_000 * (place == 0) for place, _ in found]
    return [place == 0 for place, _ in found]


def test_frequency_a_minute() -> None:
    """Every 20 s from 12:00:30: two in this minute, then two of three in each clock minute."""
    passed = asked("12:00:30", 20, 8, {"per_minute": 2})
    assert passed == [True, True, True, True, False, True, True, False]


def test_frequency_an_hour() -> None:
    """Every 20 minutes from 12:30: two in this hour, then two of three in each clock hour."""
    passed = asked("12:30", 1_200, 8, {"per_hour": 2})
    assert passed == [True, True, True, True, False, True, True, False]


def test_frequency_a_day_of_gmt8() -> None:
    """Every 2 h from 10:00 UTC: the day turns at 16:00, and not at midnight (the last copy)."""
    passed = asked("10:00", 7_200, 8, {"per_day": 2})
    assert passed == [True, True, False, True, True, False, False, False]


def test_frequency_whitelist() -> None:
    """One day of GMT+8, one number a source, one message per day: the whitelisted one gets all."""
    free, limited = traffic("free", whitelisted=True, numbers=1), traffic("limited", numbers=1)
    rule = {"name": "app", "frequency": {"per_day": 1}}
    run = simulate(world(free, limited, start=f"{MONDAY}T16:00", applications=[rule]))
    assert len(verdicts(run, "free")) > 1
    assert set(verdicts(run, "free")) == {SENT}
    refused = verdicts(run, "limited")
    assert refused == [SENT] + [(2, "E200048")] * (len(refused) - 1)
    assert len(refused) > 1


def test_frequency_effect_delay() -> None:
    """Saved at 12:00 and in force 900 s later; passes count from then on, those before do not."""
    rule = {"per_hour": 1, "saved": moment("12:00")}
    passed = asked("12:00", 300, 8, rule)
    assert passed == [True] * 4 + [False] * 4, "12:15 is the first that counts"
    asked_again = simulate(world(calls("12:00"), applications=[{"name": "app", "frequency": rule}]))
    assert told(asked_again) == [(us("12:15"), "frequency_limit", "app", None)]


def test_frequency_counts_what_is_refused_afterwards() -> None:
    """Two pass a minute, whether the region settings refuse them or the queue is full.

    The account changes between the first and the second (a number rule that blocks no one).
    """
    rule = {"name": "app", "frequency": {"per_minute": 2}}
    cut = {"number_rules": [{"pattern": "6281", "saved": moment("12:00:05")}]}
    users = {"patience": 10, "at_most": 3}
    account = cut | {"number_rules_after_s": 0}
    too_often = [(2, "E200048")] * 2
    made = world(calls("12:00", resend=users), applications=[rule], account=account)
    run = simulate(made.change(**{"account.regions": ["TH"]}))
    assert verdicts(run) == [(3, "E000628")] * 2 + too_often
    # Whoever comes first takes the only slot for more than a quarter of an hour.
    full = {"throughput_per_s": 0.001, "capacity": 0}
    late = calls("11:59", name="first"), calls("12:00", resend=users)
    run = simulate(world(*late, applications=[rule], account=account, queue=full))
    assert verdicts(run, "calls ID") == [(2, "E200015")] * 2 + too_often


def test_full_queue_refuses() -> None:
    """One a second and three may wait: the fifth would wait 4 s; who is refused takes no slot."""
    queue = {"throughput_per_s": 1, "capacity": 3}
    run = simulate(world(calls(("12:00", 6), ("12:00:01", 2)), queue=queue))
    full = (2, "E200015")
    assert verdicts(run) == [SENT] * 4 + [full] * 2 + [SENT, full]
    assert no_report(run)
    sent = run.messages["sent_at"].dropna().astype("int64").tolist()
    assert sent == [us(f"12:00:0{second}") for second in range(5)]
