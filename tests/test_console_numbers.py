"""What the platform refuses after acceptance, with a report at once (stage 3), one rule a test."""

from __future__ import annotations

from typing import Any

import pytest
from console_hands import (
    ROOMY,
    SENT,
    WIDE_QUOTA,
    at_moments,
    at_once,
    calls,
    costs,
    moment,
    settled,
    told,
    traffic,
    us,
    verdicts,
    world,
)

from smssim.simulation.simulate import Run, simulate

REGION, NUMBER, QUOTA = (3, "E000628"), (3, "E000632"), (3, "E000629")


def test_region_settings_refuse_other_countries() -> None:
    """Only Thailand is sent to; what is refused counts, unless the thresholds say it does not."""
    indonesia, thailand = calls("12:00", "12:00:01"), calls("12:00:02", country="TH")
    values = {"daily_alarm": 2, "daily_limit": 5}
    made = world(indonesia, thailand, account={"regions": ["TH"]}, thresholds=values)
    run = simulate(made)
    assert verdicts(run) == [REGION, REGION, SENT]
    assert at_once(run)
    assert costs(run) == [0, 0, 50_000]
    assert told(run) == [(us("12:00:02"), "alarm", "day", 3)]
    assert told(simulate(made.change(**{"thresholds.counts_refused": False}))) == []
    nobody = simulate(made.change(**{"account.regions": []}))
    assert verdicts(nobody) == [REGION] * 3
    assert set(verdicts(simulate(made.change(**{"account.regions": None})))) == {SENT}


def test_region_settings_by_policy() -> None:
    """Saved at 11:50 and in force ten minutes later, and so is that no one is sent to."""
    steps: dict[str, Any] = {
        "11:50": lambda account: account.set_regions(["TH", "PH", "TH"]),
        "13:50": lambda account: account.set_regions([]),
    }
    indonesia = calls("11:59:59.999999", "12:00", "14:00")
    thailand = calls("13:59:59.999999", "14:00", country="TH")
    made = world(indonesia, thailand, account={"regions_after_s": 600})
    run = simulate(made, policies=[at_moments(steps)])
    assert verdicts(run, "calls ID") == [SENT, REGION, REGION]
    assert verdicts(run, "calls TH") == [SENT, REGION]
    assert at_once(run)
    assert told(run) == [
        (us("12:00"), "regions_set", "PH, TH", None),
        (us("14:00"), "regions_set", "", None),
    ]
    wrong = at_moments({"11:50": lambda account: account.set_regions(["id"])})
    with pytest.raises(ValueError, match="ISO 3166"):
        simulate(made, policies=[wrong])


def controlled(*rules: dict[str, str], **changes: Any) -> Run:
    """Number control and three sources: of 628125 and 628119, and of numbers that are not known."""
    account = {"number_rules": rules}
    sources = [traffic(b, beginnings={b: 1}, **changes) for b in ("628125", "628119")]
    values = {"thresholds": ROOMY, "quota": WIDE_QUOTA}
    return simulate(world(*sources, calls("23:00"), account=account, **values))


def test_number_rule_blocks_a_beginning() -> None:
    """A star is any one digit: 6281*5 is 628125 and not 628119; a number not known passes."""
    run = controlled({"pattern": "6281*5"})
    assert set(verdicts(run, "628125")) == {NUMBER}
    assert set(verdicts(run, "628119")) == set(verdicts(run, "calls ID")) == {SENT}
    assert at_once(run)
    assert told(run) == [], "in force from the start"


def test_number_rule_allow_wins() -> None:
    """All of 6281 is denied and 62812 allowed, whichever rule stands first."""
    deny, allow = {"pattern": "6281"}, {"pattern": "62812", "action": "allow"}
    for rules in ((deny, allow), (allow, deny)):
        run = controlled(*rules)
        assert set(verdicts(run, "628125")) == {SENT}
        assert set(verdicts(run, "628119")) == {NUMBER}
    assert set(verdicts(controlled(allow), "628119")) == {SENT}, "to allow denies nothing"


def test_number_rule_effect_delay() -> None:
    """Saved at 12:00 and in force 300 s later; requests sit on a grid of five minutes."""
    rule = {"pattern": "628125", "saved": moment("12:00")}
    run = controlled(rule, resolution_s=300, messages_a_day=3_000)
    own = run.messages[run.messages["source"] == "628125"]
    refused = own["status"] == NUMBER[1]
    times = own["submitted_at"].astype("int64")
    assert times[refused].min() == us("12:05")
    assert times[~refused].max() == us("12:00")
    assert told(run) == [(us("12:05"), "number_rule", "deny 628125", None)]


UNTIL_TWO = {"applied": moment("01:00"), "duration": 3_600}
"""A registration that takes the review desk's first hour, 09:00-10:00 GMT+8."""


def test_unregistered_country_supplier_status() -> None:
    """Sent and charged, and reported by the supplier as failed when it would have been delivered.

    One without a report in time stays EXPIRED; another country needs no registration.
    """
    source = calls("01:59:59.999999", "02:00")
    silent = calls("01:30", name="silent", status="none")
    other = calls("01:00", country="TH")
    registrations = {"ID": UNTIL_TWO | {"status": "SIDFAIL"}}
    run = simulate(world(source, silent, other, registrations=registrations, days=5))
    assert verdicts(run, "calls ID") == [(0, "SIDFAIL"), SENT]
    assert verdicts(run, "silent") == [(0, "EXPIRED")]
    assert verdicts(run, "calls TH") == [SENT]
    assert costs(run) == [50_000] * 4
    first = run.messages[run.messages["status"] == "SIDFAIL"]
    assert first["report_source"].item() == 2
    assert (first["final_at"] - first["sent_at"]).item().total_seconds() == 3
    assert told(run) == [(us("02:00"), "registered", "ID", None)]


def test_unregistered_country_platform_status() -> None:
    """Refused by the platform itself: no slot of the queue, no segment of the package, no money."""
    source = calls(("01:59:59.999999", 2), "02:00")
    registrations = {"ID": UNTIL_TWO | {"source": "huawei"}}
    package = {"country": "ID", "segments": 10}
    queue = {"throughput_per_s": 0.001}
    made = world(source, registrations=registrations, packages=[package], queue=queue)
    run = simulate(made)
    assert verdicts(run) == [(3, "REJECTD")] * 2 + [SENT]
    assert at_once(run)
    assert run.messages["sent_at"].astype("int64").iloc[2] == us("02:00"), "no one is before it"
    assert run.packages["used"].item() == 1


def test_password_content_is_refused() -> None:
    """A source whose passwords are never one; the refused count, and take no segment."""
    wrong = traffic("wrong", flaws={"password": 1}, ends=moment("12:00"))
    package = {"country": "ID", "segments": 10}
    values = {"daily_alarm": 1, "daily_limit": 400}
    run = simulate(world(wrong, calls("12:00"), packages=[package], thresholds=values))
    assert set(verdicts(run, "wrong")) == {(3, "E200051")}
    assert verdicts(run, "calls ID") == [SENT]
    assert at_once(run)
    assert run.packages["used"].item() == 1
    second = run.messages["submitted_at"].astype("int64").iloc[1]
    assert told(run, "alarm") == [(second, "alarm", "day", 2)]


def test_mode2_reaches_package_countries_only() -> None:
    """Malaysia is no country of packages: refused in mode 2, with no event, before and after ID."""
    indonesia, malaysia = calls("12:00"), calls("11:00", "13:00", country="MY")
    package = {"country": "ID", "segments": 10}
    made = world(indonesia, malaysia, packages=[package], account={"service_mode": "suspend"})
    run = simulate(made)
    assert verdicts(run) == [QUOTA, SENT, QUOTA]
    assert at_once(run)
    assert told(run) == [(us("00:00"), "package_bought", "0", 10)]
    whole = simulate(made.change(**{"account.suspend_scope": "account"}))
    assert verdicts(whole) == verdicts(run), "nor is the account suspended by it"
    mode1 = simulate(made.change(**{"account.service_mode": "pay_per_use"}))
    assert verdicts(mode1) == [SENT] * 3
    assert costs(mode1) == [50_000, 0, 50_000]


def test_mode2_run_out_suspends() -> None:
    """Three segments for five messages; a package at 18:00 resumes, and Thailand has its own."""
    indonesia = calls(("12:00", 5), "17:59:59.999999", "18:00")
    thailand = calls("12:30", country="TH")
    packages = [
        {"country": "ID", "segments": 3},
        {"country": "TH", "segments": 3},
        {"country": "ID", "segments": 9, "at": moment("18:00")},
    ]
    made = world(indonesia, thailand, packages=packages, account={"service_mode": "suspend"})
    run = simulate(made)
    assert verdicts(run, "calls ID") == [SENT] * 3 + [QUOTA] * 3 + [SENT]
    assert verdicts(run, "calls TH") == [SENT]
    assert at_once(run)
    assert settled(run) == [], "nothing is charged beyond the packages"
    noon, evening = us("12:00"), us("18:00")
    assert told(run, "run_out", "suspended", "resumed") == [
        (noon, "run_out", "ID", 0),
        (noon, "suspended", "ID", None),
        (evening, "resumed", "ID", None),
    ]
    everywhere = simulate(made.change(**{"account.suspend_scope": "account"}))
    assert verdicts(everywhere, "calls TH") == [QUOTA]
