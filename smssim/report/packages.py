"""The outcome of each package that was bought: how much was used, and when it was empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Floats, Ints
from smssim.calendars import DAY
from smssim.record.record import Record
from smssim.record.schema import PACKAGES, TIME, microseconds_of
from smssim.record.tallies import REFUSED
from smssim.report._record import instants, requires, sent_until
from smssim.report.burn_down import order_of_use
from smssim.report.weekdays import (
    Course,
    Weekdays,
    first_reach,
    reached,
    too_few,
    unlike,
    whole_days,
)

__all__ = [
    "NO_QUOTA",
    "by_day",
    "daily_use",
    "no_forecast",
    "package_forecast",
    "packages",
    "run_outs",
    "stocks_in_force",
    "walk",
]

# When packages will have run out, if the days to come are like those of the record.

_Bools = NDArray[np.bool_]
NO_QUOTA = "E000629"
_COLUMNS = {"at": TIME, "country": "str", "left": "float64"}
_COLUMNS |= {"left_low": "float64", "left_high": "float64"}


class _Stock(NamedTuple):
    """A package with quota in force at the end of a record: segments left, and when it ends."""

    package: int
    left: int
    ends_us: int


class _Stretch(NamedTuple):
    """The time in which a package is projected to be used: from when on, what was used by then, and
    until when; infinite until it is known.
    """

    began_us: float
    before: float
    ended_us: float
    empty: bool


@requires("money", "packages")
def package_forecast(record: Record) -> pd.DataFrame:
    """What is projected to be left, in segments, in all packages in force of each country.

    One row at the end of the record, at the end of each UTC day after it (up to the last expiry, or
    until nothing is left) and just before and at each expiry: `left`, between `left_low` and
    `left_high`. The method is that of `packages`; countries with nothing left have no rows, and
    none has of a record whose days are too few or unlike those to come (`projection`).
    """
    frames = [_left(record, *ahead) for ahead in _countries(record)]
    if not frames:
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in _COLUMNS.items()})
    return pd.concat(frames, ignore_index=True).astype(_COLUMNS)


def run_outs(record: Record) -> pd.DataFrame:
    """When each package is projected to be empty: columns at, low, high by package; NaT if never.

    `low` is the earliest of the interval, where most is used. Packages that hold nothing at the end
    of the record have no row.
    """
    rows: dict[int, list[int | None]] = {}
    for _, stocks, course in _countries(record):
        walks = [walk(stocks, course, record.observed_until, sums) for sums in _curves(course)]
        for position, stock in enumerate(stocks):
            stretches_of = [stretches[position] for stretches in walks]
            rows[stock.package] = [round(s.ended_us) if s.empty else None for s in stretches_of]
    columns = zip(*rows.values(), strict=True) if rows else [[], [], []]
    named = zip(("at", "low", "high"), columns, strict=True)
    return pd.DataFrame(
        {name: instants(list(stretches_of)) for name, stretches_of in named}, index=list(rows)
    )


def walk(stocks: list[_Stock], course: Course, from_us: int, sums: Floats) -> list[_Stretch]:
    """When each package is used along one of a course's curves, in their order of use."""
    stretches, at, used = [], float(from_us), 0.0
    for stock in stocks:
        # One that ended while those before it were used is never used.
        ends = max(at, float(stock.ends_us))
        empty_us = first_reach(course, from_us, sums, used + stock.left)
        empty = empty_us < stock.ends_us
        until = empty_us if empty else ends
        stretches.append(_Stretch(at, used, until, empty))
        used = used + stock.left if empty else float(reached(course, from_us, sums, until))
        at = until
    return stretches


def daily_use(record: Record, country: str) -> Ints:
    """Segments that packages of a country were or would have been asked for, each whole UTC day.

    Those sent, covered or not, and those refused for want of quota.
    """
    money = record.tallies.money
    cells = money[money["country"] == country]
    requested = cells[~cells["charge"].isin(REFUSED) | (cells["status"] == NO_QUOTA)]
    days = whole_days(record.observed_from, sent_until(record))
    return by_day(requested, "segments", days)


def by_day(money: pd.DataFrame, column: str, days: range) -> Ints:
    """The sum of a column of money cells on each of some UTC days."""
    places = microseconds_of(money["day"]) // DAY - days.start
    inside = (places >= 0) & (places < len(days))
    sums = np.zeros(len(days), np.int64)
    np.add.at(sums, places[inside], money[column].to_numpy(np.int64)[inside])
    return sums


def no_forecast(record: Record) -> str:
    """Why packages that hold quota have no projected run-out; "" if they have, or hold nothing."""
    if record.packages is None:
        return ""
    days, until = whole_days(record.observed_from, sent_until(record)), record.observed_until
    ends = [stock.ends_us for stocks in stocks_in_force(record).values() for stock in stocks]
    return (too_few(days) or unlike(days, until, max(ends))) if ends else ""


def stocks_in_force(record: Record) -> dict[str, list[_Stock]]:
    """The packages with quota in force at the end, by country and in order of use."""
    packages, until = record.packages, record.observed_until
    if packages is None:
        return {}
    order, stocks = order_of_use(record), dict[str, list[_Stock]]()
    holding = packages[(packages["left"] > 0) & (microseconds_of(packages["ends_at"]) > until)]
    for country, held in holding.groupby("country"):
        numbers = zip(held["package"], held["left"], microseconds_of(held["ends_at"]), strict=True)
        of_country = [_Stock(int(p), int(left), int(ends)) for p, left, ends in numbers]
        stocks[str(country)] = sorted(of_country, key=lambda stock: order[stock.package])
    return stocks


def _countries(record: Record) -> Iterator[tuple[str, list[_Stock], Course]]:
    """Countries with quota in force at the end, their packages in order of use, and their use."""
    days = whole_days(record.observed_from, sent_until(record))
    if no_forecast(record):
        return
    for country, stocks in stocks_in_force(record).items():
        seen = Weekdays(days.start, daily_use(record, country))
        ends = max(stock.ends_us for stock in stocks)
        yield country, stocks, seen.course(record.observed_until, ends)


def _curves(course: Course) -> tuple[Floats, Floats, Floats]:
    """Use as estimated, and so that packages run out earliest and latest."""
    return course.estimate, course.high, course.low


def _left(record: Record, country: str, stocks: list[_Stock], course: Course) -> pd.DataFrame:
    """One country's rows."""
    begin = record.observed_until
    walks = [(sums, walk(stocks, course, begin, sums)) for sums in _curves(course)]
    turns = {stretch.ended_us for _, walked in walks for stretch in walked}
    turns |= {float(stock.ends_us) for stock in stocks}
    times = np.array([begin, *sorted({*course.at_us.tolist(), *turns})], np.float64)
    # A package that expires leaves less at once: a row before, and one after.
    at, after = np.repeat(times, 2), np.tile([False, True], len(times))
    rests = [
        _rest(stocks, walked, at, reached(course, begin, sums, at), after) for sums, walked in walks
    ]
    rows = pd.DataFrame(dict(zip(("left", "left_low", "left_high"), rests, strict=True)))
    new = ~after | (rows != rows.shift()).any(axis=1).to_numpy()
    ends = np.flatnonzero(~rows.any(axis=1))[:1]
    new[ends[0] + 1 if len(ends) else len(new) :] = False
    rows.insert(0, "at", instants(at.round().astype(np.int64)))
    rows.insert(1, "country", country)
    return rows[new]


def _rest(
    stocks: list[_Stock], walked: list[_Stretch], at: Floats, used: Floats, after: _Bools
) -> Floats:
    """What is left at some instants, before or after what happens then."""
    total = np.zeros(len(at))
    for stock, stretch in zip(stocks, walked, strict=True):
        over = min(stretch.ended_us, float(stock.ends_us))
        taken = np.where(at > stretch.began_us, used - stretch.before, 0.0)
        there = (at < over) | ((at == over) & ~after)
        total += np.where(there, np.maximum(stock.left - taken, 0.0), 0.0)
    # What floating point leaves of nothing is nothing.
    return total.round(3)


@requires("packages", "events", "money")
def packages(record: Record) -> pd.DataFrame:
    """One row a package: what was bought, and how many of its segments were used, expired, left.

    `empty_at` is when its last segment was first taken; `run_out_at` is when its country first had
    fewer segments than a message needed, at or after it came in force. Both are NaT if that never
    happened. The price is in millionths and in whole units of the currency. `expired` are segments
    that expired unused, and `expired_cost` what they cost (`expired_cost_micro` in millionths,
    rounded half up): their share of the price. A log knows no packages and has no rows unless it
    was rated.

    `run_out_projected_at` is when what is `left` at the end of the record will have been used, by
    the country's daily use and the method of `projection`: whole UTC days, a weekday like those
    seen. Use is what packages were or would have been asked for: segments sent, covered or not, and
    refused for want of quota (E000629). Packages are used one after the other, in their order.
    `run_out_projected_at_low` and `run_out_projected_at_high` are the ends of its 95% interval. It
    is NaT after the package's expiry, of a package without anything left, and if the record has
    fewer than 3 whole days, or no Saturday or Sunday where such days are to come. Assumption: days
    are independent and those to come are like those seen.
    """
    table, events = record.packages, record.events
    if table is None or events is None:
        table = pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in PACKAGES})
        events = pd.DataFrame({"at": pd.Series(dtype=TIME), "event": "", "subject": ""})
    frame = table.copy()
    price = f"price_{record.currency.lower()}" if record.currency else "price"
    frame.insert(list(frame).index("price_micro") + 1, price, frame["price_micro"] / 1e6)
    frame["used_share"] = frame["used"] / frame["segments"]
    empty = events[events["event"] == "package_empty"].drop_duplicates("subject")
    names = frame["package"].astype("str")
    empty_at = empty.set_index("subject")["at"].reindex(names).set_axis(frame.index)
    frame = frame.assign(empty_at=empty_at, run_out_at=_run_outs(frame, events))
    ahead = run_outs(record).reindex(frame["package"]).set_axis(frame.index)
    for name, end in (("at", ""), ("low", "_low"), ("high", "_high")):
        frame[f"run_out_projected_at{end}"] = ahead[name]
    frame["expired_cost_micro"] = (
        2 * frame["expired"] * frame["price_micro"] + frame["segments"]
    ) // (2 * frame["segments"])
    return frame.assign(expired_cost=frame["expired_cost_micro"] / 1e6)


def _run_outs(first_run_outs: pd.DataFrame, events: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """The first run-out of each package's country since it came in force."""
    dry = events[events["event"] == "run_out"]
    by_country = {country: mask["at"] for country, mask in dry.groupby("subject")}
    never = pd.Series(dtype=TIME)
    first = [
        mask[mask >= since].min()
        for mask, since in zip(
            (by_country.get(country, never) for country in first_run_outs["country"]),
            first_run_outs["in_force_at"],
            strict=True,
        )
    ]
    return pd.Series(first, first_run_outs.index, dtype=TIME)
