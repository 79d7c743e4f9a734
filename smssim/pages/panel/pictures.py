"""The pictures of a what-if: the bill, what is left in packages, and delivery times, each with the
base's line behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from smssim import report
from smssim.arrays import Floats
from smssim.calendars import DAY
from smssim.formatting import amount, duration
from smssim.pages.panel.chart import LEGEND, Axis, Line, chart, round_ticks
from smssim.plots.latency import quantile_s
from smssim.record.record import Record
from smssim.report.latency import latency_curve
from smssim.scenario import Scenario

__all__ = ["Seen", "pictures"]

_MOST = 3
"""Pictures of packages, and of delivery times, at most: the table has all."""
_TIMES = [(1.0, "1 s"), (10.0, "10 s"), (60.0, "1 min"), (600.0, "10 min"), (3_600.0, "1 h")]
_VALID_S = 3 * 86_400
"""How long a message is tried to be delivered: 72 hours."""
_UP, _DATES = 4, 5
"""Steps of an axis at most."""


class Seen(NamedTuple):
    """What of a record is drawn: the bill in whole units of money and the segments left by
    country, by days since the start; the share delivered by seconds, and its p95, by message type.
    """

    bill: Line
    left: Mapping[str, Line]
    latency: Mapping[str, tuple[Line, float]]

    @classmethod
    def of(cls, record: Record) -> Seen:
        """The lines of a simulated record."""
        left = report.burn_down(record)
        curves = latency_curve(record, "type").groupby("type")
        return cls(
            _bill(record),
            {str(country): _left(rows, record) for country, rows in left.groupby("country")},
            {str(name): (_delays(curve), quantile_s(curve, 0.95)) for name, curve in curves},
        )


def pictures(base: Seen, what_if: Seen, scenario: Scenario) -> str:
    """The first month of both as HTML; a picture has its answer as its title."""
    days = _days(scenario)
    drawn = [_of_bill(base, what_if, days, scenario.currency)]
    drawn += _of_packages(base, what_if, days, scenario.start)
    drawn += _of_delays(base, what_if)
    return f'{LEGEND}<div class="smssim-pictures">{"".join(drawn)}</div>'


def _bill(record: Record) -> Line:
    """Packages on the UTC day of their purchase, charges evenly through that of the messages."""
    into = record.observed_from % DAY
    first = record.observed_from - into
    length = math.ceil((record.observed_until - first) / DAY)
    ledger, charges = record.ledger, record.tallies.money
    assert ledger is not None
    purchases = ledger[ledger["entry"] == "purchase"]
    bought = _by_day(purchases["at"], purchases["amount_micro"], first, length)
    charged = _by_day(charges["day"], charges["cost_micro"], first, length)
    ends = np.arange(length + 1) - into / DAY
    line = Line(np.repeat(ends.clip(0), 2), np.zeros(2 * length + 2))
    line.y[0::2] = np.append(0, (bought + charged)[:-1])
    line.y[1::2] = bought + np.append(0, charged[:-1])
    return line


def _by_day(at: pd.Series[Any], micro: pd.Series[Any], first: int, length: int) -> Floats:
    """Money so far at the end of each day, in whole units; what is not known is left out."""
    days = (at.to_numpy("datetime64[us]").astype(np.int64) - first) // DAY
    known = micro.astype("Float64").fillna(0).to_numpy(np.float64) / 1e6
    return np.cumsum(np.bincount(days.clip(0, length), known, length + 1))


def _left(rows: pd.DataFrame, record: Record) -> Line:
    at = rows["at"].to_numpy("datetime64[us]").astype(np.int64) - record.observed_from
    x, y = at / DAY, rows["left"].to_numpy(np.float64)
    dry = (rows["event"] == "run_out").to_numpy()
    crosses = list(zip(x[dry].tolist(), y[dry].tolist(), strict=True))
    return Line(x, y, crosses).thinned()


def _delays(curve: pd.DataFrame) -> Line:
    x, y = (curve[name].to_numpy(np.float64) for name in ("latency_s", "share"))
    return Line(x, 100 * y).thinned()


def _of_bill(base: Seen, what_if: Seen, days: Axis, currency: str) -> str:
    now, before = (float(side.bill.y[-1]) for side in (what_if, base))
    y = _upwards(max(side.bill.y.max() for side in (base, what_if)))
    title = f"Bill: {amount(now)} {currency}; base {amount(before)}"
    return _figure(title, f"bill so far, {currency}", what_if.bill, base.bill, days, y)


def _of_packages(base: Seen, what_if: Seen, days: Axis, start: datetime) -> Iterator[str]:
    """Countries whose packages run out come first."""
    countries = sorted(
        {*base.left, *what_if.left},
        key=lambda name: (not any(_dry(side, name) for side in (what_if, base)), name),
    )
    for country in countries[:_MOST]:
        lines = [side.left.get(country) for side in (what_if, base)]
        y = _upwards(max(float(line.y.max()) for line in lines if line is not None))
        now, before = (_when(_dry(side, country), start) for side in (what_if, base))
        title = f"{country} packages run out: {now}; base {before}"
        yield _figure(title, "segments left", lines[0], lines[1], days, y)


def _of_delays(base: Seen, what_if: Seen) -> Iterator[str]:
    x = Axis(1, _VALID_S, [*_TIMES, (86_400.0, "1 day")], log=True)
    y = Axis(0, 102, [(value, f"{value:g}%") for value in (0.0, 25.0, 50.0, 75.0, 95.0)])
    for name in sorted({*base.latency, *what_if.latency})[:_MOST]:
        (now, now_s), (before, before_s) = (
            side.latency.get(name, (None, math.nan)) for side in (what_if, base)
        )
        title = f"{name}: p95 {duration(now_s)}; base {duration(before_s)}"
        yield _figure(title, "share of deliveries made within", now, before, x, y)


def _figure(
    title: str, what: str, what_if: Line | None, base: Line | None, x: Axis, y: Axis
) -> str:
    drawn = chart(what_if, base, x, y, f"{title} ({what})")
    caption = f"<b>{escape(title)}</b><br>{escape(what)}"
    return f"<figure><figcaption>{caption}</figcaption>{drawn}</figure>"


def _days(scenario: Scenario) -> Axis:
    length = scenario.days
    step = next((step for step in (1, 2, 7, 14, 30, 61) if length / step <= _DATES), length // 4)
    dates = ((day, scenario.start + timedelta(days=day)) for day in range(0, length, step))
    return Axis(0, length, [(float(day), f"{at.day} {at:%b}") for day, at in dates])


def _upwards(high: float) -> Axis:
    top = max(high, 1.0)
    return Axis(0, 1.04 * top, round_ticks(top, _UP, lambda value: f"{value:,g}"))


def _dry(side: Seen, country: str) -> Any:
    line = side.left.get(country)
    return line.crosses[0][0] if line is not None and line.crosses else None


def _when(day: float | None, start: datetime) -> str:
    if day is None:
        return "never"
    at = start + timedelta(days=day)
    return f"{at.day} {at:%b}"
