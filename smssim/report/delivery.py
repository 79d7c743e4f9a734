"""What became of the messages, and how long deliveries took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import HOUR
from smssim.record.counting import outcomes
from smssim.record.record import Record
from smssim.record.tallies import OUTCOMES
from smssim.report._record import KEYS, keys_of, recorded, requires, summed
from smssim.report.latency import COLUMNS, figures, results_told
from smssim.sms import reference as codes
from smssim.stats.delay_bins import bin_of, edges_us
from smssim.stats.intervals import wilson
from smssim.stats.survival import UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

    Cells = pd.DataFrame | Mapping[str, NDArray[Any]]


Ints = NDArray[np.int64]
_REFUSED = {
    "refused_request": "refused_1",
    "refused_number": "refused_2",
    "refused_platform": "refused_3",
}
SHARES = ("delivered_share", "delivered_low", "delivered_high")
_DELAY_KEYS = {"country", "type"}
_OF_TEMPLATES = {"template", "application", "type"}
"""Keys of the tally by template, which does not tell days and countries apart."""


@requires(
    *("money", "latency", "censored", "coarse"),
    *("templates", "template_latency", "template_censored"),
)
def delivery(record: Record, by: str | Sequence[str] = "country") -> pd.DataFrame:
    """Counts of messages and quantiles of their latency, one row a group.

    *by* is day, country, application or type, or a list of them; or template, alone or with its
    application and type.

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
    that, with Wilson's interval at the effective number of messages (`smssim.stats.survival`).

    Where a delivery has no time all these are NA, as they would be of the others alone; but for
    `within_3_min` where the sending results of an export tell it (DOMAIN.md section 9): it is then
    a count among deliveries and messages in flight for 3 minutes, younger ones left out.

    Delays are tallied by country and type, and by template alone: by day or application they are
    NA, as is the share of no_report in a log. Sending results are told by country and type alone.
    Raise a ValueError for a template together with day or country, which is tallied nowhere.
    """
    keys = keys_of(by, (*KEYS, "template"))
    if "template" in keys and not _OF_TEMPLATES.issuperset(keys):
        raise ValueError(f"by(={by!r}): template goes with application and type alone")
    cells = record.tallies.templates if "template" in keys else record.tallies.money
    counts = cells[keys].assign(**counts_of(cells))
    report = summed(counts, keys).reset_index(drop=not keys)
    no_report = _no_report(record, report[keys])
    report["in_flight"] = report.pop("in_flight").astype("Int64") - no_report
    report["no_report"] = no_report
    return report.assign(**_shares(report), **_delays(record, report, keys))


@requires("money")
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


def counts_of(cells: Cells) -> dict[str, Ints]:
    """The messages of each cell of a tally by charge and status, by what became of them."""
    outcome, place = outcome_of(cells), place_of(cells)
    charge, messages = np.asarray(cells["charge"]), np.asarray(cells["messages"], np.int64)
    own = {"requested": np.ones(len(place), bool)}
    own |= {name: charge == refused for name, refused in _REFUSED.items()}
    own["sent"] = place == 0
    for name in ("delivered", "failed", "expired", "in_flight"):
        own[name] = outcome == OUTCOMES.index(name)
    return {name: np.where(which, messages, 0) for name, which in own.items()}


def place_of(cells: Cells) -> Ints:
    """Where each cell's messages were refused, 0 for those that were sent."""
    places = {"refused_1": 1, "refused_2": 2, "refused_3": 3}
    return np.array([places.get(name, 0) for name in cells["charge"].tolist()], np.int64)


def outcome_of(cells: Cells) -> NDArray[Any]:
    """The outcome of each cell's messages, by the tallies' own rule."""
    status = cells["status"].tolist()
    names = sorted({name for name in status if isinstance(name, str)})
    codes = {name: code for code, name in enumerate(names)}
    coded = np.array([codes.get(name, -1) for name in status], np.int64)
    return outcomes({"status": coded, "place": place_of(cells)}, names)


def _no_report(record: Record, groups: pd.DataFrame) -> pd.Series[Any]:
    """Messages a group whose report a log should have had by its end."""
    import pandas as pd

    if not recorded(record):
        return pd.Series(0, groups.index, "Int64")
    if not _has_delays(groups.columns):
        return pd.Series(pd.NA, groups.index, "Int64")
    late = _numbered(delay_tallies(record, groups.columns)[1], groups)
    late = late[late["bin"] >= validity_bin()]
    return (
        late.groupby("group")["messages"].sum().reindex(groups.index, fill_value=0).astype("Int64")
    )


def _has_delays(keys: Iterable[Any]) -> bool:
    return list(keys) == ["template"] or _DELAY_KEYS.issuperset(keys)


def delay_tallies(record: Record, keys: Iterable[Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Delays to delivery, and ages of messages in flight."""
    tallies = record.tallies
    if list(keys) == ["template"]:
        return tallies.template_latency, tallies.template_censored
    return tallies.latency, tallies.censored


def validity_bin() -> int:
    """The first bin of ages at which the platform has made a report."""
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
    return dict(zip(SHARES, np.array(values, np.float64).reshape(-1, 3).T, strict=True))


def _delays(record: Record, report: pd.DataFrame, keys: list[str]) -> dict[str, NDArray[Any]]:
    """The columns of delays, a value a group."""
    values = np.full((len(report), len(COLUMNS)), np.nan)
    if _has_delays(keys):
        seen, flying = (_matrix(tally, report[keys]) for tally in delay_tallies(record, keys))
        if recorded(record):
            flying[:, validity_bin() :] = 0
        counts = zip(report["delivered"].tolist(), *_results(record, report[keys]), strict=True)
        for group, own in enumerate(counts):
            values[group] = figures(seen[group], flying[group], *own)
    return dict(zip(COLUMNS, values.T, strict=True))


def _results(record: Record, groups: pd.DataFrame) -> list[list[int]]:
    """The deliveries of each group that results tell of, and those within 3 minutes."""
    if not _DELAY_KEYS.issuperset(groups.columns):
        return [[0] * len(groups)] * 2
    told, soon = results_told(record)
    results = record.tallies.coarse[list(_DELAY_KEYS)].assign(told=told, soon=soon)
    sums = _numbered(results, groups).groupby("group")[["told", "soon"]].sum()
    found: list[list[int]] = sums.reindex(groups.index, fill_value=0).to_numpy(np.int64).T.tolist()
    return found


def _matrix(tally: pd.DataFrame, groups: pd.DataFrame) -> Ints:
    """Messages by number of the group and bin."""
    numbered = _numbered(tally, groups)
    counts = np.zeros((len(groups), len(edges_us())), np.int64)
    own = (numbered[name].to_numpy(np.int64) for name in ("group", "bin"))
    np.add.at(counts, tuple(own), numbered["messages"].to_numpy(np.int64))
    return counts


# Why messages were not delivered, code by code, and what to do about it.

_NOT_FAILED = ("DELIVRD", "ACCEPTD")
_UNTOLD = ("-", "not given")
_SHARE = ("share", "share_low", "share_high")


@requires("money")
def failures(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Messages that were refused, failed or expired, one row a group, code and place, the most
    frequent first within a group; *by* as in `cost`, but for copies.

    `share` is of the group's requested messages, with Wilson's 95 % interval. `place` is 0 for a
    final status, or where it was refused (`smssim.record.schema.PLACES`). `source` is who made the
    code: supplier, huawei, either (which one, only a report's own source says), or api for one
    in an answer. `cause` is from the reference tables, as far as Huawei's pages tell it (DOMAIN.md
    sections 6 and 7); `advice` is smssim's own (`smssim.sms.reference.advice`). All three are NA
    for a code that the tables do not hold.
    """
    keys = keys_of(by)
    found = statuses(record, by)
    whole = found.groupby(keys or np.zeros(len(found), np.int8), dropna=False)["messages"]
    found["of"] = whole.transform("sum")
    refused = found["place"] > 0
    found = found[refused | ~(found["status"].isna() | found["status"].isin(_NOT_FAILED))]
    found = found.sort_values(
        [*keys, "messages", "status", "place"],
        ascending=[True] * len(keys) + [False, True, True],
        ignore_index=True,
    )
    pairs = zip(found["messages"].tolist(), found["of"].tolist(), strict=True)
    shares = np.array([wilson(*pair) for pair in pairs], np.float64).reshape(-1, 3)
    told = [_told(*own) for own in zip(found["status"].tolist(), found["place"], strict=True)]
    columns: dict[str, Any] = dict(zip(_SHARE, shares.T, strict=True))
    for number, name in enumerate(("source", "cause", "advice")):
        columns[name] = [own[number] for own in told]
    found = found.rename(columns={"status": "code"}).assign(**columns)
    order = [*keys, "code", "place", "messages", *_SHARE, "source", "cause", "advice"]
    return found[order].astype(dict.fromkeys(("source", "cause", "advice"), "str"))


def _told(code: str, place: int) -> tuple[str | None, str | None, str | None]:
    """Source, cause and advice of a code that stands in a report, or else in an answer."""
    advice = codes.advice().get(code)
    status, error = codes.status_codes().get(code), codes.api_errors().get(code)
    if error is not None and (place in (1, 2) or status is None):
        return "api", _said(error.description, error.hint), advice
    if status is None:
        return None, None, advice
    return (
        "huawei" if place == 3 else status.source,
        _said(status.description, status.cause),
        advice,
    )


def _said(description: str, cause: str) -> str:
    return description if not cause or cause in _UNTOLD else f"{description}: {cause}"
