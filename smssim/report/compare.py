"""Two months side by side, or a month and its simulation: differences and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from smssim.arrays import Floats
from smssim.calendars import DAY
from smssim.metrics import METRICS
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.record.tallies import OUTCOMES
from smssim.report._record import (
    TimeInterval,
    events_of,
    keys_of,
    periods,
    requirements,
    requires,
    sent_until,
    summed,
)
from smssim.report.cost import cost
from smssim.report.delivery import delivery, outcome_of, stage_of, statuses
from smssim.report.kpis import kpis
from smssim.report.message_kpis import STOPPED_BY
from smssim.stats.intervals import Interval, mover, welch

__all__ = ["FIGURES", "Figure", "compare", "console_statistics", "reconcile"]

_SAME = 0.01
"""Periods whose lengths differ by less than this share are equally long."""
_EVENTS = {
    "runout.count": "run_out",
    "thresholds.alarms": "alarm",
    "thresholds.limits": "limit",
    "thresholds.country_limits": "country_limit",
}
_CODES = {f"messages.stopped_by_{name}": code for name, code in STOPPED_BY.items()}
_CHARGES = ("cost", "cost.pay_per_use")
_GROWING = {
    *_CHARGES,
    *_EVENTS,
    *_CODES,
    *("messages.refused", "messages.stopped", "messages.stopped_by_no_package"),
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
    whole: list[TimeInterval]
    bill: pd.DataFrame
    counts: pd.DataFrame
    codes: pd.DataFrame


def compare(a: Record, b: Record) -> pd.DataFrame:
    """One row a metric of `kpis` and subject: each record's value, *b* less *a*, and intervals.

    Columns: name, of, unit; `a`, `b` and `difference`, each with `_low` and `_high` (95%, NaN
    where there is none); `better`, "a" or "b" where the metric says which way is good and the
    interval of the difference does not hold 0, else "". Records may be simulated or read from
    logs; what one of them cannot know is NaN.

    Figures with intervals of their own, shares and quantiles, differ by `mover`, which of shares
    is Newcombe's interval. Counts of messages and events, and charges, differ by Welch's t on their
    whole UTC days, as wide as the period is long, if both have two of them; packages bought are
    decisions and add no width to `cost`. Assumption: days are independent. Where one period is
    longer by 1% or more, all that grows with time is per day (unit "... per day"). Amounts in two
    currencies have no difference.
    """
    sides = [_side(record) for record in (a, b)]
    alike = abs(sides[0].days - sides[1].days) < _SAME * max(side.days for side in sides)
    rows = _joined(a, b)
    if not alike:
        _per_day(rows, sides)
    rows["difference"] = rows["b"] - rows["a"]
    for row in rows.index[rows["difference"].notna()]:
        interval = _interval(rows.loc[row], sides, alike)
        if interval is not None:
            rows.loc[row, ["difference_low", "difference_high"]] = interval
    if None not in (a.currency, b.currency) and a.currency != b.currency:
        money = rows["name"].map(lambda name: METRICS[name].unit) == "currency"
        rows.loc[money, ["difference", "difference_low", "difference_high"]] = np.nan
        rows.loc[money, "unit"] += f", {b.currency}"
    rows["better"] = pd.Series([_better(row) for _, row in rows.iterrows()], dtype="str")
    return rows[["name", "of", "unit", *_FIGURES, "better"]]


compare.requirements = requirements(kpis)  # type: ignore[attr-defined]


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
    position = {
        key: i for i, key in enumerate(zip(*(figures[0][key] for key in keys), strict=True))
    }
    rows["place"] = [
        position.get(key, len(position)) for key in zip(rows["name"], rows["of"], strict=True)
    ]
    rows["metric"] = rows["name"].map(order.index)
    rows = rows.sort_values(["metric", "place"], kind="stable", ignore_index=True)
    return rows.assign(**dict.fromkeys(_FIGURES[6:], np.nan))


def _per_day(rows: pd.DataFrame, sides: list[_Side]) -> None:
    """Divide what grows with time by the days of its record."""
    growing = rows["name"].isin(_GROWING)
    for name, side in zip(("a", "b"), sides, strict=True):
        for end in _ENDS:
            rows.loc[growing, f"{name}{end}"] /= side.days
    rows.loc[growing, "unit"] += " per day"


def _interval(row: pd.Series[Any], sides: list[_Side], alike: bool) -> tuple[float, float] | None:
    """The ends of a difference's interval, None where it has none."""
    a, b = (Interval(*(row[f"{name}{end}"] for end in _ENDS)) for name in ("a", "b"))
    if not any(np.isnan(interval.low) and np.isnan(interval.high) for interval in (a, b)):
        return mover(b, a)[1:]
    first, second = (_by_day(row["name"], side) for side in sides)
    if first is None or second is None or min(len(first), len(second)) < 2:
        return None
    difference = welch(second, first)
    # Parts of days are in the figures, and not in the days.
    scale = sides[1].days if alike else 1
    half = scale * (difference.high - difference.estimate)
    return row["difference"] - half, row["difference"] + half


def _by_day(name: str, side: _Side) -> Floats | None:
    """A metric's whole UTC days; None where they are not told apart."""
    if name in _CHARGES:
        charged = side.bill[side.bill["entry"] == "pay_per_use"]
        return _days(charged, "cost_micro", side) / 1e6
    if name in _CODES:
        return _days(side.codes[side.codes["status"] == _CODES[name]], "messages", side)
    if name in _EVENTS:
        events = events_of(side.record, _EVENTS[name])
        if events is None:
            return None
        return _days(events.assign(day=events["at"].dt.floor("D"), number=1), "number", side)
    group, _, column = name.partition(".")
    counted = group == "messages" and name in _GROWING and column in side.counts
    return _days(side.counts, column, side) if counted else None


def _days(table: pd.DataFrame, column: str, side: _Side) -> Floats:
    """The sums of a column on each whole day, 0 on days that it does not name."""
    days, values = microseconds_of(table["day"]), table[column].to_numpy(np.float64)
    return np.array([values[days == day.start].sum() for day in side.whole])


def _better(row: pd.Series[Any]) -> str:
    better, low, high = METRICS[row["name"]].better, row["difference_low"], row["difference_high"]
    if better is None or np.isnan([low, high]).any() or low <= 0 <= high:
        return ""
    return "b" if (low > 0) == (better == "more") else "a"


# Our own log against what the console knows of the same period: what we never heard, its cost.

_KEYS = ("day", "country")
_COUNTS = ("accepted", "told", "delivered")
_COLUMNS = [f"{name}_{side}" for name in _COUNTS for side in ("ours", "console")]


@requires("money")
def reconcile(ours: Record, console: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Hold our own log against the console's of the same period: one row per group, by UTC day of
    submission, by country, both or nothing.

    `accepted` are the messages that the API took, `told` those whose final status is known and
    `delivered` those with DELIVRD, each as `_ours` and as `_console`. `unheard` is told by the
    console less told by us, and `unheard_share` its share of what the console tells (NaN of
    nothing); it is below 0 where the export lacks messages, as a cut one does. `unheard_micro` is
    what unheard messages were charged beyond packages, in millionths, and `unheard_usd` (or
    whatever the currency is) the same in whole units; NA where the console's record does not show
    the cost of each, which `smssim.rate` makes known. Counts of one period have no interval.

    Assumption: an unheard message costs what those of its group, country and status cost on
    average. A simulated record stands for the console's, as it knows what the platform knows.
    Raise a ValueError for other groups: our log names no applications and types as the console's.
    """
    keys = keys_of(by, _KEYS)
    cells = list(dict.fromkeys([*keys, "country", "status"]))
    names = {"cost_micro": "cost_micro_console"}
    theirs = _accepted(console, cells, "console").rename(columns=names)
    mine = _accepted(ours, cells, "ours").drop(columns="cost_micro")
    # A merge finds NA in NA: messages without a country, and those without a status yet.
    both = mine.merge(theirs, how="outer", on=cells)
    both[[*_COLUMNS, *names.values()]] = both[[*_COLUMNS, *names.values()]].fillna(0)
    reported = both["told_console"]
    unheard = (reported - both["told_ours"]).clip(lower=0)
    both["unheard_micro"] = unheard * (both["cost_micro_console"] / reported.where(reported > 0, 1))
    sums = summed(both[[*keys, *_COLUMNS, "unheard_micro"]], keys).reset_index(drop=not keys)
    return _with_unheard(sums.astype(dict.fromkeys(_COLUMNS, "int64")), console)


def _accepted(record: Record, cells: list[str], side: str) -> pd.DataFrame:
    """Messages that the API took, refused by the platform afterwards or not, one row per cell."""
    money = record.tallies.money
    taken = money[(stage_of(money) == 0) | (stage_of(money) == 3)]
    final = taken["status"].notna() & (taken["status"] != "ACCEPTD")
    counts = taken[[*cells, "cost_micro"]].assign(
        **{
            f"accepted_{side}": taken["messages"],
            f"told_{side}": taken["messages"].where(final, 0),
            f"delivered_{side}": taken["messages"].where(taken["status"] == "DELIVRD", 0),
        }
    )
    sums: pd.DataFrame = counts.groupby(cells, dropna=False).sum().reset_index()
    return sums


def _with_unheard(frame: pd.DataFrame, console: Record) -> pd.DataFrame:
    """What the console tells and we do not, and its cost where that is known."""
    reported, cost = frame["told_console"], frame.pop("unheard_micro").round().astype("Int64")
    unheard = reported - frame["told_ours"]
    if (console.tallies.money["charge"] == "unknown").any():
        cost[:] = None
    whole = f"unheard_{console.currency.lower() if console.currency else 'cost'}"
    return frame.assign(
        unheard=unheard,
        unheard_share=unheard / reported.where(reported > 0),
        unheard_micro=cost,
        **{whole: cost.astype("Float64").astype("float64") / 1e6},
    )


# The figures of the console's statistics page, as far as their definitions are known.


class Figure(NamedTuple):
    """What a figure of the console counts, and whether its page says so or it is our reading."""

    meaning: str
    documented: bool


FIGURES = {
    "total_submit": Figure("all that were asked to be sent", True),
    "total_submitted": Figure("total_submit less submission_failures", False),
    "submission_failures": Figure(
        "not charged: the call or the number was refused, or the code is the Huawei platform's",
        True,
    ),
    "submission_success_rate": Figure("total_submitted divided by total_submit", True),
    "sent_successfully": Figure("with a report DELIVRD", False),
    "sending_failures": Figure(
        "submitted, with a report of another final status, EXPIRED included", False
    ),
    "sending": Figure("submitted, without a final status yet", False),
}
"""The figures in the console's order (DOMAIN.md section 9). Only the words of total_submitted,
sent_successfully and sending_failures are published, and of sending the name."""


@requires("money")
def console_statistics(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """The console's own figures, one row per group and figure: figure, value, unit, definition and
    meaning; *by* as in `cost`, but for copies.

    They count segments, as the platform does in its statistics (DOMAIN.md section 3), and
    `submission_success_rate` is a share, NaN of nothing. `definition` is "documented" or "our
    reading" (DOMAIN.md section 9): submitted = sent_successfully + sending_failures + sending is
    ours. A log's messages whose reports were lost count as sending.
    """
    keys = keys_of(by)
    sums = summed(_counts(record, keys), keys).reset_index(drop=not keys)
    sums["total_submitted"] = sums["total_submit"] - sums["submission_failures"]
    submitted = sums["total_submit"]
    sums["submission_success_rate"] = sums["total_submitted"] / submitted.where(submitted > 0)
    frames = []
    for number, (name, figure) in enumerate(FIGURES.items()):
        rows = sums[keys].assign(
            figure=name,
            value=sums[name].astype("float64"),
            unit="share" if name == "submission_success_rate" else "segments",
            definition="documented" if figure.documented else "our reading",
            meaning=figure.meaning,
        )
        rows.index = pd.Index(np.arange(len(sums)) * len(FIGURES) + number)
        frames.append(rows)
    texts = dict.fromkeys(("figure", "unit", "definition", "meaning"), "str")
    return pd.concat(frames).sort_index().astype(texts)


def _counts(record: Record, keys: list[str]) -> pd.DataFrame:
    """The cells of the money tally with a column a count of segments."""
    money = record.tallies.money
    outcome, refused = outcome_of(money), stage_of(money) > 0
    segments = money["segments"]
    masks = {
        "total_submit": np.ones(len(money), bool),
        "submission_failures": refused,
        "sent_successfully": outcome == OUTCOMES.index("delivered"),
        "sending_failures": np.isin(outcome, [OUTCOMES.index(o) for o in ("failed", "expired")]),
        "sending": outcome == OUTCOMES.index("in_flight"),
    }
    counts: pd.DataFrame = money[keys].copy()
    return counts.assign(**{name: segments.where(which, 0) for name, which in masks.items()})
