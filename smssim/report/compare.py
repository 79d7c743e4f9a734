"""Two months side by side, or a month and its simulation: differences and how sure they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import DAY
from smssim.metrics import METRICS
from smssim.record.record import Record
from smssim.report._record import events_of
from smssim.report.cost import cost
from smssim.report.delivery import delivery, statuses
from smssim.report.kpis import kpis
from smssim.report.needs import needs_of
from smssim.report.spans import Span, microseconds, periods, sent_until
from smssim.stats.intervals import Interval, mover, welch

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
SAME = 0.01
"""Periods whose lengths differ by less than this share are equally long."""
_EVENTS = {
    "runout.count": "run_out",
    "thresholds.alarms": "alarm",
    "thresholds.limits": "limit",
    "thresholds.country_limits": "country_limit",
}
_CODES = {"messages.stopped_by_limit": "E000623", "messages.stopped_by_runout": "E000629"}
_CHARGES = ("cost", "cost.pay_per_use")
_GROWING = {
    *_CHARGES,
    *_EVENTS,
    *_CODES,
    *("cost.packages", "cost.fraudulent", "messages.fraudulent", "messages.genuine_stopped"),
    *(f"messages.{name}" for name in ("requested", "sent", "delivered")),
    *(f"messages.refused_{name}" for name in ("request", "number", "platform")),
    *(f"suspended.{name}" for name in ("runout", "limit", "arrears")),
    "reports.made",
    "reports.duplicates",
}
"""Metrics that a longer period has more of."""
_ENDS = ("", "_low", "_high")
_FIGURES = [f"{of}{end}" for of in ("a", "b", "difference") for end in _ENDS]


class _Side(NamedTuple):
    """One of the two records: how long it is, its whole UTC days, and its tables by day."""

    record: Record
    days: float
    whole: list[Span]
    bill: pd.DataFrame
    counts: pd.DataFrame
    codes: pd.DataFrame


def compare(a: Record, b: Record) -> pd.DataFrame:
    """One row a metric of `kpis` and subject: each record's value, *b* less *a*, and intervals.

    Columns: name, of, unit; `a`, `b` and `difference`, each with `_low` and `_high` (95 %, NaN
    where there is none); `better`, "a" or "b" where the metric says which way is good and the
    interval of the difference does not hold 0, else "". Records may be simulated or read from
    logs; what one of them cannot know is NaN.

    Figures with intervals of their own, shares and quantiles, differ by `mover`, which of shares
    is Newcombe's interval. Counts of messages and events, and charges, differ by Welch's t on their
    whole UTC days, as wide as the period is long, if both have two of them; packages bought are
    decisions and add no width to `cost`. Assumption: days are independent. Where one period is
    longer by 1 % or more, all that grows with time is a day (unit "... a day"). Amounts in two
    currencies have no difference.
    """
    import pandas as pd

    sides = [_side(record) for record in (a, b)]
    alike = abs(sides[0].days - sides[1].days) < SAME * max(side.days for side in sides)
    found = _joined(a, b)
    if not alike:
        _a_day(found, sides)
    found["difference"] = found["b"] - found["a"]
    for row in found.index[found["difference"].notna()]:
        interval = _interval(found.loc[row], sides, alike)
        if interval is not None:
            found.loc[row, ["difference_low", "difference_high"]] = interval
    if None not in (a.currency, b.currency) and a.currency != b.currency:
        own = found["name"].map(lambda name: METRICS[name].unit) == "currency"
        found.loc[own, ["difference", "difference_low", "difference_high"]] = np.nan
        found.loc[own, "unit"] += f", {b.currency}"
    found["better"] = pd.Series([_better(row) for _, row in found.iterrows()], dtype="str")
    return found[["name", "of", "unit", *_FIGURES, "better"]]


compare.needs = needs_of(kpis)  # type: ignore[attr-defined]


def _side(record: Record) -> _Side:
    first, until = record.observed_from, sent_until(record)
    whole = [day for day in periods(record, "day") if day.start >= first and day.end <= until]
    tables = (cost(record, by="day"), delivery(record, by="day"), statuses(record, by="day"))
    return _Side(record, (until - first) / DAY, whole, *tables)


def _joined(a: Record, b: Record) -> pd.DataFrame:
    """The figures of both by metric and subject, in the order of the metrics, then of a's."""
    order, keys = list(METRICS), ["name", "of"]
    figures = []
    for record, name in ((a, "a"), (b, "b")):
        figures.append(
            kpis(record).rename(
                columns={"value": name, "low": f"{name}_low", "high": f"{name}_high"}
            )
        )
    rows = figures[0].merge(figures[1].drop(columns="unit"), on=keys, how="outer", sort=False)
    units = figures[1].set_index(keys)["unit"]
    missing = rows["unit"].isna()
    if missing.any():
        rows.loc[missing, "unit"] = [
            units[key] for key in zip(*(rows.loc[missing, key] for key in keys), strict=True)
        ]
    if a.currency is None and b.currency is not None:
        rows["unit"] = rows["unit"].replace("currency", b.currency)
    place = {key: i for i, key in enumerate(zip(*(figures[0][key] for key in keys), strict=True))}
    rows["place"] = [
        place.get(key, len(place)) for key in zip(rows["name"], rows["of"], strict=True)
    ]
    rows["metric"] = rows["name"].map(order.index)
    rows = rows.sort_values(["metric", "place"], kind="stable", ignore_index=True)
    return rows.assign(**dict.fromkeys(_FIGURES[6:], np.nan))


def _a_day(found: pd.DataFrame, sides: list[_Side]) -> None:
    """Divide what grows with time by the days of its record."""
    own = found["name"].isin(_GROWING)
    for name, side in zip(("a", "b"), sides, strict=True):
        for end in _ENDS:
            found.loc[own, f"{name}{end}"] /= side.days
    found.loc[own, "unit"] += " a day"


def _interval(row: pd.Series[Any], sides: list[_Side], alike: bool) -> tuple[float, float] | None:
    """The ends of a difference's interval, None where it has none."""
    a, b = (Interval(*(row[f"{name}{end}"] for end in _ENDS)) for name in ("a", "b"))
    if not any(np.isnan(own.low) and np.isnan(own.high) for own in (a, b)):
        return mover(b, a)[1:]
    first, second = (_by_day(row["name"], side) for side in sides)
    if first is None or second is None or min(len(first), len(second)) < 2:
        return None
    found = welch(second, first)
    # Parts of days are in the figures, and not in the days.
    scale = sides[1].days if alike else 1
    half = scale * (found.high - found.estimate)
    return row["difference"] - half, row["difference"] + half


def _by_day(name: str, side: _Side) -> Floats | None:
    """A metric's whole UTC days; None where they are not told apart."""
    if name in _CHARGES:
        charged = side.bill[side.bill["entry"] == "pay_per_use"]
        return _days(charged, "cost_micro", side) / 1e6
    if name in _CODES:
        return _days(side.codes[side.codes["status"] == _CODES[name]], "messages", side)
    if name in _EVENTS:
        told = events_of(side.record, _EVENTS[name])
        if told is None:
            return None
        return _days(told.assign(day=told["at"].dt.floor("D"), number=1), "number", side)
    kind, _, column = name.partition(".")
    counted = kind == "messages" and name in _GROWING and column in side.counts
    return _days(side.counts, column, side) if counted else None


def _days(table: pd.DataFrame, column: str, side: _Side) -> Floats:
    """The sums of a column on each whole day, 0 on days that it does not name."""
    days, values = microseconds(table["day"]), table[column].to_numpy(np.float64)
    return np.array([values[days == day.start].sum() for day in side.whole])


def _better(row: pd.Series[Any]) -> str:
    better, low, high = METRICS[row["name"]].better, row["difference_low"], row["difference_high"]
    if better is None or np.isnan([low, high]).any() or low <= 0 <= high:
        return ""
    return "b" if (low > 0) == (better == "more") else "a"
