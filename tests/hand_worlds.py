"""Worlds small and plain enough to be computed by hand, with the tables that must come out.

Outcomes and delays are fixed, so that no mark matters: any seed gives these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from smssim.calendars import DAY, HOUR, MINUTE, SECOND
from smssim.record.schema import REFUSED_AT
from smssim.scenario import Scenario

Rows = list[tuple[Any, ...]]


class HandWorld(NamedTuple):
    """A scenario with its policies, and the whole of some of its tables."""

    name: str
    scenario: Scenario
    policies: tuple[Callable[[Any, Any], Iterator[Any]], ...]
    expected: dict[str, Rows]


def _scenario(start: str, days: int, calls: list[dict[str, Any]], **changes: Any) -> Scenario:
    """One source `api` of one template `code` to Indonesia, with its calls written out."""
    segments = changes.pop("segments", 1)
    source = {"name": "api", "template": "code", "country": "ID", "calls": calls}
    source |= {"resend": changes.pop("resend")} if "resend" in changes else {}
    return Scenario.model_validate(
        {
            "start": start,
            "days": days,
            "applications": [{"name": "app"}],
            "templates": [{"name": "code", "application": "app", "segments": segments}],
            "calls": [source],
            **changes,
        }
    )


def _to(n: int, latency_s: float = 3, status: str = "DELIVRD") -> list[dict[str, Any]]:
    return [{"status": status, "latency_s": latency_s}] * n


def _us(scenario: Scenario, text: str) -> int:
    """The instant *text*, a time of the first UTC day, or of a later one: "3 12:00"."""
    days, _, clock = text.rpartition(" ")
    hours, minutes = clock.split(":")
    return (
        scenario.start_us
        - scenario.start_us % DAY
        + int(days or 0) * DAY
        + int(hours) * HOUR
        + int(minutes) * MINUTE
    )


def _row(
    at: int,
    k: int,
    recipient: int,
    result: tuple[int, str | None],
    *,
    generation: int = 0,
    segments: int = 1,
    first_at: int | None = None,
    source: int | None = None,
    sent_at: int | None = None,
    final_at: int | None = None,
    covered: int = 0,
    package: int | None = None,
    cost: int = 0,
) -> tuple[Any, ...]:
    """A row of messages; the request's number is that of its first copy's hour."""
    request = (at if first_at is None else first_at) // HOUR * 1_000_000 + k
    what = ("app", "code", "otp", "ID", segments)
    refused_at, status = REFUSED_AT[result[0]], result[1]
    tail = (refused_at, status, source, sent_at, final_at, covered, package, cost)
    return (at, "api", request, recipient, generation, *what, *tail)


def _huaweis_packages() -> HandWorld:
    """Huawei's example, a thousandth of it: A from 1 May, B from 10 May, each for a year.

    Before 10 May sending stops after A, and from then on after B.
    """
    calls = [
        {"at": "2025-05-05T00:00", "to": _to(12)},
        {"at": "2025-05-12T00:00", "to": _to(101)},
    ]
    packages = [
        {"country": "ID", "segments": 10, "at": "2025-05-01", "valid_months": 12},
        {"country": "ID", "segments": 100, "at": "2025-05-10", "valid_months": 12},
    ]
    scenario = _scenario(
        "2025-05-01", 15, calls, packages=packages, account={"service_mode": "suspend"}
    )
    day_4, day_9, day_11 = (_us(scenario, f"{day} 00:00") for day in (4, 9, 11))
    messages = []
    for k, (at, n, left) in enumerate([(day_4, 12, 10), (day_11, 101, 100)]):
        for i in range(n):
            if i < left:
                sent = at + i * 2_000
                mark = {"source": 2, "sent_at": sent, "final_at": sent + 3 * SECOND}
                messages.append(_row(at, k, i, (0, "DELIVRD"), covered=1, package=k, **mark))
            else:
                messages.append(_row(at, k, i, (3, "E000629"), source=3, final_at=at))
    events: Rows = [
        (scenario.start_us, "package_bought", "0", 10),
        (day_4, "package_empty", "0", 0),
        (day_4, "run_out", "ID", 0),
        (day_4, "suspended", "ID", None),
        (day_9, "package_bought", "1", 100),
        (day_9, "resumed", "ID", None),
        (day_11, "package_empty", "1", 0),
        (day_11, "run_out", "ID", 0),
        (day_11, "suspended", "ID", None),
    ]
    ledger: Rows = [
        (scenario.start_us, "purchase", "ID", 0, 10, 0),
        (day_9, "purchase", "ID", 1, 100, 0),
    ]
    # The last day, 1 and 10 May 2026, ends at midnight in China, 16:00 UTC.
    bought: Rows = [
        (0, "ID", 10, 0, scenario.start_us, scenario.start_us + 365 * DAY + 16 * HOUR, 10, 0, 0),
        (1, "ID", 100, 0, day_9, day_9 + 365 * DAY + 16 * HOUR, 100, 0, 0),
    ]
    tables = {"messages": messages, "events": events, "ledger": ledger, "packages": bought}
    return HandWorld("huaweis_packages", scenario, (), tables)


def _limit_within_a_request() -> HandWorld:
    """The daily limit of 500 trips within a request of 500 and is looked at by the next one."""
    calls = [
        {"at": "2025-06-30T01:00", "to": _to(100)},
        {"at": "2025-06-30T02:00", "to": _to(500)},
        {"at": "2025-06-30T02:00", "to": _to(2)},
        {"at": "2025-06-30T23:59:59.999999", "to": _to(1)},
        {"at": "2025-07-01T00:00", "to": _to(1)},
    ]
    scenario = _scenario("2025-06-30", 2, calls, routes={"ID": {"price": 0.05}})
    one, two, midnight = (_us(scenario, text) for text in ("01:00", "02:00", "1 00:00"))
    messages = []
    for k, (at, n) in enumerate(
        [(one, 100), (two, 500), (two, 2), (midnight - 1, 1), (midnight, 1)]
    ):
        for i in range(n):
            if k in (2, 3):
                messages.append(_row(at, k, i, (1, "E000623")))
                continue
            sent = at + i * 2_000
            mark = {"source": 2, "sent_at": sent, "final_at": sent + 3 * SECOND, "cost": 50_000}
            messages.append(_row(at, k, i, (0, "DELIVRD"), **mark))
    events: Rows = [
        (two, "alarm", "day", 401),
        (two, "limit", "day", 501),
        (midnight, "recovered", "day", None),
    ]
    ledger: Rows = [
        (two, "settlement", None, None, None, 100 * 50_000),
        (two + HOUR, "settlement", None, None, None, 500 * 50_000),
        (midnight + HOUR, "settlement", None, None, None, 50_000),
    ]
    tables = {"messages": messages, "events": events, "ledger": ledger, "packages": []}
    return HandWorld("limit_within_a_request", scenario, (), tables)


def _straddle(mode: str) -> HandWorld:
    """Two messages of 3 segments against a package of 4: the second straddles its end."""
    calls = [{"at": "2025-03-03T12:00", "to": _to(2)}, {"at": "2025-03-03T12:30", "to": _to(1)}]
    scenario = _scenario(
        "2025-03-03",
        1,
        calls,
        segments=3,
        packages=[{"country": "ID", "segments": 4, "price": 0.2}],
        account={"service_mode": mode, "low_quota": {"ID": 2}},
        routes={"ID": {"price": 0.05}},
    )
    noon, later, start = _us(scenario, "12:00"), _us(scenario, "12:30"), scenario.start_us

    def sent(at: int, k: int, i: int, covered: int) -> tuple[Any, ...]:
        leaves = at + i * 2_000
        return _row(
            at,
            k,
            i,
            (0, "DELIVRD"),
            segments=3,
            source=2,
            sent_at=leaves,
            final_at=leaves + 3 * SECOND,
            covered=covered,
            package=0 if covered else None,
            cost=(3 - covered) * 50_000,
        )

    def refused(at: int, k: int, i: int) -> tuple[Any, ...]:
        return _row(at, k, i, (3, "E000629"), segments=3, source=3, final_at=at)

    events: Rows = [(start, "package_bought", "0", 4), (noon, "low_quota", "ID", 1)]
    ledger: Rows = [(start, "purchase", "ID", 0, 4, 200_000)]
    ends = start + 31 * DAY + 16 * HOUR
    if mode == "pay_per_use":
        messages = [sent(noon, 0, 0, 3), sent(noon, 0, 1, 1), sent(later, 1, 0, 0)]
        events += [(noon, "package_empty", "0", 0), (noon, "run_out", "ID", 1)]
        ledger += [(noon + HOUR, "settlement", None, None, None, 5 * 50_000)]
        package = (0, "ID", 4, 200_000, start, ends, 4, 0, 0)
    else:
        messages = [sent(noon, 0, 0, 3), refused(noon, 0, 1), refused(later, 1, 0)]
        events += [(noon, "run_out", "ID", 1), (noon, "suspended", "ID", None)]
        package = (0, "ID", 4, 200_000, start, ends, 3, 0, 1)
    tables = {"messages": messages, "events": events, "ledger": ledger, "packages": [package]}
    return HandWorld(f"straddle_{mode}", scenario, (), tables)


def _top_up_later(env: Any, account: Any) -> Iterator[Any]:
    """Twenty minutes after the first freeze, pay just what is owed."""
    yield account.wait("frozen")
    yield env.timeout(20 * MINUTE)
    account.top_up(0.05)


def _freeze() -> HandWorld:
    """A queue of one message in 1,000 s; at the full hour the money is gone and the rest fails.

    Five messages of 2 segments against a package of 7: the fourth is split, the fifth is paid.
    Two have left; that of 01:00:00 and two more fail and give back 3 segments, 0.15 and their
    slots. A balance of just 0 thaws the account and, at 03:00, does not freeze it.
    """
    calls = [
        {"at": "2025-03-03T00:26:40", "to": _to(5)},
        {"at": "2025-03-03T01:10", "to": _to(1)},
        {"at": "2025-03-03T01:25", "to": _to(1)},
        {"at": "2025-03-03T02:10", "to": _to(2)},
        {"at": "2025-03-03T03:30", "to": _to(1)},
    ]
    scenario = _scenario(
        "2025-03-03",
        1,
        calls,
        segments=2,
        packages=[{"country": "ID", "segments": 7, "valid_days": 1}],
        account={"balance": 0.1},
        queue={"throughput_per_s": 0.001},
        routes={"ID": {"price": 0.05}},
        callback={"retries_s": [60], "outages": [{"at": "2025-03-03T01:00", "minutes": 1}]},
    )
    start, full = scenario.start_us, _us(scenario, "01:00")
    first, frozen = _us(scenario, "00:26") + 40 * SECOND, _us(scenario, "01:10")
    thaw = full + 20 * MINUTE + 1
    third, fourth, last = (_us(scenario, text) for text in ("01:25", "02:10", "03:30"))

    def sent(at: int, k: int, i: int, covered: int) -> tuple[Any, ...]:
        leaves = at + i * 1_000 * SECOND
        result, gave = (0, "DELIVRD"), 0 if covered else None
        mark = {"source": 2, "sent_at": leaves, "final_at": leaves + 3 * SECOND, "package": gave}
        cost = (2 - covered) * 50_000
        return _row(at, k, i, result, segments=2, covered=covered, cost=cost, **mark)

    failed = {"segments": 2, "source": 3, "final_at": full}
    messages = [
        sent(first, 0, 0, 2),
        sent(first, 0, 1, 2),
        *(_row(first, 0, i, (3, "E000112"), **failed) for i in (2, 3, 4)),
        _row(frozen, 1, 0, (1, "E000112"), segments=2),
        sent(third, 2, 0, 2),
        sent(fourth, 3, 0, 1),
        sent(fourth, 3, 1, 0),
        sent(last, 4, 0, 0),
    ]
    events: Rows = [
        (start, "package_bought", "0", 7),
        (first, "package_empty", "0", 0),
        (first, "run_out", "ID", 1),
        (full, "frozen", "", -50_000),
        (thaw, "topped_up", "", 50_000),
        (thaw, "thawed", "", 0),
        (fourth, "package_empty", "0", 0),
        (fourth, "run_out", "ID", 1),
        (full + 3 * HOUR, "frozen", "", -100_000),
    ]
    ledger: Rows = [
        (start, "purchase", "ID", 0, 7, 0),
        (full, "settlement", None, None, None, 150_000),
        (full, "returned", "ID", 0, 3, None),
        (thaw, "top_up", None, None, None, 50_000),
        (full + HOUR, "settlement", None, None, None, -150_000),
        (full + 2 * HOUR, "settlement", None, None, None, 150_000),
        (full + 3 * HOUR, "settlement", None, None, None, 100_000),
    ]
    package = (0, "ID", 7, 0, start, start + DAY + 16 * HOUR, 7, 0, 0)
    # The server is down as the three fail, so their reports come with the second attempt.
    reports = [
        (row, part, "received", 2, 1, full + MINUTE)
        if row in (2, 3, 4)
        else (row, part, "received", 1, 1, messages[row][14])
        for row in (0, 1, 2, 3, 4, 6, 7, 8, 9)
        for part in (1, 2)
    ]
    tables = {
        "messages": messages,
        "reports": reports,
        "events": events,
        "ledger": ledger,
        "packages": [package],
    }
    return HandWorld("freeze", scenario, (_top_up_later,), tables)


def _resends() -> HandWorld:
    """Users who ask again after 60 s, up to three times, until a copy is delivered by then.

    The first user's copy comes at the very instant of asking again, which is soon enough.
    """
    to = [*_to(1, 60), *_to(1, 10), *_to(1, 61), *_to(1, 130), *_to(1, 1, "UNDELIV")]
    calls = [{"at": "2025-03-31T23:58:00", "to": to}]
    resend = {"patience": 60, "at_most": 3}
    scenario = _scenario(
        "2025-03-31", 2, calls, resend=resend, queue={"throughput_per_s": 1_000_000}
    )
    first = _us(scenario, "23:58")
    latency = [60, 10, 61, 130, 1]
    # Who asks: copy g + 1 is born unless a copy came within 60 (g + 1) s of the first.
    born = [[0, 1, 2, 3, 4], [2, 3, 4], [3, 4], [4]]
    messages = []
    for generation, users in enumerate(born):
        for place, i in enumerate(users):
            at = first + generation * MINUTE
            sent = at + place
            result = (0, "UNDELIV" if i == 4 else "DELIVRD")
            times = {"sent_at": sent, "final_at": sent + latency[i] * SECOND, "first_at": first}
            messages.append(
                _row(at, 0, i, result, generation=generation, source=2, cost=50_000, **times)
            )
    midnight = _us(scenario, "1 00:00")
    ledger: Rows = [
        (midnight, "settlement", None, None, None, 8 * 50_000),
        (midnight + HOUR, "settlement", None, None, None, 3 * 50_000),
    ]
    tables = {"messages": messages, "events": [], "ledger": ledger, "reviews": []}
    return HandWorld("resends", scenario, (), tables)


HAND_WORLDS = [
    _huaweis_packages(),
    _limit_within_a_request(),
    _straddle("pay_per_use"),
    _straddle("suspend"),
    _freeze(),
    _resends(),
]
