"""Why two bills differ: the change of one to the other, taken apart by what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import factorial, floor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from smssim.record.record import Record
from smssim.record.tallies import REFUSED
from smssim.report._record import charges_known, requires

__all__ = ["FACTORS", "bill_bridge"]

FACTORS = (
    "volume",
    "country mix",
    "segments",
    "price",
    "package cover",
    "resends",
    "refusals",
)
"""What a bill is made of, in the order of the rows."""


class _Country(NamedTuple):
    """What is counted of one country in one record."""

    first: int
    """Messages requested, without those that were sent again."""
    requested: int
    sent: int
    segments: int
    """Of what was sent."""
    covered: int
    cost_micro: int
    quota: int
    """Segments that packages held at some time of the record."""
    bought: int
    bought_micro: int


_NONE = _Country(*(0,) * len(_Country._fields))


class _Rates(NamedTuple):
    """The same as factors, each None where the record has nothing to make it of."""

    resends: Fraction | None
    """Messages requested for each first one."""
    accepted: Fraction | None
    """The share sent of those requested."""
    segments_each: Fraction | None
    price_micro: Fraction | None
    """Charged for a segment that no package covered."""
    quota: int
    use: Fraction
    """The share of what quota and demand allow that packages covered: less where they were bought
    late or expired."""
    bought: int
    package_price_micro: Fraction | None
    """For a segment of a package."""


@requires("money", "ledger", "packages")
def bill_bridge(a: Record, b: Record) -> pd.DataFrame:
    """Why the bill of *b* differs from that of *a*: rows `before`, each of FACTORS, and `after`.

    Columns are `factor`, `amount_micro` and the amount in whole units of the currency; the factors
    sum to the difference of the bills to the micro-unit. A bill is what was paid for packages in
    the period and what was charged by use. By country it is volume x share of the country x
    messages a request of a user led to (`resends`) x share that was not refused (`refusals`) x
    segments a message x price of those that packages did not cover; `package cover` is how much
    packages held, how well they were used and how much was bought, `price` is that of their
    segments, too.

    Which factor comes first would matter, as more messages at a higher price cost more than both
    alone: each factor has the mean of its changes over all orders (Shapley, 1953), exact, and the
    part of a micro-unit that is over goes to the factors with the largest such parts. A factor that
    one of the records has nothing of (the price to a country that it does not send to) is that of
    the other. Where one of them does not show which messages were sent again, none are; a log shows
    no refusals that its file leaves out. Periods are taken as they are: a longer one has more
    volume. Raise a ValueError for records in two currencies, and for one whose charges are not all
    known.

    >>> import smssim
    >>> plan = smssim.Scenario.parse('''
    ... start: 2026-03-01
    ... days: 2
    ... applications: [{name: shop}]
    ... templates: [{name: code, application: shop}]
    ... traffic: [{name: a, template: code, country: ID, messages_a_day: 50}]
    ... routes: {ID: {price: 0.1}}
    ... ''')
    >>> cheap, dear = (
    ...     smssim.simulate(plan.change(**{"routes.ID.price": price})) for price in (0.1, 0.3)
    ... )
    >>> bridge = smssim.report.bill_bridge(cheap, dear).set_index("factor")["amount_micro"]
    >>> bool(bridge["price"] == bridge["after"] - bridge["before"] == 2 * bridge["before"])
    True
    """
    if a.currency != b.currency:
        raise ValueError(f"b.currency(={b.currency!r}) must be a's, {a.currency!r}")
    by_resend = all(_shows_resends(record) for record in (a, b))
    counts = [_counted(record, by_resend) for record in (a, b)]
    countries = sorted({*counts[0], *counts[1]})
    sides = [_side(side, countries) for side in counts]
    bills = [_bill(side) for side in counts]
    changes = _whole(_shapley(sides, countries), bills[1] - bills[0])
    micro = [bills[0], *changes, bills[1]]
    unit = f"amount_{a.currency.lower()}" if a.currency else "amount"
    return pd.DataFrame(
        {
            "factor": pd.array(["before", *FACTORS, "after"], dtype="str"),
            "amount_micro": np.array(micro, np.int64),
            unit: np.array(micro, np.float64) / 1e6,
        }
    )


def _shows_resends(record: Record) -> bool:
    """Whether it is known of all messages if they were sent again, and of what."""
    money = record.tallies.money
    first = money["messages"].where(money["resend_kind"] == "first", 0)
    known = bool((first.groupby(money["country"]).sum() > 0).all())
    return known and not bool(money["resend_kind"].isna().any())


def _counted(record: Record, by_resend: bool) -> dict[str, _Country]:
    """The counts of each country with messages or packages."""
    money = record.tallies.money
    if not charges_known(record) or (money["charge"] == "unknown").any():
        raise ValueError(f"{record.name!r} has messages without a known charge: rate it first")
    sent = ~money["charge"].isin(REFUSED)
    first = money["resend_kind"] == "first" if by_resend else sent | ~sent
    of_sent = money[["segments", "covered_segments"]].where(sent, 0)
    cells = pd.DataFrame(
        {
            "country": money["country"].astype(object).where(money["country"].notna(), ""),
            "first": money["messages"].where(first, 0),
            "requested": money["messages"],
            "sent": money["messages"].where(sent, 0),
            "segments": of_sent["segments"],
            "covered": of_sent["covered_segments"],
            "cost_micro": money["cost_micro"],
        }
    )
    sums: Mapping[Any, Mapping[Any, int]] = cells.groupby("country").sum().to_dict()
    quota, bought = _quota(record), _bought(record)
    names = {str(name) for name in [*cells["country"], *quota, *bought]}
    of_messages = _Country._fields[: _Country._fields.index("quota")]
    return {
        name: _charged(
            _Country._make(
                [
                    *(int(sums[field].get(name, 0)) for field in of_messages),
                    quota.get(name, 0),
                    *bought.get(name, (0, 0)),
                ]
            )
        )
        for name in names
    }


def _charged(country: _Country) -> _Country:
    """With a segment a message where a log shows what was charged, but for no segments."""
    if country.cost_micro and country.segments == country.covered:
        return country._replace(segments=country.covered + country.sent)
    return country


def _quota(record: Record) -> dict[str, int]:
    """Segments that packages of each country have given or could have given."""
    packages = record.packages
    if packages is None:
        return {}
    held = packages["used"] + packages["expired"] + packages["left"]
    return {str(name): int(n) for name, n in held.groupby(packages["country"]).sum().items()}


def _bought(record: Record) -> dict[str, tuple[int, int]]:
    """Segments bought for each country in the period, and what was paid for them."""
    ledger = record.ledger
    if ledger is None:
        return {}
    rows = ledger[ledger["entry"] == "purchase"]
    sums = rows.groupby("country")[["segments", "amount_micro"]].sum()
    pairs = sums.itertuples(index=True, name=None)
    return {str(name): (int(segments), int(micro)) for name, segments, micro in pairs}


def _bill(side: Mapping[str, _Country]) -> int:
    return sum(country.cost_micro + country.bought_micro for country in side.values())


class _Side(NamedTuple):
    """One record as factors: messages, and by country their share and the rest."""

    volume: int
    shares: dict[str, Fraction] | None
    rates: dict[str, _Rates]


def _side(counts: Mapping[str, _Country], countries: Sequence[str]) -> _Side:
    volume = sum(country.first for country in counts.values())
    by_country = {name: counts.get(name, _NONE) for name in countries}
    shares = {name: Fraction(c.first, volume) for name, c in by_country.items()} if volume else None
    return _Side(volume, shares, {name: _rates(country) for name, country in by_country.items()})


def _rates(country: _Country) -> _Rates:
    most = min(country.segments, country.quota)
    # A log may know what was covered without its packages.
    quota = country.quota if country.covered <= most else country.covered
    most = min(country.segments, quota)
    return _Rates(
        _ratio(country.requested, country.first),
        _ratio(country.sent, country.requested),
        _ratio(country.segments, country.sent),
        _ratio(country.cost_micro, country.segments - country.covered),
        quota,
        _ratio(country.covered, most) or Fraction(1 if not most else 0),
        country.bought,
        _ratio(country.bought_micro, country.bought),
    )


def _ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _shapley(sides: Sequence[_Side], countries: Sequence[str]) -> list[Fraction]:
    """The mean change of the bill by each factor, over all orders in which they may change."""
    n = len(FACTORS)
    bills = {
        changed: _bill_of(sides, countries, frozenset(changed))
        for size in range(n + 1)
        for changed in combinations(range(n), size)
    }
    changes = [Fraction(0)] * n
    for changed, bill in bills.items():
        for factor in set(range(n)) - set(changed):
            more = bills[tuple(sorted((*changed, factor)))] - bill
            size = len(changed)
            changes[factor] += more * Fraction(
                factorial(size) * factorial(n - 1 - size), factorial(n)
            )
    return changes


def _bill_of(sides: Sequence[_Side], countries: Sequence[str], changed: frozenset[int]) -> Fraction:
    """The bill with some factors of the second record, the others of the first."""
    volume, mix, segments, price, cover, resends, refusals = (
        int(position in changed) for position in range(len(FACTORS))
    )
    shares = sides[mix].shares or sides[1 - mix].shares or {}
    total = Fraction(0)
    for name in countries:
        pair = [side.rates[name] for side in sides]
        sent = sides[volume].volume * shares.get(name, Fraction(0))
        for field, side in (
            ("resends", resends),
            ("accepted", refusals),
            ("segments_each", segments),
        ):
            sent *= _of(pair, field, side)
        of_packages = pair[cover]
        uncovered = sent - min(sent, Fraction(of_packages.quota)) * of_packages.use
        total += uncovered * _of(pair, "price_micro", price)
        total += of_packages.bought * _of(pair, "package_price_micro", price)
    return total


def _of(pair: Sequence[_Rates], field: str, side: int) -> Fraction:
    """A factor of one record, of the other where it has none of it."""
    value: Fraction | None = getattr(pair[side], field)
    if value is None:
        value = getattr(pair[1 - side], field)
    return Fraction(0) if value is None else value


def _whole(changes: Sequence[Fraction], total: int) -> list[int]:
    """Whole numbers with the sum *total* next to some fractions that have it."""
    whole = [floor(change) for change in changes]
    order = sorted(range(len(changes)), key=lambda i: whole[i] - changes[i])
    for i in order[: total - sum(whole)]:
        whole[i] += 1
    return whole
