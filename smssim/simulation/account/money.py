"""Settling charges by the hour, freezing for arrears, paying in (DOMAIN.md section 1)."""

from __future__ import annotations

from smssim.simulation.account.account import Account, Entry

__all__ = ["close", "settle", "top_up"]


def settle(account: Account) -> None:
    """Book what accrued since the last full hour; freeze when the balance is below 0."""
    _book(account, "settlement", account.now_us, account.driver.pending_micro())
    if account.balance_micro is not None and account.balance_micro < 0 and not account.frozen:
        _freeze(account)


def close(account: Account) -> None:
    """Book what accrued since the last full hour, at the end of the run."""
    _book(account, "unsettled", account.scenario.end_us, 0)


def top_up(account: Account, amount_micro: int) -> None:
    """Pay in; an account whose balance is 0 or more thaws."""
    account.invalidate()
    if account.balance_micro is not None:
        account.balance_micro += amount_micro
    account.ledger.append(Entry(account.now_us, "top_up", amount_micro=amount_micro))
    account.emit("topped_up", "", amount_micro)
    if account.frozen and account.balance_micro is not None and account.balance_micro >= 0:
        account.frozen = False
        account.emit("thawed", "", account.balance_micro)


def _book(account: Account, entry: str, at_us: int, pending_micro: int) -> None:
    """Book what accrued and is pending; the pending part nets to 0 when it is accounted for."""
    amount_micro = account.accrued_micro + pending_micro
    amount_micro += account.driver.delivered_micro(at_us, book=True)
    if amount_micro:
        account.ledger.append(Entry(at_us, entry, amount_micro=amount_micro))
        if account.balance_micro is not None:
            account.balance_micro -= amount_micro
    account.accrued_micro = -pending_micro


def _freeze(account: Account) -> None:
    """Freeze: what waits in the queue fails, its quota and charges come back."""
    account.invalidate()
    account.frozen = True
    withdrawal = account.driver.withdraw()
    account.accrued_micro -= withdrawal.cost_micro
    returned = set()
    for number, segments in sorted(withdrawal.segments.items()):
        package = account.packages[number]
        booked = Entry(account.now_us, "returned", package.country, number, segments)
        account.ledger.append(booked)
        if package in account.countries[package.country].packages:
            package.left += segments
            returned.add(package.country)
        else:
            package.expired += segments
            account.ledger.append(booked._replace(entry="expired"))
    account.emit("frozen", "", account.balance_micro)
    for country in sorted(returned):
        account.countries[country].replenished()
        account.resume(country)
