"""Traffic thresholds: alarm and limit values counted by UTC day and month (DOMAIN.md section 5)."""

from __future__ import annotations

from collections.abc import Iterator

from smssim.calendars import DAY, HOUR, month_start
from smssim.scenario import Opening, Scenario, Thresholds, Ticket
from smssim.sms.reference import MAINLAND
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["NAMES", "PERIODS", "ApprovedQuota", "Counter", "ThresholdCounters"]

PERIODS = ("day", "month")
NAMES = {"day": "daily", "month": "monthly"}


class Counter:
    """What was sent in the present period, held against an alarm and a limit value (either may be
    None).
    """

    def __init__(self, alarm: int | None, limit: int | None, exceeds: bool) -> None:
        self.used = 0
        self.alarm = alarm
        self.limit = limit
        self.alarm_armed = alarm is not None
        self.tripped = False
        self._fired = False
        self._next_alarm = alarm
        self._beyond = int(exceeds)
        self.lag = 0
        """How much later than at its values the platform acts in this period."""

    def open(self, used: int) -> None:
        """Begin with what was counted before: what it reaches has fired."""
        self.used = used
        self._fired = self.reached(self.alarm)
        self.alarm_armed = self.alarm is not None and not self._fired
        self.tripped = self.reached(self.limit)

    @property
    def headroom(self) -> int | None:
        """Weight that can still be counted before anything happens, plus one; at least 1. None if
        nothing can.
        """
        goals = []
        if self.alarm_armed and self.alarm is not None:
            goals.append(self.alarm)
        if not self.tripped and self.limit is not None:
            goals.append(self.limit)
        return max(1, min(goals) + self._beyond + self.lag - self.used) if goals else None

    def reached(self, value: int | None) -> bool:
        """Whether the count acts on *value*: at it, or above it."""
        return value is not None and self.used >= value + self._beyond + self.lag

    def count(self, weight: int) -> Iterator[str]:
        """Count one message; yield `alarm` and `limit` as they fire."""
        self.used += weight
        if self.alarm_armed and self.reached(self.alarm):
            self.alarm_armed, self._fired = False, True
            yield "alarm"
        if not self.tripped and self.reached(self.limit):
            self.tripped = True
            yield "limit"

    def turn(self) -> bool:
        """Begin the next period; return whether a tripped limit recovers by it."""
        recovered = self.tripped
        self.used, self.tripped, self._fired = 0, False, False
        self.alarm, self.alarm_armed = self._next_alarm, self._next_alarm is not None
        return recovered

    def set_alarm(self, value: int) -> None:
        """Change the alarm; once one has fired, a smaller value waits for the next period."""
        self._next_alarm = value
        if not self._fired or value > (self.alarm or 0):
            self.alarm, self.alarm_armed = value, True

    def set_limit(self, value: int) -> bool:
        """Change the limit; return whether a tripped one recovers by it."""
        self.limit = value
        recovered = self.tripped and not self.reached(value)
        self.tripped = self.tripped and not recovered
        return recovered

    @property
    def next_alarm(self) -> int | None:
        """The alarm value that was set last, in force now or from the next period."""
        return self._next_alarm


class ThresholdCounters:
    """The account's counters by period, and those of countries that have limits of their own."""

    def __init__(self, rules: Thresholds, random: KeyedRandom, start_us: int) -> None:
        exceeds = rules.trips == "exceeds"
        self.by_segment = rules.unit == "segment"
        self.counts_refused = rules.counts_refused
        self.total = {
            "day": Counter(rules.daily_alarm, rules.daily_limit, exceeds),
            "month": Counter(rules.monthly_alarm, rules.monthly_limit, exceeds),
        }
        of = rules.mainland
        self.mainland = {
            "day": Counter(of.daily_alarm, of.daily_limit, exceeds),
            "month": Counter(of.monthly_alarm, of.monthly_limit, exceeds),
        }
        self.countries = {
            country: {
                "day": Counter(None, limit.daily, exceeds),
                "month": Counter(None, limit.monthly, exceeds),
            }
            for country, limit in sorted(rules.countries.items())
        }
        self._random, self._error = random, rules.counting_error
        for period in PERIODS:
            self._draw_lag(period, start_us)

    def open(self, opening: Opening, start_us: int, begin_us: int) -> None:
        """Begin at *begin_us* with what was counted before; what that reaches has fired already."""
        known_us = begin_us - (begin_us > start_us)
        for period, turned_us in (
            ("day", known_us - known_us % DAY),
            ("month", month_start(known_us)),
        ):
            self._draw_lag(period, max(start_us, turned_us))
        sides = [(self.total, opening), (self.mainland, opening.mainland)]
        sides += [
            (counters, opening.countries[country])
            for country, counters in self.countries.items()
            if country in opening.countries
        ]
        for counters, state in sides:
            counters["day"].open(state.used_today)
            counters["month"].open(state.used_this_month)

    def side(self, country: str) -> dict[str, Counter]:
        """The counters that a country's messages count in: the mainland's, or all others'."""
        return self.mainland if country == MAINLAND else self.total

    def tripped(self, country: str) -> bool:
        """Whether a limit of the whole account is tripped for messages to *country*."""
        return any(counter.tripped for counter in self.side(country).values())

    @property
    def any_tripped(self) -> bool:
        """Whether any limit is tripped, of a side or of a country."""
        sides = (self.total, self.mainland, *self.countries.values())
        return any(counter.tripped for side in sides for counter in side.values())

    def country_tripped(self, country: str) -> bool:
        """Whether a limit of *country* is tripped."""
        return any(counter.tripped for counter in self.countries.get(country, {}).values())

    def count(self, country: str, segments: int) -> Iterator[tuple[str, str, int]]:
        """Count one message; yield (event, subject, count) as they fire."""
        weight = segments if self.by_segment else 1
        side = self.side(country)
        for period in PERIODS:
            counter = side[period]
            for fired in counter.count(weight):
                yield fired, _subject(period, country), counter.used
        for period, counter in self.countries.get(country, {}).items():
            for _ in counter.count(weight):
                yield "country_limit", f"{country} {period}", counter.used

    def count_quietly(self, weights: dict[str, int]) -> None:
        """Count many messages, weights by country, of which it is known that nothing fires."""
        mainland = weights.get(MAINLAND, 0)
        total = sum(weights.values()) - mainland
        for period in PERIODS:
            self.total[period].used += total
            self.mainland[period].used += mainland
        for country, counters in self.countries.items():
            for counter in counters.values():
                counter.used += weights.get(country, 0)

    def turn(self, period: str, at_us: int) -> Iterator[str]:
        """Begin the next day or month at *at_us*; yield the subjects that recover."""
        self._draw_lag(period, at_us)
        if self.total[period].turn():
            yield period
        if self.mainland[period].turn():
            yield _subject(period, MAINLAND)
        for country, counters in self.countries.items():
            if counters[period].turn():
                yield f"{country} {period}"

    def _draw_lag(self, period: str, at_us: int) -> None:
        word = self._random.word("thresholds", period, at_us // HOUR, 0)
        lag = word * (self._error + 1) >> 64
        for counters in (self.total, self.mainland, *self.countries.values()):
            counters[period].lag = lag


class ApprovedQuota:
    """The approved bounds of the limits, and the tickets that raise them."""

    def __init__(self, scenario: Scenario, random: KeyedRandom) -> None:
        self.values = {
            name: getattr(scenario.quota, name) for name in ("daily_limit", "monthly_limit")
        }
        self._latency, self._random, self._filed = scenario.account.ticket_latency, random, 0

    def file(self) -> int:
        """File a ticket; return how long it takes, in microseconds."""
        word = self._random.word("ticket", "latency", 0, self._filed)
        self._filed += 1
        return max(1, self._latency.table().of(word))

    def grant(self, ticket: Ticket) -> dict[str, int]:
        """Raise the quota that a ticket asked for; return the new values by name."""
        requested = {name: getattr(ticket, name) for name in self.values}
        granted = {name: value for name, value in requested.items() if value is not None}
        self.values |= granted
        return granted


def _subject(period: str, country: str) -> str:
    return f"mainland {period}" if country == MAINLAND else period
