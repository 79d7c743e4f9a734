"""The reports of deliveries as plain pandas and loops over the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import plain_incidence
from plain_incidence import NAN, score

from smssim.calendars import HOUR, MINUTE, SECOND, to_timestamps
from smssim.record.record import Record
from smssim.report._record import recorded
from smssim.stats.delay_bins import bin_of

Row = dict[str, Any]
QUANTILES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
TIMES = {"within_10_s": 10 * SECOND, "within_30_s": 30 * SECOND, "within_3_min": 3 * MINUTE}
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


def delivery(record: Record, by: list[str]) -> list[Row]:
    found = []
    for key, rows in groups(record, by):
        status = rows["status"].where(rows["refused_at"] == "")
        stages = ("request", "number", "platform")
        counts = {f"refused_{n}": int((rows["refused_at"] == n).sum()) for n in stages}
        delivered = int((status == "DELIVRD").sum())
        failed = status.notna() & ~status.isin(["DELIVRD", "EXPIRED", "ACCEPTD"])
        row = {"requested": len(rows), **counts, "delivered": delivered, "failed": failed.sum()}
        own = messages(record, rows)
        if own is not None and "day" not in by:
            shares = plain_incidence.share(own) if _few(own) else ()
            row["delivered_share"] = plain_incidence.estimates(own, [])[0]
            row["in_flight_expected"] = plain_incidence.expected(own)
        else:
            shares = of_counts(record, rows)
        row |= dict(
            zip(("delivered_share", "delivered_low", "delivered_high"), shares, strict=False)
        )
        found.append(key | row | delays(record, rows))
    return found


def messages(record: Record, rows: pd.DataFrame) -> list[plain_incidence.Message] | None:
    """The bin and the end of each message that was sent; None where some delivery has no time."""
    rows = rows[rows["refused_at"] == ""]
    status, final = rows["status"], rows["final_at"]
    pending = status.isna() | (status == "ACCEPTD")
    if final[status == "DELIVRD"].isna().any():
        return None
    end = pd.Timestamp(to_timestamps(np.array(record.observed_until))[()], tz="UTC")
    last = final.where(~pending, end) - rows["submitted_at"]
    us = last.fillna(pd.Timedelta(hours=72)).to_numpy().astype("timedelta64[us]").astype(np.int64)
    ends = np.where(pending, "P", np.where(status == "DELIVRD", "D", "O")).tolist()
    found = list(zip(bin_of(us).tolist(), ends, strict=True))
    if not recorded(record):
        return found
    return [(_OLD, "L") if e == "P" and b >= _OLD else (b, e) for b, e in found]


def _few(messages: list[plain_incidence.Message]) -> bool:
    """Whether loops over loops are quick enough to give the intervals, too."""
    return len(set(messages)) <= 40


def of_counts(record: Record, rows: pd.DataFrame) -> tuple[float, float, float]:
    """A share whose delays are not tallied: those pending by their chance in the whole record."""
    assert record.messages is not None
    whole = messages(record, record.messages)
    pending = 0 if whole is None else sum(end == "P" for _, end in whole)
    chance = plain_incidence.expected(whole) / pending if whole is not None and pending else 0
    rows = rows[rows["refused_at"] == ""]
    status = rows["status"]
    flying = status.isna() | (status == "ACCEPTD")
    if recorded(record):
        day_end = rows["submitted_at"].dt.floor("D") + pd.Timedelta(hours=96)
        end = pd.Timestamp(to_timestamps(np.array(record.observed_until))[()], tz="UTC")
        flying &= day_end > end
    n, delivered = int(flying.sum()), int((status == "DELIVRD").sum())
    final = int((status.notna() & (status != "ACCEPTD")).sum())
    if not final:
        return (NAN,) * 3
    low = plain_incidence.score(delivered / (final + n), final + n)[1]
    high = plain_incidence.score((delivered + n) / (final + n), final + n)[2]
    return (delivered + chance * n) / (final + n), low, high


def delays(record: Record, rows: pd.DataFrame) -> Row:
    """The columns of delays; empty where some delivery has no time."""
    own = messages(record, rows)
    if own is None:
        return {}
    limits = bin_of(np.array(list(TIMES.values()))).tolist()
    if not _few(own):
        return dict(zip(TIMES, plain_incidence.estimates(own, limits)[1:], strict=True))
    told = [plain_incidence.quantile(own, q) for q in QUANTILES.values()]
    told += [plain_incidence.share_before(own, limit) for limit in limits]
    names = [f"{name}{end}" for name in (*QUANTILES, *TIMES) for end in ("", "_low", "_high")]
    return dict(zip(names, [value for interval in told for value in interval], strict=True))


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
