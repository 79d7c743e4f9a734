"""What became of the messages, and how long deliveries took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.bins import bin_of
from smssim.calendars import HOUR
from smssim.counting import outcomes
from smssim.estimate import wilson
from smssim.record import Record
from smssim.report.groups import keys_of, recorded, summed
from smssim.report.needs import needs
from smssim.report.quantiles import by_bin, quantiles_s
from smssim.report.timing import deliveries_told, soon_bin
from smssim.tally import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
LATENCIES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
_REFUSED = {
    "refused_request": "refused_1",
    "refused_number": "refused_2",
    "refused_platform": "refused_3",
}
_DELAY_KEYS = {"country", "type"}
_SOON = ("within_3_min_share", "within_3_min_low", "within_3_min_high")


@needs("money", "latency", "censored", "coarse")
def delivery(record: Record, by: str | Sequence[str] = "country") -> pd.DataFrame:
    """Counts of messages and quantiles of their latency, one row a group; *by* as in `cost`.

    requested = refused_request + refused_number + refused_platform + sent, and sent = delivered +
    failed + expired + in_flight + no_report. Messages in flight have no final status by the end
    of the record; in a log those older than 72 h are `no_report` instead, for by then the
    platform makes a report, which must have been lost. `delivered_share` is of the sent
    messages whose outcome is known: delivered, failed and expired.

    `latency_p50_s` and so on are seconds from submission to delivery among messages delivered or
    still in flight, by Kaplan-Meier with those in flight censored at their age; failed and expired
    ones are no deliveries and stay out. They are NA where a delivery has no time, as quantiles of
    the others would be of these alone.

    `within_3_min_share` is of the sent messages whose outcome is known, or which have been in
    flight for 3 minutes: those delivered in less than 3 minutes, by their time or, where an export
    tells no more, by its sending result (DOMAIN.md section 9). `within_3_min_low` and
    `within_3_min_high` are Wilson's 95 % interval. They are NA where that is not told of each
    delivery.

    Delays are tallied by country and type alone: by day or application they are NA, as is the
    share of no_report in a log.
    """
    keys = keys_of(by)
    report = summed(_counts(record, keys), keys).reset_index(drop=not keys)
    no_report = _no_report(record, report[keys])
    report["in_flight"] = report.pop("in_flight").astype("Int64") - no_report
    report["no_report"] = no_report
    known = report["delivered"] + report["failed"] + report["expired"]
    report["delivered_share"] = report["delivered"] / known.where(known > 0)
    told = _told(record, report, keys)
    return report.assign(**_latencies(record, report[keys], told), **_soon(report, told))


@needs("money")
def statuses(record: Record, by: str | Sequence[str] = "country") -> pd.DataFrame:
    """Messages by final status or refusal code, one row a group, place (0 is sent) and status.

    The status of messages in flight is NA; `share` is of the group's requested messages.
    """
    keys = keys_of(by)
    money = record.tallies.money
    cells = money[[*keys, "status", "messages"]].assign(place=_place(money["charge"]))
    found = summed(cells, [*keys, "place", "status"]).reset_index()
    groups = found.groupby(keys or np.zeros(len(found), np.int8), dropna=False)
    found["share"] = found["messages"] / groups["messages"].transform("sum")
    return found[[*keys, "status", "place", "messages", "share"]]


def _counts(record: Record, keys: list[str]) -> pd.DataFrame:
    """The cells of the money tally with a column a count."""
    money = record.tallies.money
    outcome = _outcome(money)
    counts = money[keys].copy()
    messages = money["messages"]
    counts["requested"] = messages
    for name, charge in _REFUSED.items():
        counts[name] = messages.where(money["charge"] == charge, 0)
    counts["sent"] = messages.where(_place(money["charge"]) == 0, 0)
    for name in ("delivered", "failed", "expired", "in_flight"):
        counts[name] = messages.where(outcome == OUTCOMES.index(name), 0)
    return counts


def _place(charge: pd.Series[str]) -> pd.Series[int]:
    places = {"refused_1": 1, "refused_2": 2, "refused_3": 3}
    return charge.map(lambda name: places.get(name, 0)).astype("int64")


def _outcome(money: pd.DataFrame) -> NDArray[Any]:
    """The outcome of each cell's messages, by the tallies' own rule."""
    names = sorted(money["status"].dropna().unique())
    codes = {name: code for code, name in enumerate(names)}
    status = money["status"].map(lambda name: codes.get(name, -1)).to_numpy(np.int64)
    return outcomes({"status": status, "place": _place(money["charge"]).to_numpy()}, names)


def _no_report(record: Record, groups: pd.DataFrame) -> pd.Series[Any]:
    """Messages a group whose report a log should have had by its end."""
    import pandas as pd

    if not recorded(record):
        return pd.Series(0, groups.index, "Int64")
    if not _DELAY_KEYS.issuperset(groups.columns):
        return pd.Series(pd.NA, groups.index, "Int64")
    late = _numbered(record.tallies.censored, groups)
    late = late[late["bin"] >= _validity_bin()]
    return (
        late.groupby("group")["messages"].sum().reindex(groups.index, fill_value=0).astype("Int64")
    )


def _validity_bin() -> int:
    return int(bin_of(np.array([72 * HOUR]))[0])


def _numbered(tally: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """The tally's rows with the number of their group; merging finds NA in NA."""
    numbers = groups.assign(group=np.arange(len(groups)))
    return (
        tally.merge(numbers, on=list(groups.columns))
        if len(groups.columns)
        else tally.assign(group=0)
    )


def _told(record: Record, report: pd.DataFrame, keys: list[str]) -> pd.DataFrame | None:
    """What is told of each group's deliveries, and how many messages flew for 3 minutes; None
    where tallies of delays do not tell the groups apart.
    """
    if not _DELAY_KEYS.issuperset(keys):
        return None
    groups = report[keys]
    found = _numbered(deliveries_told(record), groups).groupby("group")
    told = found[["timed", "told", "soon"]].sum().reindex(report.index, fill_value=0)
    flying = _numbered(record.tallies.censored, groups)
    young = flying[flying["bin"] < soon_bin()].groupby("group")["messages"].sum()
    told["whole"] = told["timed"] >= report["delivered"]
    told["flying"] = report["in_flight"] - young.reindex(report.index, fill_value=0)
    return told


def _soon(report: pd.DataFrame, told: pd.DataFrame | None) -> dict[str, NDArray[Any]]:
    """The share delivered within 3 minutes and its interval, a value a group."""
    values = np.full((len(report), len(_SOON)), np.nan)
    if told is not None:
        known = report["delivered"] + report["failed"] + report["expired"] + told["flying"]
        whole = (told["timed"] + told["told"] >= report["delivered"]) & (known > 0)
        for group in np.flatnonzero(whole.to_numpy(bool)):
            values[group] = wilson(int(told["soon"].iloc[group]), int(known.iloc[group]))
    return dict(zip(_SOON, values.T, strict=True))


def _latencies(
    record: Record, groups: pd.DataFrame, told: pd.DataFrame | None
) -> dict[str, NDArray[Any]]:
    """The columns of quantiles, a value a group."""
    values = np.full((len(groups), len(LATENCIES)), np.nan)
    if told is not None:
        seen = _numbered(record.tallies.latency, groups)
        waiting = _numbered(record.tallies.censored, groups)
        if recorded(record):
            waiting = waiting[waiting["bin"] < _validity_bin()]
        for group in np.flatnonzero(told["whole"].to_numpy()):
            values[group] = quantiles_s(
                _bins(seen, int(group)), _bins(waiting, int(group)), list(LATENCIES.values())
            )
    return dict(zip(LATENCIES, values.T, strict=True))


def _bins(numbered: pd.DataFrame, group: int) -> Ints:
    own = numbered[numbered["group"] == group]
    return by_bin(own["bin"].to_numpy(np.int64), own["messages"].to_numpy(np.int64))
