"""Policies at the console: raise a limit, switch the service mode, stop a source of traffic."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from smssim.simulation.policies.reaction import (
    Days,
    Hours,
    Office,
    Steps,
    check_amount,
    check_count,
    check_one_of,
    check_reaction,
    react,
    turns,
)

if TYPE_CHECKING:
    from smssim.simulation.policies.account_view import AccountView

__all__ = ["RaiseLimit", "StopSource", "SwitchMode"]

_LIMITS = {"month": "monthly_limit", "day": "daily_limit"}


@dataclass(frozen=True)
class RaiseLimit:
    """Raises a daily or monthly limit that tripped, or whose alarm went off, in working hours.

    Waits for `limit` or `alarm` and acts *after_s* seconds later; staff notified at night act when
    the office opens (*hours* from and to, *days*, *zone*). The limit that it names is multiplied
    by *factor*, or set to the next higher of *daily_limit* or *monthly_limit*; on `limit`, so is
    any other that is reached by then. The approved quota and the console's rules hold: a value
    beyond them changes nothing (DOMAIN.md section 5). A Chinese year that is not published yet
    brings a warning.

    >>> from smssim import Scenario, policies, simulate
    >>> world = Scenario.parse('''
    ... start: 2026-04-03  # a Friday
    ... days: 5
    ... quota: {daily_limit: 1_000}
    ... applications: [{name: shop}]
    ... templates: [{name: login, application: shop}]
    ... traffic: [{name: login, template: login, country: TH, messages_a_day: 700}]
    ... ''')
    >>> run = simulate(world, policies=[policies.RaiseLimit(daily_limit=900)])
    >>> told = run.events[run.events["event"].isin(["limit", "thresholds_set"])]
    >>> told["at"].dt.tz_convert("Asia/Shanghai").dt.strftime("%a %H:%M").tolist()
    ['Sat 00:31', 'Sun 00:44', 'Mon 00:41', 'Mon 09:00']
    """

    factor: float | None = None
    daily_limit: int | tuple[int, ...] = ()
    monthly_limit: int | tuple[int, ...] = ()
    on: Literal["limit", "alarm"] = "limit"
    after_s: float = 3_600
    hours: Hours | None = (9, 18)
    zone: str = "Asia/Shanghai"
    days: Days = "weekdays"
    at_most: int | None = None

    def __post_init__(self) -> None:
        check_one_of("on", self.on, "limit", "alarm")
        check_reaction(self.after_s, self.at_most)
        Office(self.hours, self.zone, self.days)  # Raises if there can be no such office.
        if (self.factor is None) == (self.daily_limit == () and self.monthly_limit == ()):
            raise ValueError(
                f"factor(={self.factor}) or daily_limit(={self.daily_limit}) and "
                f"monthly_limit(={self.monthly_limit}) must be given, not both"
            )
        if self.factor is not None:
            check_amount("factor", self.factor)
            if self.factor <= 1:
                raise ValueError(f"factor(={self.factor}) must be > 1 and finite")
        for name in _LIMITS.values():
            values = getattr(self, name)
            for value in values if isinstance(values, tuple) else (values,):
                check_count(name, value, 1)

    def __call__(self, env: Any, account: AccountView) -> Steps:
        """Wait for the event, then for the office, and raise what must be raised."""
        opener = Office(self.hours, self.zone, self.days).opener()
        for _ in turns(self.at_most):
            event = yield account.wait(self.on)
            yield from react(env, self.after_s, opener)
            # The month first: its limit must stay above the day's.
            for period, name in _LIMITS.items():
                limit = account.thresholds()[name]
                reached = self.on == "limit" and account.used(period) >= limit
                if period == event.subject or reached:
                    self._raise(account, name, limit)

    def _raise(self, account: AccountView, name: str, limit: int) -> None:
        for value in self._values(name, limit):
            if value > limit:
                with suppress(ValueError):
                    account.set_thresholds(**{name: value})
                return

    def _values(self, name: str, limit: int) -> tuple[int, ...]:
        if self.factor is not None:
            return (max(limit + 1, round(limit * self.factor)),)
        values: int | tuple[int, ...] = getattr(self, name)
        return (values,) if isinstance(values, int) else tuple(sorted(values))


@dataclass(frozen=True)
class SwitchMode:
    """Switches the service mode when a package has run out or sending is suspended.

    Waits for `run_out` or `suspended` of any country and files the ticket *after_s* seconds later,
    unless the mode is *to* already; it takes `account.ticket_latency` (DOMAIN.md section 1).
    """

    to: Literal["pay_per_use", "suspend"] = "pay_per_use"
    on: Literal["run_out", "suspended"] = "run_out"
    after_s: float = 3_600
    at_most: int | None = None

    def __post_init__(self) -> None:
        check_one_of("to", self.to, "pay_per_use", "suspend")
        check_one_of("on", self.on, "run_out", "suspended")
        check_reaction(self.after_s, self.at_most)

    def __call__(self, env: Any, account: AccountView) -> Steps:
        """Wait for the event, wait some more, switch."""
        for _ in turns(self.at_most):
            yield account.wait(self.on)
            yield from react(env, self.after_s)
            if account.mode != self.to:
                account.switch_mode(self.to)


@dataclass(frozen=True)
class StopSource:
    """Stops a source of traffic for good after an alarm, such as an attack that was noticed.

    Waits for the first event *on* (`alarm`, or `limit`) and stops *name* *after_s* seconds later;
    with *hours*, when the office is open, as in `RaiseLimit`. Raise a ValueError in the run when
    the scenario has no such source.
    """

    name: str
    on: Literal["alarm", "limit", "country_limit"] = "alarm"
    after_s: float = 3_600
    hours: Hours | None = None
    zone: str = "Asia/Shanghai"
    days: Days = "weekdays"

    def __post_init__(self) -> None:
        check_one_of("on", self.on, "alarm", "limit", "country_limit")
        check_reaction(self.after_s, None)
        Office(self.hours, self.zone, self.days)  # Raises if there can be no such office.

    def __call__(self, env: Any, account: AccountView) -> Steps:
        """Wait for the event, then for the office, and stop the source."""
        opener = Office(self.hours, self.zone, self.days).opener()
        yield account.wait(self.on)
        yield from react(env, self.after_s, opener)
        account.stop_source(self.name)
