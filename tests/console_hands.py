"""Small worlds for the console's rules, with requests at written moments and nothing by chance.

Whoever wants a rule adds it to the base world, in which every message is delivered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from smssim.calendars import DAY, HOUR, MINUTE, SECOND, to_us
from smssim.record.schema import REFUSED_AT
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run

MONDAY = "2026-03-02"
"""The first day, 00:00 UTC: 08:00 in GMT+8, an hour before the review desk opens."""
SENT = (0, "DELIVRD")
STATUSES = ("DELIVRD", "UNDELIV", "none")
"""What a number may be given as its final status; the first is drawn if nothing is said."""
ROOMY = {
    "daily_alarm": 500_000,
    "daily_limit": 1_000_000,
    "monthly_alarm": 5_000_000,
    "monthly_limit": 10_000_000,
}
"""Thresholds that nothing reaches, for worlds of many messages."""
WIDE_QUOTA = {"daily_limit": 1_000_000, "monthly_limit": 10_000_000}


def moment(text: str) -> str:
    """The instant *text*: a time of the first day, or of the second one after it: "2 12:00"."""
    day, _, clock = text.rpartition(" ")
    return f"2026-03-{2 + int(day or 0):02}T{clock}"


def us(text: str) -> int:
    """The same in microseconds since 1970."""
    day, _, clock = text.rpartition(" ")
    hours, minutes, seconds = (*clock.split(":"), "0")[:3]
    start_us = to_us(pd.Timestamp(MONDAY, tz="UTC").to_pydatetime())
    us_of_clock = int(hours) * HOUR + int(minutes) * MINUTE + round(float(seconds) * SECOND)
    return start_us + int(day or 0) * DAY + us_of_clock


def calls(*requests: str | tuple[str, int], country: str = "ID", **more: Any) -> dict[str, Any]:
    """A source of requests: when, and to how many numbers (1); delivered in 3 s if nothing is
    said.
    """
    number = {"status": more.pop("status", "DELIVRD"), "latency_s": more.pop("latency_s", 3)}
    pairs = [(request, 1) if isinstance(request, str) else request for request in requests]
    made = [{"at": moment(at), "to": [number] * n} for at, n in pairs]
    return {
        "name": f"calls {country}",
        "template": "code",
        "country": country,
        "calls": made,
    } | more


def traffic(name: str, **more: Any) -> dict[str, Any]:
    """A source of some 100 messages per day, of one number a request."""
    return {"name": name, "template": "code", "country": "ID", "messages_a_day": 100} | more


def world(*sources: dict[str, Any], **changes: Any) -> Scenario:
    """A day of one application `app` with one template `code`, an otp of one segment at 0.05.

    What is drawn is delivered, too.
    """
    price = {"price": 0.05, "latency": 3}
    route = price | {"outcomes": [{"status": s, "share": int(s == "DELIVRD")} for s in STATUSES]}
    countries = {source["country"] for source in sources}
    base: dict[str, Any] = {
        "start": MONDAY,
        "days": 1,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "review": {"decision": 0, "usable_after": 0},
        "calls": [source for source in sources if "calls" in source],
        "traffic": [source for source in sources if "calls" not in source],
        "routes": {country: route for country in sorted(countries)},
    }
    return Scenario.model_validate(base | changes)


def verdicts(run: Run, source: str | None = None) -> list[tuple[int, str]]:
    """Place and status of every message in order, of one source if it is named."""
    assert run.messages is not None
    own = run.messages if source is None else run.messages[run.messages["source"] == source]
    stages = [REFUSED_AT.index(label) for label in own["refused_at"]]
    return list(zip(stages, own["status"].tolist(), strict=True))


def costs(run: Run) -> list[int]:
    """What each message costs, in micro-units."""
    assert run.messages is not None
    return [int(cost) for cost in run.messages["cost_micro"]]


def told(run: Run, *kinds: str) -> list[tuple[int, str, str, int | None]]:
    """The events of some kinds (all if none is named), instants in microseconds."""
    assert run.events is not None
    rows = run.events.itertuples(index=False)
    found = [(at.value // 1_000, event, subject, value) for at, event, subject, value in rows]
    plain = [(*row[:3], None if pd.isna(row[3]) else int(row[3])) for row in found]
    return [row for row in plain if row[1] in kinds or not kinds]


def settled(run: Run) -> list[tuple[int, str, int]]:
    """When and how much money was booked, in micro-units."""
    assert run.ledger is not None
    own = run.ledger[run.ledger["entry"].isin(["settlement", "unsettled"])]
    rows = zip(own["at"], own["entry"], own["amount_micro"], strict=True)
    return [(at.value // 1_000, entry, int(amount)) for at, entry, amount in rows]


def at_moments(steps: dict[str, Any]) -> Any:
    """A policy that does each step, a function of the account, at its moment."""

    def policy(env: Any, account: Any) -> Iterator[Any]:
        for text, step in steps.items():
            yield env.timeout(us(text) - env.now)
            step(account)

    return policy


def no_report(run: Run) -> bool:
    """Whether the refused messages of stages 1 and 2 cost nothing and have no delivery report."""
    assert run.messages is not None
    refused = run.messages[run.messages["refused_at"].isin(["request", "number"])]
    silent = refused["report_source"].isna() & refused["final_at"].isna()
    unsent = refused["sent_at"].isna() & (refused["cost_micro"] == 0)
    return bool(len(refused) and (silent & unsent).all())


def at_once(run: Run) -> bool:
    """Whether the platform's refusals (stage 3) are reported at once, and cost nothing."""
    assert run.messages is not None
    refused = run.messages[run.messages["refused_at"] == "platform"]
    reported = (refused["report_source"] == 3) & (refused["final_at"] == refused["submitted_at"])
    unsent = refused["sent_at"].isna() & (refused["cost_micro"] == 0)
    return bool(len(refused) and (reported & unsent & (refused["covered_segments"] == 0)).all())
