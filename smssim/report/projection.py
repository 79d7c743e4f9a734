"""The month so far, and what it will come to if the rest of it is like what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from smssim.arrays import Floats
from smssim.calendars import DAY, month_start, next_month, to_datetime
from smssim.formatting import listed
from smssim.record.record import Record
from smssim.record.schema import TIME, microseconds_of
from smssim.record.tallies import REFUSED
from smssim.report._record import charges_known, instants, priced, requires, scenario_of, sent_until
from smssim.report.packages import by_day, daily_use, stocks_in_force, walk
from smssim.report.weekdays import Course, Weekdays, reached, too_few, unlike, whole_days

__all__ = ["FIGURES", "month_by_day", "month_of", "projection"]

_COLUMNS = {"messages": "messages", "segments": "segments", "billed": "cost_micro"}
"""Figures that are projected, and the columns of the money tally that they sum."""
FIGURES = (*_COLUMNS, "cost")
_UNPRICED = "not all that was sent has a price"
_NO_PACKAGES = "what was paid for packages is not known: rate the record"


class _Month(NamedTuple):
    """The UTC month in which a record ends: since when it is known, until when, and its end."""

    since_us: int
    until_us: int
    ends_us: int

    @property
    def days(self) -> range:
        """Its UTC days that the record holds, if only in part."""
        return range(self.since_us // DAY, -(-self.until_us // DAY))


@requires("money", "clock", "ledger")
def projection(record: Record) -> pd.DataFrame:
    """The UTC month in which the record ends: so far, the rest, and in all; one row per figure.

    Figures are `messages` and `segments` that were sent, `billed` (pay-per-use charges) and `cost`
    (billed, and packages bought so far: purchases are not projected), money in whole units of the
    currency. `so_far` is what the record holds of the month, from `since` on. `rest`, with its 95%
    interval `rest_low` to `rest_high`, is what is left of the month until `ends`, in `days_left`
    UTC days: each like those of its weekday among the record's `whole_days` (`weekdays.Weekdays`).
    The rest of a day that the record ends in counts as that part of a day. `month` is both
    together. What goes to countries with packages is charged from when their packages are projected
    to run out or expire, as in `packages`, at the price of a segment there.

    NaN where nothing can be said, and the `reason` why: with fewer than 3 whole days, or without a
    Saturday or Sunday where such days are to come; of money where not all that was sent has a
    price, or a segment has none where a package runs out; and of messages and segments where mode 2
    stops sending at a run-out. A record that ends with its month has a rest of 0. Assumption: days
    are independent, also of one country from those of others, and the rest is like what was seen.
    """
    month = month_of(record)
    until = sent_until(record)
    days = whole_days(record.observed_from, until)
    rows = []
    for figure, so_far, course, reason in _figures(record, month, days):
        rest = [np.nan] * 3
        if course is not None:
            rest = [float(column[-1]) if len(column) else 0.0 for column in course[1:]]
        total = np.nan if so_far is None else so_far
        rows.append((figure, total, *rest, *(total + amount for amount in rest), reason))
    names = ("rest", "rest_low", "rest_high", "month", "month_low", "month_high")
    frame = pd.DataFrame(rows, columns=["figure", "so_far", *names, "reason"])
    currency = record.currency or "currency"
    frame.insert(1, "unit", ["messages", "segments", currency, currency])
    since, ends = instants([month.since_us] * 4), instants([month.ends_us] * 4)
    left = (month.ends_us - until) / DAY
    complete = frame.assign(since=since, ends=ends, whole_days=len(days), days_left=left)
    types = {"figure": "str", "unit": "str", "reason": "str"}
    types |= dict.fromkeys(("so_far", *names), "float64")
    return complete[[*[c for c in complete if c != "reason"], "reason"]].astype(types)


@requires("money", "clock", "ledger")
def month_by_day(record: Record) -> pd.DataFrame:
    """The figures of `projection` as they grow through the month, at the end of each UTC day.

    Up to the end of the record `so_far` is the sum, from then on `month` is what it is projected to
    be, between `month_low` and `month_high`; the other is NaN. They meet at the end of the record.
    Money is in whole units of the currency; what `projection` cannot say has no rows.
    """
    month = month_of(record)
    until = sent_until(record)
    days = whole_days(record.observed_from, until)
    parts = [pd.DataFrame(columns=["at", "figure", "so_far", "month", "month_low", "month_high"])]
    for figure, so_far, course, _ in _figures(record, month, days):
        if so_far is None:
            continue
        sums = _grown(record, figure, month)
        ends = np.minimum((np.array(month.days) + 1) * DAY, until)
        rows: list[tuple[Any, ...]] = [
            (int(at), figure, value, *(np.nan,) * 3)
            for at, value in zip(ends, sums.tolist(), strict=True)
        ]
        if rows:
            rows[-1] = (*rows[-1][:3], *(so_far,) * 3)
        if course is not None:
            ahead = (so_far + np.stack([course.estimate, course.low, course.high], axis=1)).tolist()
            points = zip(course.at_us.tolist(), ahead, strict=True)
            rows += [(at, figure, np.nan, *values) for at, values in points]
        parts.append(pd.DataFrame(rows, columns=parts[0].columns))
    frame = pd.concat(
        [rows_of_figure for rows_of_figure in parts if len(rows_of_figure)] or parts,
        ignore_index=True,
    )
    at = instants(frame["at"].to_numpy(np.int64))
    types = dict.fromkeys(("so_far", "month", "month_low", "month_high"), "float64")
    return frame.assign(at=at).astype({"at": TIME, "figure": "str", **types})


def month_of(record: Record) -> _Month:
    """The UTC month in which a record ends, as far as the record holds it."""
    until = sent_until(record)
    last = max(until - 1, record.observed_from)
    return _Month(max(month_start(last), record.observed_from), until, next_month(last))


def _figures(
    record: Record, month: _Month, days: range
) -> Iterator[tuple[str, float | None, Course | None, str]]:
    """Each figure: its sum so far, the course of its rest, and why one of them is not known."""
    all_priced = charges_known(record) and "unknown" not in set(_sent(record)["charge"])
    nothing = Course(np.zeros(0, np.int64), *(np.zeros(0) for _ in range(3)))
    over = month.until_us == month.ends_us
    few = "" if over else too_few(days) or unlike(days, month.until_us, month.ends_us)
    uncovered = {} if over or few else dict(_uncovered(record, month, days))
    for figure in FIGURES:
        money = figure in ("billed", "cost")
        if money and not all_priced:
            yield figure, None, None, _UNPRICED
            continue
        if figure == "cost" and not priced(record):
            yield figure, None, None, _NO_PACKAGES
            continue
        so_far = float(_grown(record, figure, month)[-1]) if month.days else 0.0
        reason = few or _undecided(record, money, uncovered)
        if over:
            yield figure, so_far, nothing, ""
        elif reason:
            yield figure, so_far, None, reason
        elif money:
            yield figure, so_far, _charges_ahead(record, month, days, uncovered), ""
        else:
            seen = Weekdays(days.start, by_day(_sent(record), figure, days))
            yield figure, so_far, seen.course(month.until_us, month.ends_us), ""


def _uncovered(record: Record, month: _Month, days: range) -> Iterator[tuple[str, Course]]:
    """The segments to each country with packages that these will not cover in the rest."""
    packages = record.packages
    stocks = stocks_in_force(record)
    for country in [] if packages is None else sorted(packages["country"].unique()):
        seen = Weekdays(days.start, daily_use(record, country))
        use = seen.course(month.until_us, month.ends_us)
        curves = []
        for curve in use[1:]:
            stretches = walk(stocks.get(country, []), use, month.until_us, curve)
            last_us = stretches[-1].ended_us if stretches else month.until_us
            covered_until = np.minimum(use.at_us, last_us)
            curves.append(curve - reached(use, month.until_us, curve, covered_until))
        yield country, Course(use.at_us, *curves)


def _undecided(record: Record, money: bool, uncovered: dict[str, Course]) -> str:
    """Why the rest is not known though its use is: what is uncovered stops, or has no price."""
    dry = [country for country, course in uncovered.items() if course.high[-1] > 0]
    if not money and dry and _mode(record) == "suspend":
        return f"packages of {listed(dry)} run out, and nothing more is sent there in mode 2"
    if money and _mode(record) != "suspend":
        without = [country for country in dry if _segment_price(record, country) is None]
        if without:
            return f"packages of {listed(without)} run out, and a segment has no known price there"
    return ""


def _charges_ahead(
    record: Record, month: _Month, days: range, uncovered: dict[str, Course]
) -> Course:
    """The charges of the rest: days alike where there are no packages, else what these leave."""
    sent = _sent(record)
    others = by_day(sent[~sent["country"].isin(list(uncovered))], "cost_micro", days) / 1e6
    courses = [Weekdays(days.start, others).course(month.until_us, month.ends_us)]
    for country, course in uncovered.items() if _mode(record) != "suspend" else ():
        price = _segment_price(record, country) or 0.0
        courses.append(Course(course.at_us, *(column * price for column in course[1:])))
    estimate, low, high = (
        np.stack(columns) for columns in zip(*(c[1:] for c in courses), strict=True)
    )
    # Each part errs by itself (method of variance estimates recovery, as in `mover`).
    below = np.sqrt(((estimate - low) ** 2).sum(axis=0))
    above = np.sqrt(((high - estimate) ** 2).sum(axis=0))
    total = estimate.sum(axis=0)
    return Course(courses[0].at_us, total, np.maximum(total - below, 0), total + above)


def _segment_price(record: Record, country: str) -> float | None:
    """What a segment that no package covers costs, in whole units; None where it is not known.

    As charged on average in the record, else by the tariff or the scenario.
    """
    money = record.tallies.money
    charged = money[(money["country"] == country) & money["charge"].isin(["pay_per_use", "split"])]
    segments = int(charged["segments"].sum() - charged["covered_segments"].sum())
    if segments:
        return int(charged["cost_micro"].sum()) / 1e6 / segments
    rating = record.provenance.get("rating")
    if rating is not None:
        price = rating.get("segment_prices", {}).get(country)
        return None if price is None else float(price)
    scenario = scenario_of(record)
    return (
        None
        if scenario is None
        else scenario.route(country).price_at(to_datetime(record.observed_until))
    )


def _mode(record: Record) -> str:
    """The service mode at the end of the record."""
    rating, scenario, events = record.provenance.get("rating"), scenario_of(record), record.events
    if rating is not None:
        return str(rating["service_mode"])
    if events is not None and (events["event"] == "mode_switched").any():
        return str(events.loc[events["event"] == "mode_switched", "subject"].iloc[-1])
    return "pay_per_use" if scenario is None else scenario.account.service_mode


def _grown(record: Record, figure: str, month: _Month) -> Floats:
    """The sum of a figure since the month is known, at the end of each of its days."""
    column = _COLUMNS["billed" if figure == "cost" else figure]
    daily = by_day(_sent(record), column, month.days)
    ledger = record.ledger
    if figure == "cost" and ledger is not None:
        bought = ledger[ledger["entry"] == "purchase"]
        places = microseconds_of(bought["at"]) // DAY - month.days.start
        inside = (places >= 0) & (places < len(month.days))
        np.add.at(daily, places[inside], bought["amount_micro"].to_numpy(np.int64)[inside])
    grown: Floats = daily.cumsum() / _unit(column)
    return grown


def _unit(column: str) -> float:
    return 1e6 if column == "cost_micro" else 1.0


def _sent(record: Record) -> pd.DataFrame:
    """The money tally's cells of what was sent."""
    money = record.tallies.money
    return money[~money["charge"].isin(REFUSED)]
