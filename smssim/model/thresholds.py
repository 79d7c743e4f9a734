"""Traffic thresholds: alarm and limit values counted by UTC day and month (DOMAIN.md section 5)."""

from __future__ import annotations

from collections.abc import Iterator

from smssim.scenario import Thresholds

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
        return max(1, min(goals) + self._beyond - self.used) if goals else None

    def reached(self, value: int | None) -> bool:
        """Whether the count acts on *value*: at it, or above it."""
        return value is not None and self.used >= value + self._beyond

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

    def __init__(self, rules: Thresholds) -> None:
        exceeds = rules.trips == "exceeds"
        self.by_segment = rules.unit == "segment"
        self.counts_refused = rules.counts_refused
        self.total = {
            "day": Counter(rules.daily_alarm, rules.daily_limit, exceeds),
            "month": Counter(rules.monthly_alarm, rules.monthly_limit, exceeds),
        }
        self.countries = {
            country: {
                "day": Counter(None, limit.daily, exceeds),
                "month": Counter(None, limit.monthly, exceeds),
            }
            for country, limit in sorted(rules.countries.items())
        }

    @property
    def tripped(self) -> bool:
        """Whether a limit of the whole account is tripped."""
        return any(counter.tripped for counter in self.total.values())

    def country_tripped(self, country: str) -> bool:
        """Whether a limit of *country* is tripped."""
        return any(counter.tripped for counter in self.countries.get(country, {}).values())

    def count(self, country: str, segments: int) -> Iterator[tuple[str, str, int]]:
        """Count one message; yield (event, subject, count) as they fire."""
        weight = segments if self.by_segment else 1
        for period in PERIODS:
            counter = self.total[period]
            for fired in counter.count(weight):
                yield fired, period, counter.used
        for period, counter in self.countries.get(country, {}).items():
            for _ in counter.count(weight):
                yield "country_limit", f"{country} {period}", counter.used

    def count_quietly(self, weights: dict[str, int], total: int) -> None:
        """Count many messages of which it is known that nothing fires: weights by country, and
        their total.
        """
        for counter in self.total.values():
            counter.used += total
        for country, counters in self.countries.items():
            for counter in counters.values():
                counter.used += weights.get(country, 0)

    def turn(self, period: str) -> Iterator[str]:
        """Begin the next day or month; yield the subjects that recover."""
        if self.total[period].turn():
            yield period
        for country, counters in self.countries.items():
            if counters[period].turn():
                yield f"{country} {period}"
