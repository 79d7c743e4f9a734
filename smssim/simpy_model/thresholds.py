"""The thresholds: counters, alarms, limits, and who is told of them.

Written from docs/model.md alone; each rule is a short method.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from smssim.calendars import HOUR
from smssim.scenario import Scenario
from smssim.simpy_model.environment import Environment
from smssim.simpy_model.packages import Quota
from smssim.stats.keyed_random import KeyedRandom

__all__ = [
    "MAINLAND",
    "Limits",
]

MAINLAND = "CN"


@dataclass
class _Period:
    """What is counted in one UTC day or month, with its alarm and its limits."""

    name: str
    alarm: int
    limit: int
    country_limits: dict[str, int]
    next_alarm: int = 0
    used: int = 0
    lag: int = 0
    used_by_country: Counter[str] = field(default_factory=Counter)
    armed: bool = True
    fired: bool = False
    tripped: bool = False
    tripped_countries: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.next_alarm = self.alarm


class Limits(Quota):
    """An account's thresholds, and what they refuse.

    International messages are counted in `day` and `month`, which hold every country's limits, too;
    those to mainland China in `mainland_day` and `mainland_month`.
    """

    def __init__(self, env: Environment, scenario: Scenario, marks: KeyedRandom) -> None:
        super().__init__(env, scenario)
        self.marks = marks
        values = self.values = scenario.thresholds
        daily = {c: v.daily for c, v in values.countries.items() if v.daily}
        monthly = {c: v.monthly for c, v in values.countries.items() if v.monthly}
        self.day = _Period("day", values.daily_alarm, values.daily_limit, daily)
        self.month = _Period("month", values.monthly_alarm, values.monthly_limit, monthly)
        mainland = values.mainland
        self.mainland_day = _Period("mainland day", mainland.daily_alarm, mainland.daily_limit, {})
        self.mainland_month = _Period(
            "mainland month", mainland.monthly_alarm, mainland.monthly_limit, {}
        )
        for period in (self.day, self.month):
            self._draw_lag(period)

    def used(self, period: str) -> int:
        """What is counted so far in this "day" or "month"."""
        return {"day": self.day, "month": self.month}[period].used

    def _side(self, country: str) -> tuple[_Period, _Period]:
        if country == MAINLAND:
            return self.mainland_day, self.mainland_month
        return self.day, self.month

    def _mainland_of(self, period: _Period) -> _Period:
        return self.mainland_day if period is self.day else self.mainland_month

    def _draw_lag(self, period: _Period) -> None:
        """By how much the platform acts too late this day or month, on both sides."""
        word = self.marks.word("thresholds", period.name, self.env.now // HOUR, 0)
        period.lag = word * (self.values.counting_error + 1) >> 64
        self._mainland_of(period).lag = period.lag

    def limit_refusal(self, country: str) -> str | None:
        """Place 1: the code of a limit that refuses a whole request, if any."""
        if any(period.tripped for period in self._side(country)):
            return "E000623"
        if country in self.day.tripped_countries | self.month.tripped_countries:
            return "E000630"
        return None

    def reached(self, used: int, value: int, lag: int) -> bool:
        """Whether an alarm or limit acts."""
        value += lag
        return used >= value if self.values.trips == "reaches" else used > value

    def count(self, country: str, segments: int) -> None:
        """Count one message, and look at alarms and limits."""
        weight = segments if self.values.unit == "segment" else 1
        for period in (self.day, self.month):
            period.used_by_country[country] += weight
        for period in self._side(country):
            period.used += weight
            self._look_at_period(period)
        for period in (self.day, self.month):
            self._look_at_country(period, country)

    def _look_at_period(self, period: _Period) -> None:
        if period.armed and self.reached(period.used, period.alarm, period.lag):
            period.armed, period.fired = False, True
            self.tell("alarm", period.name, period.used)
        if not period.tripped and self.reached(period.used, period.limit, period.lag):
            period.tripped = True
            self.tell("limit", period.name, period.used)

    def _look_at_country(self, period: _Period, country: str) -> None:
        limit, used = period.country_limits.get(country), period.used_by_country[country]
        if limit is None or country in period.tripped_countries:
            return
        if not self.reached(used, limit, period.lag):
            return
        period.tripped_countries.add(country)
        self.tell("country_limit", f"{country} {period.name}", used)

    def turn(self, period: _Period) -> None:
        """A new UTC day or month: count from 0, arm the alarm, lift the limits."""
        period.used_by_country.clear()
        self._draw_lag(period)
        for side in (period, self._mainland_of(period)):
            side.used = 0
            side.alarm, side.armed, side.fired = side.next_alarm, True, False
            if side.tripped:
                side.tripped = False
                self.tell("recovered", side.name)
        for country in sorted(period.tripped_countries):
            period.tripped_countries.discard(country)
            self.tell("recovered", f"{country} {period.name}")

    def thresholds_change(self, values: dict[str, int]) -> None:
        """New values take effect, each by its own rule; a raised limit lets sending recover."""
        for name, value in values.items():
            period = self.day if name.startswith("daily") else self.month
            change = self._alarm_changes if name.endswith("alarm") else self._limit_changes
            if change(period, value):
                self.tell("thresholds_set", name, value)
        for period in (self.day, self.month):
            if period.tripped and not self.reached(period.used, period.limit, period.lag):
                period.tripped = False
                self.tell("recovered", period.name)

    def _limit_changes(self, period: _Period, value: int) -> bool:
        changed, period.limit = value != period.limit, value
        return changed

    def _alarm_changes(self, period: _Period, value: int) -> bool:
        changed, period.next_alarm = value != period.next_alarm, value
        if not period.fired:
            period.alarm = value
        elif value > period.alarm:
            period.alarm, period.armed = value, True
        return changed
