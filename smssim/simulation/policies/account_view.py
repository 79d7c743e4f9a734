"""Policies: SimPy processes of the analyst's own that watch the account and act after a while."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import simpy

from smssim.calendars import to_datetime
from smssim.scenario import NumberRule, Ticket, check_thresholds, micro, microseconds
from smssim.simulation.account import commands as commands
from smssim.simulation.account import money
from smssim.simulation.account.account import Account
from smssim.simulation.account.events import EventPriority
from smssim.simulation.account.tasks import Tasks
from smssim.simulation.account.thresholds import NAMES, PERIODS
from smssim.simulation.policies.reaction import check_amount, check_count
from smssim.simulation.rules.rule import Rule
from smssim.simulation.rules.settings import NumberControl, Regions
from smssim.sms import reference as codes
from smssim.sms.packages import ends_us
from smssim.sms.phone_numbers import is_told_by
from smssim.sms.reference import MAINLAND

__all__ = ["AccountView", "Policy"]


class AccountView:
    """The account as a policy sees it: it reads what the console shows and gives the console's
    commands.

    All figures include every message before now. Commands are checked at once, raise a ValueError
    if the console would refuse them, and take effect a microsecond later.
    """

    def __init__(self, account: Account, rules: Sequence[Rule], tasks: Tasks) -> None:
        self._account, self._tasks = account, tasks
        self._regions = next(rule for rule in rules if isinstance(rule, Regions))
        self._number_control = next(rule for rule in rules if isinstance(rule, NumberControl))
        self._ordered: dict[str, int] = {}

    def wait(self, event: str, subject: str | None = None) -> simpy.Event:
        """A SimPy event for the next event of that name, such as `alarm` or `run_out`; of that
        subject alone if one is named.
        """
        return self._account.wait(event, subject)

    def used(self, period: str) -> int:
        """What the thresholds counted this UTC `day` or `month`."""
        account = self._account
        return account.thresholds.total[period].used + account.driver.pending_count()

    def left(self, country: str) -> int:
        """Segments left in the packages in force for a country."""
        quota = self._account.packages_of(country)
        return quota.left - self._account.driver.pending_segments(country)

    @property
    def balance_micro(self) -> int | None:
        """Money on the account at the last full hour, in micro-units; None if none is kept."""
        return self._account.balance_micro

    @property
    def accrued_micro(self) -> int:
        """Charges since the last full hour, in micro-units."""
        account = self._account
        pending_micro = account.driver.pending_micro()
        delivered_micro = account.driver.delivered_micro(account.now_us, book=False)
        return account.accrued_micro + pending_micro + delivered_micro

    @property
    def mode(self) -> str:
        """The service mode, `pay_per_use` or `suspend`."""
        return self._account.mode

    @property
    def frozen(self) -> bool:
        """Whether the account is frozen for arrears."""
        return self._account.frozen

    def check_sold(self, country: str) -> None:
        """Raise a ValueError unless packages are sold for a country that is sent to."""
        self._account.packages_of(country)
        if country == MAINLAND:
            raise ValueError(f"country(={country!r}) has no packages: they are international")
        sold = self._account.scenario.account.package_countries
        if country not in sold:
            raise ValueError(
                f"country(={country!r}) must be one that packages are sold for: "
                f"{', '.join(sold)} (account.package_countries)"
            )

    def buy_package(
        self,
        country: str,
        segments: int,
        price: float = 0,
        *,
        valid_months: int | None = None,
        valid_days: int | None = None,
    ) -> None:
        """Buy a package of *segments* for *price*; a month if no validity is given.

        Raise a ValueError for a country outside `account.package_countries`, in either mode.
        """
        account = self._account
        self.check_sold(country)
        check_count("segments", segments, 1)
        check_amount("price", price)
        for name, value in (("valid_months", valid_months), ("valid_days", valid_days)):
            if value is not None:
                check_count(name, value, 1)
        zone = account.scenario.account.expiry_zone
        until_us = ends_us(
            account.now_us + 1, zone, valid_days=valid_days, valid_months=valid_months
        )
        price_micro = micro(price)
        self._command(commands.buy, country, segments, price_micro, until_us)

    def set_thresholds(self, **values: int) -> None:
        """Change `daily_alarm`, `daily_limit`, `monthly_alarm` or `monthly_limit`, within the
        approved quota.
        """
        new = self.thresholds() | values
        if len(new) > 4:
            raise ValueError(f"{sorted(values)} must be among {sorted(self.thresholds())}")
        for name, value in values.items():
            check_count(name, value, 1)
        check_thresholds(**new)
        for name, quota in self._account.quota.values.items():
            if new[name] > quota:
                raise ValueError(f"{name}(={new[name]}) must be <= the quota (={quota})")
        limits = self._account.scenario.thresholds.countries.values()
        total = sum(limit.monthly or 0 for limit in limits)
        if new["monthly_limit"] < total:
            text = f"monthly_limit(={new['monthly_limit']}) must be >= the countries' limits"
            raise ValueError(f"{text}(={total})")
        self._ordered |= values
        self._command(commands.set_thresholds, values)

    def thresholds(self) -> dict[str, int]:
        """The four values as they were last set, in effect or not yet."""
        values: dict[str, int] = {}
        for period in PERIODS:
            counter = self._account.thresholds.total[period]
            values[f"{NAMES[period]}_alarm"] = counter.next_alarm or 0
            values[f"{NAMES[period]}_limit"] = counter.limit or 0
        return values | self._ordered

    def switch_mode(self, mode: str) -> None:
        """File a ticket for the service mode `pay_per_use` or `suspend`; it takes its time."""
        if mode not in ("pay_per_use", "suspend"):
            raise ValueError(f"mode(={mode!r}) must be 'pay_per_use' or 'suspend'")
        self._file(service_mode=mode)

    def raise_quota(self, daily_limit: int | None = None, monthly_limit: int | None = None) -> None:
        """File a ticket for other bounds of the limits, in messages; it takes its time."""
        requested = {"daily_limit": daily_limit, "monthly_limit": monthly_limit}
        limits = {name: value for name, value in requested.items() if value is not None}
        if not limits:
            raise ValueError("raise_quota() must be given daily_limit or monthly_limit")
        for name, value in limits.items():
            check_count(name, value, 1)
        self._file(**limits)

    def set_regions(self, countries: Iterable[str]) -> None:
        """Let these countries be sent to and no others; in force after `regions_after_s`."""
        chosen = frozenset(countries)
        unknown = sorted(chosen - codes.countries().keys())
        if unknown:
            raise ValueError(f"countries(={unknown}) must be ISO 3166 codes of two letters")
        after_us = microseconds(self._account.scenario.account.regions_after_s)
        self._schedule(self._regions.set_countries, chosen, after_us=after_us)

    def deny_numbers(self, pattern: str) -> None:
        """Block numbers that begin so (digits and *); in force after `number_rules_after_s`."""
        self._rule("deny", pattern)

    def allow_numbers(self, pattern: str) -> None:
        """Let numbers that begin so through, whatever is denied; likewise."""
        self._rule("allow", pattern)

    def _rule(self, action: str, pattern: str) -> None:
        account = self._account
        rule = NumberRule(pattern=pattern, action=action)  # type: ignore[arg-type]
        for source in account.scenario.traffic:
            for beginning in source.beginnings:
                if not is_told_by(rule.pattern, beginning):
                    text = f"pattern(={pattern!r}) must not be longer than the beginning"
                    raise ValueError(f"{text} {beginning!r} of {source.name!r}")
        after_us = microseconds(account.scenario.account.number_rules_after_s)
        self._schedule(self._number_control.enforce, action, pattern, after_us=after_us)

    def _file(self, **requested: Any) -> None:
        account = self._account
        ticket = Ticket(at=to_datetime(account.now_us), **requested)
        self._command(commands.close_ticket, ticket, after_us=account.quota.file())

    def stop_source(self, name: str) -> None:
        """Let a traffic source, calls or a group task send nothing more."""
        if name not in {source.name for source in self._account.scenario.sources}:
            raise ValueError(f"name(={name!r}) is not a source of this scenario")
        self._command(commands.stop_source, name)

    def cancel_task(self, name: str) -> None:
        """Cancel a group task that starts in at least 5 minutes, so that it sends nothing.

        A started task, or one that is refused or cancelled already, cannot be (DOMAIN.md section
        8).
        """
        self._tasks.check_cancel(name)
        self._schedule(self._tasks.cancel, name)

    def top_up(self, amount: float) -> None:
        """Pay *amount* in."""
        check_amount("amount", amount, positive=True)
        self._command(money.top_up, micro(amount))

    def _command(self, command: Callable[..., None], *args: Any, after_us: int = 1) -> None:
        """Let a command of the console take effect a microsecond from now, or later."""
        self._schedule(command, self._account, *args, after_us=after_us)

    def _schedule(self, action: Callable[..., None], *args: Any, after_us: int = 1) -> None:
        when_us = self._account.now_us + max(1, after_us)
        self._account.agenda.schedule(when_us, EventPriority.COMMAND, action, *args)


Policy = Callable[[simpy.Environment, AccountView], Generator[simpy.Event, Any, Any]]
"""A generator function: `def policy(env, account): ... yield account.wait("alarm") ...`."""
