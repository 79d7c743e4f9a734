"""What became of the messages, and how long deliveries took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.bins import bin_of, edges_us
from smssim.calendars import HOUR
from smssim.counting import outcomes
from smssim.estimate import wilson
from smssim.record import Record
from smssim.report.groups import keys_of, recorded, summed
from smssim.report.latencies import COLUMNS, figures
from smssim.report.needs import needs
from smssim.report.quantiles import by_bin
from smssim.report.survival import UNKNOWN
from smssim.report.timing import results_told
from smssim.tally import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
_REFUSED = {
    "refused_request": "refused_1",
    "refused_number": "refused_2",
    "refused_platform": "refused_3",
}
_SHARES = ("delivered_share", "delivered_low", "delivered_high")
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
    money = record.tallies.money
    counts = money[keys].assign(**counts_of(money))
    report = summed(counts, keys).reset_index(drop=not keys)
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
    cells = money[[*keys, "status", "messages"]].assign(place=place_of(money))
    found = summed(cells, [*keys, "place", "status"]).reset_index()
    groups = found.groupby(keys or np.zeros(len(found), np.int8), dropna=False)
    found["share"] = found["messages"] / groups["messages"].transform("sum")
    return found[[*keys, "status", "place", "messages", "share"]]


def total(record: Record, of_type: str | None = None) -> dict[str, Any]:
    """The one row of `delivery` for everything, or for one type of messages, but for no_report:
    plain values, quick to make.
    """
    tallies = record.tallies
    own = {
        name: tally if of_type is None else tally[tally["type"].to_numpy() == of_type]
        for name in ("money", "latency", "censored")
        for tally in (tallies.frame(name),)
    }
    counts = counts_of(own["money"])
    found: dict[str, Any] = {name: int(messages.sum()) for name, messages in counts.items()}
    seen, flying = (
        by_bin(own[name]["bin"].to_numpy(np.int64), own[name]["messages"].to_numpy(np.int64))
        for name in ("latency", "censored")
    )
    if recorded(record):
        found["in_flight"] -= int(flying[_validity_bin() :].sum())
        flying[_validity_bin() :] = 0
    told, soon = results_told(record)
    if of_type is not None:
        right = tallies.coarse["type"].to_numpy() == of_type
        told, soon = told[right], soon[right]
    known = found["delivered"] + found["failed"] + found["expired"]
    shares = wilson(found["delivered"], known) if known else UNKNOWN
    delays = figures(seen, flying, found["delivered"], int(told.sum()), int(soon.sum()))
    values = zip((*_SHARES, *COLUMNS), (*shares, *delays), strict=True)
    return found | dict(values)


def counts_of(money: pd.DataFrame) -> dict[str, Ints]:
    """The messages of each cell of the money tally, by what became of them."""
    outcome, place = outcome_of(money), place_of(money)
    charge, messages = money["charge"].to_numpy(), money["messages"].to_numpy(np.int64)
    own = {"requested": np.ones(len(money), bool)}
    own |= {name: charge == refused for name, refused in _REFUSED.items()}
    own["sent"] = place == 0
    for name in ("delivered", "failed", "expired", "in_flight"):
        own[name] = outcome == OUTCOMES.index(name)
    return {name: np.where(which, messages, 0) for name, which in own.items()}


def place_of(money: pd.DataFrame) -> Ints:
    """Where each cell's messages were refused, 0 for those that were sent."""
    places = {"refused_1": 1, "refused_2": 2, "refused_3": 3}
    return np.array([places.get(name, 0) for name in money["charge"].tolist()], np.int64)


def outcome_of(money: pd.DataFrame) -> NDArray[Any]:
    """The outcome of each cell's messages, by the tallies' own rule."""
    status = money["status"].tolist()
    names = sorted({name for name in status if isinstance(name, str)})
    codes = {name: code for code, name in enumerate(names)}
    coded = np.array([codes.get(name, -1) for name in status], np.int64)
    return outcomes({"status": coded, "place": place_of(money)}, names)


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
    return dict(zip(_SHARES, np.array(values, np.float64).reshape(-1, 3).T, strict=True))


def _delays(record: Record, report: pd.DataFrame, keys: list[str]) -> dict[str, NDArray[Any]]:
    """The columns of delays, a value a group."""
    values = np.full((len(report), len(COLUMNS)), np.nan)
    if _DELAY_KEYS.issuperset(keys):
        groups, tallies = report[keys], record.tallies
        seen, flying = (_matrix(tally, groups) for tally in (tallies.latency, tallies.censored))
        if recorded(record):
            flying[:, _validity_bin() :] = 0
        told, soon = results_told(record)
        results = tallies.coarse[list(_DELAY_KEYS)].assign(told=told, soon=soon)
        sums = _numbered(results, groups).groupby("group")[["told", "soon"]].sum()
        told, soon = sums.reindex(report.index, fill_value=0).to_numpy(np.int64).T
        delivered = report["delivered"].tolist()
        for group, counts in enumerate(zip(delivered, told.tolist(), soon.tolist(), strict=True)):
            values[group] = figures(seen[group], flying[group], *counts)
    return dict(zip(COLUMNS, values.T, strict=True))


def _matrix(tally: pd.DataFrame, groups: pd.DataFrame) -> Ints:
    """Messages by number of the group and bin."""
    numbered = _numbered(tally, groups)
    counts = np.zeros((len(groups), len(edges_us())), np.int64)
    own = (numbered[name].to_numpy(np.int64) for name in ("group", "bin"))
    np.add.at(counts, tuple(own), numbered["messages"].to_numpy(np.int64))
    return counts
