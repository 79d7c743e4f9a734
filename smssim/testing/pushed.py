"""Laws of what follows a message: one status report a segment; what became of group tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from smssim.record.tallies import REFUSED
from smssim.testing.record_tables import Broken, Known, row_of, strays, summed, unlike

if TYPE_CHECKING:
    import pandas as pd

_LAW = "one status report a segment"
_NEVER_SENT = ("refused_1", "refused_2")


def reports(known: Known) -> Iterator[Broken]:
    """A message has one report a segment, once its final status is known and if it is pushed.

    A log has those that came: one a segment at most.
    """
    messages, frame = known.record.messages, known.record.reports
    if known.simulated:
        yield from _as_many(known)
    if messages is None or frame is None or not len(frame):
        return
    strange = strays(messages, frame)
    if len(strange):
        told = f"{len(strange):,} reports are of none of the {len(messages):,} messages"
        yield Broken(_LAW, told, row_of(strange, strange["message"].notna()))
        return
    yield from _parts(known, messages, frame)
    if known.simulated:
        yield from _arrivals(frame)


def _as_many(known: Known) -> Iterator[Broken]:
    """In a simulation, all segments that have a status and an address have a report."""
    sources = known.tallies.sources
    told = sources["status"].notna() & ~sources["charge"].isin(_NEVER_SENT)
    due = int(sources.loc[told & sources["source"].isin(known.pushed), "segments"].sum())
    made = int(known.tallies.push["reports"].sum())
    if due != made:
        yield Broken(_LAW, f"{due:,} segments have a final status and are pushed, reports {made:,}")


def _parts(known: Known, messages: pd.DataFrame, frame: pd.DataFrame) -> Iterator[Broken]:
    """Parts of a message are numbered from 1 to its segments, each once."""
    again = frame.duplicated(["message", "part"])
    segments = messages["segments"].take(frame["message"].to_numpy()).reset_index(drop=True)
    beyond = (frame["part"].reset_index(drop=True) > segments).fillna(False).astype(bool)
    wrong = again.reset_index(drop=True) | beyond | (frame["part"] < 1).reset_index(drop=True)
    if wrong.any():
        told = f"{int(wrong.sum()):,} of {len(frame):,} reports are of no part, or one that has one"
        yield Broken(_LAW, told, row_of(frame, wrong))
    if not known.simulated:
        return
    ended = messages["final_at"].notna() & messages["source"].isin(known.pushed)
    due = messages["segments"].where(ended, 0).astype("int64").reset_index(drop=True)
    made = frame["message"].value_counts().reindex(due.index, fill_value=0)
    due.index.name = "message"
    yield from unlike(_LAW, ("segments with a final status", due), ("reports", made))


def _arrivals(frame: pd.DataFrame) -> Iterator[Broken]:
    """What was received has arrived, once at least, at some time; nothing else has."""
    came = frame["state"].astype(object) == "received"
    wrong = (came != (frame["copies"] > 0)) | (came != frame["received_at"].notna())
    if wrong.any():
        arrived = int((frame["copies"] > 0).sum())
        told = f"received {int(came.sum()):,}, arrived {arrived:,}"
        told += f", with a time {int(frame['received_at'].notna().sum()):,}"
        yield Broken("received = arrived", told, row_of(frame, wrong))


def tasks(known: Known) -> Iterator[Broken]:
    """A task's numbers are imported or dropped, its messages refused or sent, the sent known."""
    frame = known.record.tasks
    if frame is None or not len(frame):
        return
    parts = frame[["imported", "duplicates", "invalid"]]
    wrong = (frame["numbers"] != parts.sum(axis=1)) & parts.notna().all(axis=1)
    wrong = wrong.fillna(False).astype(bool)
    if wrong.any():
        told = f"{int(wrong.sum()):,} tasks have other sums"
        yield Broken("numbers = imported + duplicates + invalid", told, row_of(frame, wrong))
    wrong = frame["sent"] != frame[["delivered", "failed", "in_flight"]].sum(axis=1)
    if wrong.any():
        told = f"{int(wrong.sum()):,} tasks have other sums"
        yield Broken("sent = delivered + failed + in flight", told, row_of(frame, wrong))
    yield from _counted(known, frame)


def _counted(known: Known, frame: pd.DataFrame) -> Iterator[Broken]:
    """What tasks say of their messages is what these are."""
    sources = known.tallies.sources
    sources = sources[sources["source"].isin(list(frame["task"]))]
    refused = sources["charge"].isin(REFUSED)
    frame = frame.rename(columns={"task": "source"})
    for name, own in (("refused", sources[refused]), ("sent", sources[~refused])):
        yield from unlike(
            "messages of group tasks",
            (f"{name} (tasks)", summed(frame, ("source",), name)),
            (f"{name} (tallies)", summed(own, ("source",), "messages")),
        )
