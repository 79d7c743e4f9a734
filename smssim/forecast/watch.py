"""Since when a real month no longer agrees with the plan, looked at each day.

Each day's figures are ranked among those of simulated months. The rank is a p-value, a p-value
makes an e-value (Vovk and Wang, Ann. Statist. 49, 2021), and the products of e-values from every
day on, mixed over the day, are evidence that may be looked at daily: it reaches 1 / risk with at
most that probability while the plan is right (Ville's inequality).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from smssim.arrays import Floats, Ints
from smssim.calendars import DAY, HOUR, to_datetime
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate

__all__ = ["Watch", "watch"]

_VALIDITY_US = 72 * HOUR
_MOST_LOG = 600.0
_NEARLY_ALL = 0.95
_PROMPT = pd.Timedelta(seconds=30)


def watch(
    record: Record,
    plan: Scenario | str | Path,
    *,
    n: int = 199,
    risk: float = 0.01,
    rng: int | None = None,
) -> Watch:
    """Hold each whole UTC day of a record against *n* simulated months of a *plan* of that period:
    messages, delivered share, the share of deliveries within 30 s, and cost.

    Shares count once the 72 h of the day's messages are over; cost needs a record that is rated,
    the share within 30 s one with rows. The plan is called wrong, while it is right, with at most
    *risk* over all figures and days, however often one looks. Raise a ValueError for a record and
    a plan without a whole day in common, or an *n* below 19.
    """
    if n < 19:
        raise ValueError(f"n(={n}) must be >= 19, or no day can be remarkable")
    scenario = Scenario.of(plan)
    begin = -(-max(record.observed_from, scenario.start_us) // DAY)
    end = min(record.observed_until, scenario.end_us) // DAY
    if begin >= end:
        period = f"{to_datetime(record.observed_from)} to {to_datetime(record.observed_until)}"
        raise ValueError(f"the plan has no whole UTC day of the record, {period}")
    real = _by_day(record, begin, end, record.observed_until)
    seed = scenario.rng if rng is None else rng
    rows = "within 30 s" in real
    runs = [
        _by_day(
            simulate(scenario, rng=seed, replication=k, rows=rows),
            begin,
            end,
            record.observed_until,
        )
        for k in range(n)
    ]
    days = [to_datetime(day * DAY).date() for day in range(begin, end)]
    p_values = {
        name: _ranks(values, np.array([run[name] for run in runs])) for name, values in real.items()
    }
    return Watch(pd.DataFrame(p_values, index=pd.Index(days, name="day")), risk)


def _by_day(record: Record, begin: int, end: int, until: int) -> dict[str, Floats]:
    """The figures of each day from *begin* to *end* that a record has; NaN where not known yet."""
    clock = record.tallies.clock
    day = clock["slot"].to_numpy("datetime64[us]").astype(np.int64) // DAY - begin
    used = (day >= 0) & (day < end - begin)
    n = end - begin
    messages = clock["messages"].to_numpy(np.float64)
    outcome = clock["outcome"].astype(str).to_numpy()

    def counted(which: np.ndarray) -> Floats:
        chosen = used & which
        return np.bincount(day[chosen], messages[chosen], n).astype(np.float64)

    sent = counted(~np.isin(outcome, ["refused", "refused_platform"]))
    figures = {"messages": counted(np.ones(len(day), np.bool_))}
    settled = (np.arange(begin, end) + 1) * DAY + _VALIDITY_US <= until
    share = counted(outcome == "delivered") / np.maximum(sent, 1)
    figures["delivered share"] = np.where(settled & (sent > 0), share, math.nan)
    if record.messages is not None and _has_delays(record):
        figures["within 30 s"] = np.where(settled, _prompt(record, begin, n), math.nan)
    if record.currency is not None:
        figures["cost"] = _cost(record, begin, n)
    return figures


def _has_delays(record: Record) -> bool:
    """Whether times are shown to the second, of nearly all deliveries."""
    assert record.messages is not None
    units = (record.provenance.get("resolution_s") or {}).values()
    delivered = record.messages["status"] == "DELIVRD"
    timed = record.messages.loc[delivered, "final_at"].notna().mean()
    return all((seconds or 0) <= 1 for seconds in units) and timed > _NEARLY_ALL


def _prompt(record: Record, begin: int, n: int) -> Floats:
    """The share of each day's deliveries that took at most 30 s; NaN without any."""
    assert record.messages is not None
    rows = record.messages[record.messages["status"] == "DELIVRD"]
    day = microseconds_of(rows["submitted_at"]) // DAY - begin
    used = (day >= 0) & (day < n)
    prompt = (rows["final_at"] - rows["submitted_at"] <= _PROMPT).to_numpy(np.bool_)
    deliveries = np.bincount(day[used], minlength=n)
    in_time = np.bincount(day[used], prompt[used], n).astype(np.float64)
    share: Floats = in_time / np.where(deliveries, deliveries, np.nan)
    return share


def _cost(record: Record, begin: int, n: int) -> Floats:
    """The pay-per-use charges of each day, in micro-units."""
    money = record.tallies.money
    day = money["day"].to_numpy("datetime64[us]").astype(np.int64) // DAY - begin
    used = (day >= 0) & (day < n)
    cost = money["cost_micro"].astype("float64").fillna(0).to_numpy()
    return np.bincount(day[used], cost[used], n).astype(np.float64)


def _ranks(values: Floats, runs: Floats) -> Floats:
    """The two-sided p-value of each day's value among the runs' of that day; NaN if not known."""
    n = len(runs)
    low = (1 + (runs <= values).sum(axis=0)) / (n + 1)
    high = (1 + (runs >= values).sum(axis=0)) / (n + 1)
    p: Floats = np.minimum(2 * np.minimum(low, high), 1.0)
    return np.where(np.isnan(values) | np.isnan(runs).any(axis=0), math.nan, p)


def _log_e_values(p_values: Floats) -> Floats:
    """The log of the evidence of p-values, the mean of k p**(k - 1) over k of 0 to 1; NaN is 0."""
    p = np.where(np.isnan(p_values), 0.5, p_values)
    log = np.where(p < 1, np.log(p), -1.0)
    e = np.where(p < 1, (1 - p + p * log) / (p * log**2), 0.5)
    logs: Floats = np.where(np.isnan(p_values), 0.0, np.log(e))
    return logs


def _evidence_of(p_values: Floats) -> tuple[Floats, Ints]:
    """The mixture over starting days of the products of e-values, and the likeliest start, by day.

    Day j begins with the weight 1 / (j (j + 1)); what has not begun yet counts as 1.
    """
    sums = np.append(0.0, np.cumsum(_log_e_values(p_values)))
    day = np.arange(1, len(sums))
    products = np.where(day[:, None] >= day, sums[1:, None] - sums[None, :-1], -np.inf)
    mixed = np.exp(np.minimum(products, _MOST_LOG)) @ (1 / (day * (day + 1))) + 1 / (day + 1)
    return mixed, products.argmax(axis=1)


@dataclass(frozen=True, repr=False)
class Watch:
    """What the days of a record say of a plan: `days` has the p-value of each day and figure.

    `risk` is the probability that any figure is called in disagreement while the plan is right.
    """

    days: pd.DataFrame
    risk: float

    def __repr__(self) -> str:
        return f"<Watch of {len(self.days)} days: {self.sentence}>"

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per figure: days that count, the greatest evidence so far, whether the record
        agrees with the plan, since when it does not, and the day that showed it (None if it does).
        """
        names = [str(name) for name in self.days.columns]
        return pd.DataFrame([self._row(name) for name in names])

    def _row(self, name: str) -> dict[str, object]:
        p_values = self.days[name].to_numpy(np.float64)
        evidence, since = _evidence_of(p_values)
        # Risks of the figures add up to the risk of all.
        alarms = np.flatnonzero(evidence >= len(self.days.columns) / self.risk)
        alarm = int(alarms[0]) if len(alarms) else None
        return {
            "figure": name,
            "days": int((~np.isnan(p_values)).sum()),
            "evidence": float(evidence.max()),
            "agrees": alarm is None,
            "since": None if alarm is None else self.days.index[since[alarm]],
            "shown": None if alarm is None else self.days.index[alarm],
        }

    @property
    def sentence(self) -> str:
        """The answer in a line."""
        wrong = self.table[~self.table["agrees"]]
        if not len(wrong):
            return f"agrees with the plan so far (risk of a false alarm {self.risk:.0%})"
        pairs = zip(wrong["figure"], wrong["since"], strict=True)
        parts = [f"{figure} since about {since}" for figure, since in pairs]
        return f"no longer agrees with the plan: {', '.join(parts)}"
