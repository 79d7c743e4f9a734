"""What happened to the account: how often, when, and for how long sending stood still."""

from __future__ import annotations

import pandas as pd

from smssim.calendars import SECOND
from smssim.record.record import Record
from smssim.report._record import stops

__all__ = ["CAUSES", "MEANINGS", "cause", "stops_and_warnings"]

MEANINGS = {
    "suspended": "suspended, packages ran out",
    "frozen": "account frozen for arrears",
    "limit": "limit tripped, sending stopped",
    "country_limit": "country limit tripped",
    "run_out": "packages ran out",
    "purchase_refused": "package purchase refused",
    "alarm": "alarm",
    "package_expired": "package expired, not used up",
    "low_quota": "low quota notice",
    "source_stopped": "source stopped",
    "task_refused": "group task refused for its file",
    "task_cancelled": "group task cancelled",
    "mode_switched": "service mode switched",
    "thresholds_set": "threshold changed",
    "topped_up": "balance topped up",
}
"""What a planner wants to know, the gravest first."""
CAUSES = {
    "suspended": "E000629",
    "frozen": "E000112",
    "limit": "E000623",
    "country_limit": "E000630",
}
"""The code that messages are refused with while sending stands still."""
_ENDS = {
    "suspended": "resumed",
    "frozen": "thawed",
    "limit": "recovered",
    "country_limit": "recovered",
}


def stops_and_warnings(record: Record) -> pd.DataFrame:
    """One row an event and subject, the gravest first: times, first_at, last_at, stopped_s.

    `stopped_s` is how long it stopped sending in all, up to the end of the record; NaN where it
    stops nothing.
    """
    events = record.events
    names = ["event", "subject", "times", "first_at", "last_at", "stopped_s"]
    if events is None or not len(events):
        return pd.DataFrame(columns=names)
    shown_events = events[events["event"].isin(list(MEANINGS))]
    shown_events = shown_events[
        (shown_events["event"] != "package_expired") | (shown_events["value"] > 0)
    ]
    groups = shown_events.groupby(["event", "subject"], sort=False)["at"]
    rows = groups.agg(times="count", first_at="min", last_at="max").reset_index()
    rows["stopped_s"] = [
        _stopped_s(record, event, subject)
        for event, subject in zip(rows["event"], rows["subject"], strict=True)
    ]
    grave = rows["event"].map(list(MEANINGS).index)
    return rows.iloc[grave.argsort(kind="stable")].reset_index(drop=True)[names]


def cause(event: str, subject: str) -> str:
    """What stopped sending, in words."""
    country, _, period = subject.rpartition(" ")
    if event in ("limit", "country_limit"):
        limit = "the daily limit" if period == "day" else "the monthly limit"
        return f"{limit} of {country}" if country else limit
    return (
        "arrears"
        if event == "frozen"
        else f"a run-out of packages{f' of {subject}' if subject else ''}"
    )


def _stopped_s(record: Record, event: str, subject: str) -> float:
    if event not in _ENDS:
        return float("nan")
    return sum(end - start for start, end in stops(record, event, _ENDS[event], subject)) / SECOND
