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
from smssim.report.latencies import COLUMNS, SOON, of_bins, of_results
from smssim.report.needs import needs
from smssim.report.quantiles import by_bin
from smssim.report.survival import UNKNOWN
from smssim.report.timing import deliveries_told, soon_bin
from smssim.tally import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
_REFUSED = {
    "refused_request": "refused_1",
    "refused_number": "refused_2",
    "refused_platform": "refused_3",
}
_DELAY_KEYS = {"country", "type"}


@needs("money", "latency", "censored", "coarse")
def delivery(record: Record, by: str | Sequence[str] = "country") -> pd.DataFrame:
    """Counts of messages and quantiles of their latency, one row a group; *by* as in `cost`.

    requested = refused_request + refused_number + refused_platform + sent, and sent = delivered +
    failed + expired + in_flight + no_report. Messages in flight have no final status by the end
    of the record; in a log those older than 72 h are `no_report` instead, for by then the
    platform makes a report, which must have been lost. `delivered_share` is of the sent messages
    whose outcome is known (delivered, failed and expired), `delivered_low` and `delivered_high`
    its Wilson 95 % interval.

    Delays are seconds from submission to delivery among messages delivered or still in flight, by
    Kaplan-Meier with those in flight censored at their age; failed and expired ones are no
    deliveries and stay out. `latency_p50_s` and so on are its quantiles; `_low` and `_high` are
    where its 95 % band crosses their share. They are NA where the curve or band does not reach it.
    `within_10_s`, `within_30_s` and `within_3_min` are the shares of deliveries made in less than
    that, with Wilson's interval at the effective number of messages (`smssim.report.survival`).

    Where a delivery has no time all these are NA, as they would be of the others alone; but for
    `within_3_min` where the sending results of an export tell it (DOMAIN.md section 9): it is then
    a count among deliveries and messages in flight for 3 minutes, younger ones left out.

    Delays are tallied by country and type alone: by day or application they are NA, as is the
    share of no_report in a log.
    """
    keys = keys_of(by)
    report = summed(_counts(record, keys), keys).reset_index(drop=not keys)
    no_report = _no_report(record, report[keys])
    report["in_flight"] = report.pop("in_flight").astype("Int64") - no_report
    report["no_report"] = no_report
    return report.assign(**_shares(report), **_delays(record, report, keys))


@needs("money")
def statuses(record: Record, by: str | Sequence[str] = "country") -> pd.DataFrame:
    """Messages by final status or refusal code, one row a group, place (0 is sent) and status.

    The status of messages in flight is NA; `share` is of the group's requested messages.
    """
    keys = keys_of(by)
    money = record.tallies.money
    cells = money[[*keys, "status", "messages"]].assign(place=place_of(money["charge"]))
    found = summed(cells, [*keys, "place", "status"]).reset_index()
    groups = found.groupby(keys or np.zeros(len(found), np.int8), dropna=False)
    found["share"] = found["messages"] / groups["messages"].transform("sum")
    return found[[*keys, "status", "place", "messages", "share"]]


def _counts(record: Record, keys: list[str]) -> pd.DataFrame:
    """The cells of the money tally with a column a count."""
    money = record.tallies.money
    outcome = outcome_of(money)
    counts = money[keys].copy()
    messages = money["messages"]
    counts["requested"] = messages
    for name, charge in _REFUSED.items():
        counts[name] = messages.where(money["charge"] == charge, 0)
    counts["sent"] = messages.where(place_of(money["charge"]) == 0, 0)
    for name in ("delivered", "failed", "expired", "in_flight"):
        counts[name] = messages.where(outcome == OUTCOMES.index(name), 0)
    return counts


def place_of(charge: pd.Series[str]) -> pd.Series[int]:
    """Where each cell's messages were refused, 0 for those that were sent."""
    places = {"refused_1": 1, "refused_2": 2, "refused_3": 3}
    return charge.map(lambda name: places.get(name, 0)).astype("int64")


def outcome_of(money: pd.DataFrame) -> NDArray[Any]:
    """The outcome of each cell's messages, by the tallies' own rule."""
    names = sorted(money["status"].dropna().unique())
    codes = {name: code for code, name in enumerate(names)}
    status = money["status"].map(lambda name: codes.get(name, -1)).to_numpy(np.int64)
    return outcomes({"status": status, "place": place_of(money["charge"]).to_numpy()}, names)


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


def _shares(report: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """The share delivered of what is known, and its interval."""
    delivered = report["delivered"].to_numpy(np.int64)
    known = delivered + report["failed"].to_numpy(np.int64) + report["expired"].to_numpy(np.int64)
    values = [
        wilson(own, of) if of else UNKNOWN
        for own, of in zip(delivered.tolist(), known.tolist(), strict=True)
    ]
    names = ("delivered_share", "delivered_low", "delivered_high")
    return dict(zip(names, np.array(values, np.float64).reshape(-1, 3).T, strict=True))


def _delays(record: Record, report: pd.DataFrame, keys: list[str]) -> dict[str, NDArray[Any]]:
    """The columns of delays, a value a group."""
    values = np.full((len(report), len(COLUMNS)), np.nan)
    if _DELAY_KEYS.issuperset(keys):
        groups = report[keys]
        told = _numbered(deliveries_told(record), groups).groupby("group")
        counts = told[["timed", "told", "soon"]].sum().reindex(report.index, fill_value=0)
        seen = _numbered(record.tallies.latency, groups)
        waiting = _numbered(record.tallies.censored, groups)
        if recorded(record):
            waiting = waiting[waiting["bin"] < _validity_bin()]
        for group, delivered in enumerate(report["delivered"].tolist()):
            own = counts.iloc[group]
            flying = _bins(waiting, group)
            if own["timed"] >= delivered:
                values[group] = of_bins(_bins(seen, group), flying)
            elif own["timed"] + own["told"] >= delivered:
                old = int(flying[soon_bin() :].sum())
                values[group, SOON] = of_results(int(own["soon"]), delivered + old)
    return dict(zip(COLUMNS, values.T, strict=True))


def _bins(numbered: pd.DataFrame, group: int) -> Ints:
    own = numbered[numbered["group"] == group]
    return by_bin(own["bin"].to_numpy(np.int64), own["messages"].to_numpy(np.int64))
