"""Policies for invented worlds: they print as they are made, and hold no state between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_AT_MOST = 30


@dataclass(frozen=True)
class Reaction:
    """What to do some time after each event of a kind; a few times, lest two feed each other."""

    kind: str
    after_us: int

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        """Wait for the event, wait some more, act."""
        for turn in range(_AT_MOST):
            yield account.wait(self.kind)
            if self.after_us:
                yield env.timeout(self.after_us)
            self.act(account, turn)

    def act(self, account: Any, turn: int) -> None:
        """Give the account its commands."""
        raise NotImplementedError


@dataclass(frozen=True)
class Buy(Reaction):
    """Buy packages of one size; a second one with every other purchase, at the same instant."""

    country: str
    segments: int
    price: float
    valid_days: int | None

    def act(self, account: Any, turn: int) -> None:
        """Buy one package, or two."""
        for extra in range(1 + turn % 2):
            segments = self.segments + extra
            if self.valid_days:
                account.buy_package(self.country, segments, self.price, valid_days=self.valid_days)
            else:
                account.buy_package(self.country, segments, self.price, valid_months=1)


@dataclass(frozen=True)
class Witness(Reaction):
    """Buy a package whose size shows what was read, so that tables show what policies see."""

    country: str

    def act(self, account: Any, turn: int) -> None:
        """Read everything."""
        read = account.used("day") + 3 * account.used("month") + 5 * account.left(self.country)
        read += account.accrued_micro // 10_000 + (account.balance_micro or 0) // 10_000
        read += 7 * account.frozen + 11 * (account.mode == "suspend")
        account.buy_package(self.country, 1 + read % 23, 0, valid_days=1)


@dataclass(frozen=True)
class Stop(Reaction):
    """Stop a source, once."""

    source: str

    def act(self, account: Any, turn: int) -> None:
        """Stop it the first time."""
        if turn == 0:
            account.stop_source(self.source)


@dataclass(frozen=True)
class StopLater:
    """Stop a source some time after the start, whatever happens."""

    after_us: int
    source: str

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        """Wait, and stop it."""
        yield env.timeout(self.after_us)
        account.stop_source(self.source)


@dataclass(frozen=True)
class CancelTask(Reaction):
    """Cancel a group task, if the console lets one; it cannot twice."""

    task: str

    def act(self, account: Any, turn: int) -> None:
        """Try it every time."""
        _try_to_cancel(account, self.task)


@dataclass(frozen=True)
class CancelLate:
    """Try to cancel a group task every few minutes, twice at one instant."""

    minutes: int
    task: str

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        """Look at the watch, and try."""
        for _ in range(_AT_MOST):
            _try_to_cancel(account, self.task)
            _try_to_cancel(account, self.task)
            yield env.timeout(self.minutes * 60_000_000 + 1)


def _try_to_cancel(account: Any, task: str) -> None:
    with suppress(ValueError):
        account.cancel_task(task)


@dataclass(frozen=True)
class TopUp(Reaction):
    """Pay in money, more each time."""

    amount: float

    def act(self, account: Any, turn: int) -> None:
        """Pay."""
        account.top_up(self.amount * (turn + 1))


@dataclass(frozen=True)
class Switch(Reaction):
    """Switch to the other mode."""

    def act(self, account: Any, turn: int) -> None:
        """Switch."""
        account.switch_mode("suspend" if account.mode == "pay_per_use" else "pay_per_use")


@dataclass(frozen=True)
class SetRegions(Reaction):
    """Set prepared regions by turns."""

    regions: tuple[tuple[str, ...], ...]

    def act(self, account: Any, turn: int) -> None:
        """Set the next ones."""
        account.set_regions(self.regions[turn % len(self.regions)])


@dataclass(frozen=True)
class SaveRules(Reaction):
    """Save rules of number control by turns, pairs of action and pattern."""

    rules: tuple[tuple[str, str], ...]

    def act(self, account: Any, turn: int) -> None:
        """Save the next one."""
        action, pattern = self.rules[turn % len(self.rules)]
        (account.deny_numbers if action == "deny" else account.allow_numbers)(pattern)


@dataclass(frozen=True)
class RaiseQuota(Reaction):
    """Ask for more by ticket: both limits, or one alone with every other ticket."""

    daily_limit: int
    monthly_limit: int

    def act(self, account: Any, turn: int) -> None:
        """File a ticket."""
        if turn % 2:
            account.raise_quota(monthly_limit=self.monthly_limit + turn)
        else:
            account.raise_quota(self.daily_limit + turn, self.monthly_limit + turn)


@dataclass(frozen=True)
class SetThresholds:
    """Set prepared values one after another, after an event of either kind; some are refused."""

    kinds: tuple[str, str]
    after_us: int
    steps: tuple[tuple[tuple[str, int], ...], ...]

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        """Wait for either event, wait some more, set the next values."""
        for step in self.steps:
            yield account.wait(self.kinds[0]) | account.wait(self.kinds[1])
            if self.after_us:
                yield env.timeout(self.after_us)
            # More than the quota of the moment, or less than the limits of countries: refused.
            with suppress(ValueError):
                account.set_thresholds(**dict(step))


@dataclass(frozen=True)
class Poll:
    """Look at the account at fixed times, and act on what is read."""

    every_us: int
    country: str
    few: int
    source: str

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        """Look, and act a limited number of times."""
        acts = 0
        while acts < _AT_MOST:
            yield env.timeout(self.every_us)
            acts += self.act(account)

    def act(self, account: Any) -> bool:
        """One look; tell whether it led to a command."""
        if account.frozen:
            account.top_up(0.5)
        elif account.balance_micro is not None and account.balance_micro < account.accrued_micro:
            account.top_up(0.25)
        elif account.left(self.country) <= self.few and account.used("day") > self.few:
            account.buy_package(self.country, self.few + 1 + account.used("day") % 5, 0)
        elif account.mode == "suspend" and account.used("month") > 20 * self.few + 20:
            account.switch_mode("pay_per_use")
        elif account.used("month") > 100 * self.few + 100:
            account.stop_source(self.source)
        else:
            return False
        return True
