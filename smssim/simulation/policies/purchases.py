"""Policies that pay: for a package when quota is low, into the balance when money is short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from smssim.calendars import HOUR
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

__all__ = ["TopUpBalance", "TopUpQuota"]

_PRESENT_US = 2
"""A command takes effect after 1 microsecond, and what it does is read after 2."""


@dataclass(frozen=True)
class TopUpQuota:
    """Buys a package when the quota of its country is low, or has run out.

    Waits for `low_quota` (which needs the country in `account.low_quota`) or `run_out`, and buys
    *after_s* seconds later, at most *at_most* times; *price* is in the scenario's currency. Without
    a validity the package is good for a month. A purchase that is refused is not tried again, and
    of two countries' notices at one instant only the first is heard.

    >>> from smssim import Scenario, policies, simulate
    >>> world = Scenario.parse('''
    ... start: 2026-04-01
    ... days: 3
    ... account: {low_quota: {TH: 50}}
    ... applications: [{name: shop}]
    ... templates: [{name: login, application: shop}]
    ... packages: [{country: TH, segments: 400}]
    ... traffic: [{name: login, template: login, country: TH, messages_a_day: 200}]
    ... ''')
    >>> run = simulate(world, policies=[policies.TopUpQuota("TH", 500, after_s=1_800)])
    >>> bought = run.events.set_index("event")["at"].loc[["low_quota", "package_bought"]]
    >>> bought.dt.strftime("%d %H:%M").tolist()
    ['02 17:24', '01 00:00', '02 17:54']
    """

    country: str
    segments: int
    price: float = 0
    on: Literal["low_quota", "run_out"] = "low_quota"
    after_s: float = 3_600
    at_most: int | None = None
    valid_months: int | None = None
    valid_days: int | None = None

    def __post_init__(self) -> None:
        check_one_of("on", self.on, "low_quota", "run_out")
        check_reaction(self.after_s, self.at_most)
        check_count("segments", self.segments, 1)
        check_amount("price", self.price)
        for name in ("valid_months", "valid_days"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name), 1)
        if self.valid_months is not None and self.valid_days is not None:
            raise ValueError(
                f"valid_months(={self.valid_months}) or valid_days(={self.valid_days}) "
                "must be given, not both"
            )

    def __call__(self, env: Any, account: AccountView) -> Steps:
        """Wait for a notice of the country, wait some more, buy."""
        account.check_sold(self.country)  # Refused now, not in mid-month.
        validity = {"valid_months": self.valid_months, "valid_days": self.valid_days}
        for _ in turns(self.at_most):
            yield account.wait(self.on, self.country)
            yield from react(env, self.after_s)
            account.buy_package(self.country, self.segments, self.price, **validity)


@dataclass(frozen=True)
class TopUpBalance:
    """Pays *amount* in when the account is frozen, or before that, when little is left.

    Without *below* it waits for `frozen`; with it, it looks at every full hour whether the balance
    less what accrued is below that value, frozen or not. It pays *after_s* seconds later (with
    *hours*, when the office is open, as in `RaiseLimit`), if that still holds, and again until it
    no longer does, at most *at_most* times. Money is in the scenario's currency; raise a ValueError
    in a run whose scenario has no `account.balance`.
    """

    amount: float
    below: float | None = None
    after_s: float = 3_600
    at_most: int | None = None
    hours: Hours | None = None
    zone: str = "Asia/Shanghai"
    days: Days = "weekdays"

    def __post_init__(self) -> None:
        check_reaction(self.after_s, self.at_most)
        Office(self.hours, self.zone, self.days)  # Raises if there can be no such office.
        check_amount("amount", self.amount, positive=True)
        if self.below is not None:
            check_amount("below", self.below)

    def __call__(self, env: Any, account: AccountView) -> Steps:
        """Wait until money is short, wait some more, pay if it still is."""
        if account.balance_micro is None:
            raise ValueError("account.balance(=None) must be given: without it no one pays in")
        opener = Office(self.hours, self.zone, self.days).opener()
        for _ in turns(self.at_most):
            yield from self._still_short(env, account, opener)
            account.top_up(self.amount)
            yield env.timeout(_PRESENT_US)

    def _still_short(self, env: Any, account: AccountView, opener: Callable[[int], int]) -> Steps:
        """Wait until money is short and, after the reaction time, still is."""
        while True:
            while not self._is_short(account):
                if self.below is None:
                    yield account.wait("frozen")
                else:
                    yield env.timeout(HOUR - int(env.now) % HOUR)
            yield from react(env, self.after_s, opener)
            if self._is_short(account):
                return

    def _is_short(self, account: AccountView) -> bool:
        if self.below is None:
            return account.frozen
        return (account.balance_micro or 0) - account.accrued_micro < round(self.below * 1_000_000)
