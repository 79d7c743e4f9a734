"""The month so far, and what it will come to if the rest of it is like what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smssim.calendars import DAY, month_start, next_month
from smssim.record.record import Record
from smssim.record.schema import TIME, microseconds_of
from smssim.record.tallies import REFUSED
from smssim.report._record import instants, priced, requires, sent_until
from smssim.report.packages import by_day
from smssim.report.weekdays import LEAST, Floats, Weekdays, whole_days

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {"messages": "messages", "segments": "segments", "billed": "cost_micro"}
"""Figures that are projected, and the columns of the money tally that they sum."""
FIGURES = (*_COLUMNS, "cost")
FEW = f"fewer than {LEAST} whole UTC days are known"
_UNPRICED = "not all that was sent has a price"


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
    """The UTC month in which the record ends: so far, the rest, and in all; one row a figure.

    Figures are `messages` and `segments` that were sent, `billed` (pay-per-use charges) and `cost`
    (billed, and packages bought so far: purchases are not projected), money in whole units of the
    currency. `so_far` is what the record holds of the month, from `since` on. `rest`, with its 95 %
    interval `rest_low` to `rest_high`, is what is left of the month until `ends`, in `days_left`
    UTC days: each like the mean of its weekday, if the record has two or more such whole days, else
    of the days of all other weekdays (`weekdays.Weekdays`), from its `whole_days`. The rest of a
    day that the record ends in counts as that part of a day. `month` is both together.

    NaN where nothing can be said, and the `reason` why: with fewer than 3 whole days, and of money
    where not all that was sent has a price. A record that ends with its month has a rest of 0.
    Assumption: days are independent and the rest is like what was seen; a package that runs out in
    the rest of the month is not foreseen.
    """
    import pandas as pd

    month = month_of(record)
    until = sent_until(record)
    days = whole_days(record.observed_from, until)
    over = until == month.ends_us
    rows = []
    for figure, so_far, seen in _figures(record, month, days):
        reason = _UNPRICED if so_far is None else FEW if seen is None and not over else ""
        rest = (0.0, 0.0, 0.0) if over else (np.nan,) * 3
        if seen is not None and not over:
            rest = seen.sum_of(until, month.ends_us)
        if so_far is None:
            so_far, rest = np.nan, (np.nan,) * 3
        rows.append((figure, so_far, *rest, *(so_far + amount for amount in rest), reason))
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
    import pandas as pd

    month = month_of(record)
    until = sent_until(record)
    days = whole_days(record.observed_from, until)
    parts = [pd.DataFrame(columns=["at", "figure", "so_far", "month", "month_low", "month_high"])]
    for figure, so_far, seen in _figures(record, month, days):
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
        if seen is not None and until < month.ends_us:
            course = seen.course(until, month.ends_us)
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
) -> Iterator[tuple[str, float | None, Weekdays | None]]:
    """Each figure: its sum so far, None where it is not known, and what its days are like."""
    all_priced = priced(record) and "unknown" not in set(_sent(record)["charge"])
    for figure in FIGURES:
        column = _COLUMNS["billed" if figure == "cost" else figure]
        countable = all_priced or column != "cost_micro"
        so_far = float(_grown(record, figure, month)[-1]) if month.days and countable else None
        # A record without messages has no day, and nothing so far.
        so_far = 0.0 if countable and so_far is None else so_far
        seen = None
        if countable and len(days) >= LEAST:
            seen = Weekdays(days.start, by_day(_sent(record), column, days) / _unit(column))
        yield figure, so_far, seen


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
