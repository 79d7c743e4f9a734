"""The reports of deliveries as plain pandas over the rows, with SciPy's curve and a few loops."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from smssim.calendars import HOUR, MINUTE, SECOND, to_timestamps
from smssim.record.record import Record
from smssim.report._record import recorded
from smssim.stats.delay_bins import bin_of, edges_us, middle_us

Row = dict[str, Any]
QUANTILES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
TIMES = {"within_10_s": 10 * SECOND, "within_30_s": 30 * SECOND, "within_3_min": 3 * MINUTE}
NAN = float("nan")
_Z = stats.norm.isf(0.025)
_OLD = int(bin_of(np.array([72 * HOUR]))[0])


def groups(record: Record, by: list[str]) -> Iterator[tuple[Row, pd.DataFrame]]:
    """The rows of each group, in the order of reports: NA last."""
    assert record.messages is not None
    rows = record.messages.assign(
        day=record.messages["submitted_at"].dt.tz_localize(None).dt.floor("D")
    )
    names = ["country", "application", "template", "type", "status"]
    rows = rows.astype(dict.fromkeys(names, "str"))
    if not by:
        yield {}, rows
        return
    for key, own in rows.groupby(by, dropna=False):
        yield dict(zip(by, key, strict=True)), own


def score(share: float, n: float) -> tuple[float, float, float]:
    """Wilson's interval, from the roots of its quadratic equation."""
    a, b, c = n + _Z**2, -(2 * n * share + _Z**2), n * share**2
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return share, (-b - root) / (2 * a), (-b + root) / (2 * a)


def delivery(record: Record, by: list[str]) -> list[Row]:
    found = []
    for key, rows in groups(record, by):
        status = rows["status"].where(rows["refused_at"] == "")
        counts = {f"refused_{n}": int((rows["refused_at"] == n).sum()) for n in (1, 2, 3)}
        delivered = int((status == "DELIVRD").sum())
        failed = status.notna() & ~status.isin(["DELIVRD", "EXPIRED", "ACCEPTD"])
        known = delivered + int((status == "EXPIRED").sum() + failed.sum())
        row = {"requested": len(rows), **counts, "delivered": delivered, "failed": failed.sum()}
        told = score(delivered / known, known) if known else (NAN,) * 3
        row |= dict(zip(("delivered_share", "delivered_low", "delivered_high"), told, strict=True))
        found.append(key | row | delays(record, rows, status))
    return found


def delays(record: Record, rows: pd.DataFrame, status: pd.Series[Any]) -> Row:
    """The columns of delays; empty where some delivery has no time."""
    own = rows[(rows["refused_at"] == "") & (status.isna() | status.isin(["DELIVRD", "ACCEPTD"]))]
    waiting = (own["status"] != "DELIVRD").to_numpy()
    if own.loc[~waiting, "final_at"].isna().any():
        return {}
    end = pd.Timestamp(to_timestamps(np.array(record.observed_until))[()], tz="UTC")
    last = own["final_at"].where(~waiting, end) - own["submitted_at"]
    place = bin_of(last.to_numpy().astype("timedelta64[us]").astype(np.int64))
    if recorded(record):
        keep = ~waiting | (place < _OLD)
        place, waiting = place[keep], waiting[keep]
    names = [f"{name}{end}" for name in (*QUANTILES, *TIMES) for end in ("", "_low", "_high")]
    if not len(place):
        return dict.fromkeys(names, NAN)
    told = [*quantiles(place, waiting), *within(place, waiting)]
    return dict(zip(names, told, strict=True))


def quantiles(place: Any, waiting: Any) -> Iterator[float]:
    """By SciPy's curve of the numbers of bins, and its band on the log-log scale."""
    if waiting.all():
        yield from [NAN] * 9
        return
    cdf = stats.ecdf(stats.CensoredData.right_censored(place, waiting)).cdf
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of NaN where all have gone
        band = cdf.confidence_interval(0.95, method="log-log")
    gone, at = cdf.probabilities, cdf.quantiles.astype(int)
    high = np.where(gone >= 1 - 1e-12, 1, band.high.probabilities)
    low = np.where((gone >= 1 - 1e-12) | (gone <= 0), np.nan, band.low.probabilities)
    edges = edges_us() / SECOND
    for q in QUANTILES.values():
        hit = [at[line >= q - 1e-11] for line in (gone, high, low)]
        yield middle_us(int(hit[0][0])) / SECOND if len(hit[0]) else NAN
        yield edges[hit[1][0]] if len(hit[1]) else NAN
        yield edges[hit[2][0] + 1] if len(hit[2]) else NAN


def within(place: Any, waiting: Any) -> Iterator[float]:
    """By a loop over the bins, message by message what Kaplan and Meier did by hand."""
    for us in TIMES.values():
        limit = int(bin_of(np.array([us]))[0])
        staying, spread = 1.0, 0.0
        for bin_ in np.unique(place[~waiting & (place < limit)]):
            here, risk = int((place[~waiting] == bin_).sum()), int((place >= bin_).sum())
            staying *= 1 - here / risk
            spread += here / (risk * (risk - here)) if here < risk else math.inf
        later, seen = int((place >= limit).sum()), int((place[~waiting] < limit).sum())
        if not later and staying > 0:
            yield from [NAN] * 3
        elif staying in (0, 1):
            yield from score(1 - staying, seen if staying == 0 else later)
        else:
            yield from score(1 - staying, (1 - staying) / (staying * spread))


def failures(record: Record, by: list[str]) -> list[Row]:
    found = []
    for key, rows in groups(record, by):
        bad = rows[(rows["refused_at"] != "") | ~rows["status"].isin(["DELIVRD", "ACCEPTD"])]
        bad = bad[bad["status"].notna()]
        counts = bad.groupby(["status", "refused_at"]).size().reset_index(name="messages")
        counts = counts.sort_values(
            ["messages", "status", "refused_at"], ascending=[False, True, True]
        )
        for code, place, messages in counts.itertuples(index=False):
            share = dict(
                zip(
                    ("share", "share_low", "share_high"),
                    score(messages / len(rows), len(rows)),
                    strict=True,
                )
            )
            found.append(key | {"code": code, "refused_at": place, "messages": messages} | share)
    return found


def console_statistics(record: Record, by: list[str]) -> list[Row]:
    found = []
    for key, rows in groups(record, by):
        sent, segments = rows["refused_at"] == "", rows["segments"].astype("int64")
        flying = sent & (rows["status"].isna() | (rows["status"] == "ACCEPTD"))
        good = sent & (rows["status"] == "DELIVRD")
        figures = {
            "total_submit": segments.sum(),
            "total_submitted": segments[sent].sum(),
            "submission_failures": segments[~sent].sum(),
            "submission_success_rate": segments[sent].sum() / segments.sum()
            if segments.sum()
            else NAN,
            "sent_successfully": segments[good].sum(),
            "sending_failures": segments[sent & ~good & ~flying].sum(),
            "sending": segments[flying].sum(),
        }
        found += [key | {"figure": name, "value": value} for name, value in figures.items()]
    return found
