"""A log as it looked at an earlier instant: what came later is not known yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from smssim.calendars import HOUR, to_datetime
from smssim.record.from_frames import tally_frames
from smssim.record.record import Record
from smssim.record.schema import REPORTS, frame, microseconds_of

__all__ = ["log_as_of"]

_VALIDITY_US = 72 * HOUR
_UNKNOWN = np.iinfo(np.int64).min


def log_as_of(record: Record, cut_us: int) -> Record:
    """A record that was read from a log, as it was known just before *cut_us*, microseconds since
    1970; as `smssim.as_of`, which says what is known then.

    Raise a ValueError for a record without rows or with a bill, and unless the cut is within it.
    """
    if not record.observed_from < cut_us <= record.observed_until:
        period = f"{to_datetime(record.observed_from)} to {to_datetime(record.observed_until)}"
        raise ValueError(f"cut(={to_datetime(cut_us)}) must be within the record, {period}")
    if record.messages is None:
        raise ValueError(f"{record.name!r} was read without rows: read it with rows=True")
    if record.ledger is not None:
        raise ValueError(f"{record.name!r} was rated: rate what was known at the cut instead")
    kept = microseconds_of(record.messages["submitted_at"]) < cut_us
    messages = _messages(record.messages[kept].reset_index(drop=True), cut_us)
    reports = frame(REPORTS, ()).astype({"state": "category"})
    if record.reports is not None:
        reports = _reports(record.reports, kept, cut_us)
    tallies = tally_frames(messages, reports, record.observed_from, cut_us, requests=False)
    return replace(
        record,
        observed_until=cut_us,
        messages=messages,
        reports=None if record.reports is None else reports,
        tallies=tallies,
        provenance={**record.provenance, "as_of": to_datetime(cut_us).isoformat()},
    )


def _messages(messages: pd.DataFrame, cut_us: int) -> pd.DataFrame:
    """Without the statuses and times that were made at the cut or later."""
    final, sent, submitted = (
        microseconds_of(messages[name]) for name in ("final_at", "sent_at", "submitted_at")
    )
    refused = messages["refused_at"].isin(["request", "number", "platform"]).to_numpy()
    untimed = (final == _UNKNOWN) & ~refused
    # By then the platform has made a status of every message; when, the log does not show.
    later = (final >= cut_us) | (untimed & (submitted + _VALIDITY_US > cut_us))
    known: pd.DataFrame = messages.assign(
        status=messages["status"].mask(later),
        report_source=messages["report_source"].mask(later),
        final_at=messages["final_at"].mask(later),
        sent_at=messages["sent_at"].mask(sent >= cut_us),
    )
    return known


def _reports(reports: pd.DataFrame, kept: np.ndarray, cut_us: int) -> pd.DataFrame:
    """Those of messages that are *kept* and that had been received, numbered anew."""
    number = np.cumsum(kept) - 1
    of = reports["message"].to_numpy(np.int64)
    known = kept[of] & (microseconds_of(reports["received_at"]) < cut_us)
    rows = reports[known].reset_index(drop=True)
    numbered: pd.DataFrame = rows.assign(message=number[of[known]].astype(np.int32))
    return numbered
