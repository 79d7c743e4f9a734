"""Laws of conservation: sums of messages, segments, money and reports that must agree.

Each law yields its violations in a record; what a record does not know breaks none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from smssim.calendars import to_datetime
from smssim.record.schema import REFUSED_AT, RefusalStage
from smssim.record.tallies import MEASURES, NAMES, REFUSED
from smssim.testing.record_tables import (
    RecordTables,
    RuleViolation,
    row_of,
    strays,
    summed,
    unequal,
    unlike,
)

__all__ = [
    "agree_with_rows",
    "bill",
    "covered",
    "expired",
    "outcomes",
    "packages",
    "purchases",
    "refused_messages",
    "reports",
    "requests",
    "tallies_agree",
    "tasks",
]

_OF_FRAMES = tuple(name for name in NAMES if name != "within_3_min")
"""Tallies that frames determine; sending results, which `within_3_min` counts, are in no frame."""
_OUTCOMES = ("delivered", "failed", "expired", "in_flight")


def requests(tables: RecordTables) -> Iterator[RuleViolation]:
    """Requested = refused 1 + 2 + 3 + sent."""
    law = "requested = refused 1 + 2 + 3 + sent"
    clock = tables.tallies.clock
    yield from unlike(
        law,
        ("requested (money)", tables.money("country")),
        ("refused + sent (clock)", summed(clock, ("country",), "messages")),
    )
    refused = tables.tallies.money
    refused = refused[refused["charge"].isin(REFUSED)]
    of_clock = clock[clock["outcome"].isin(["refused", "refused_platform"])]
    yield from unlike(
        law,
        ("refused (money)", summed(refused, ("country",), "messages")),
        ("refused (clock)", summed(of_clock, ("country",), "messages")),
    )
    rows = tables.record.messages
    if rows is None:
        return
    stages = rows["refused_at"]
    yield from unequal(
        law,
        {"requested": len(rows)},
        {
            **{f"refused {int(s)}": (stages == s.label).sum() for s in RefusalStage if s},
            "sent": (stages == "").sum(),
        },
    )


def outcomes(tables: RecordTables) -> Iterator[RuleViolation]:
    """Sent = delivered + failed + expired + pending."""
    law = "sent = delivered + failed + expired + pending"
    clock = tables.tallies.clock
    ended = clock[clock["outcome"].isin(_OUTCOMES)]
    yield from unlike(
        law,
        ("sent (money)", tables.money("country", sent=True)),
        (" + ".join(_OUTCOMES) + " (clock)", summed(ended, ("country",), "messages")),
    )
    rows = tables.record.messages
    if rows is not None and tables.simulated:
        yield from _outcomes_of_rows(law, rows[rows["refused_at"] == ""])


def _outcomes_of_rows(law: str, sent: pd.DataFrame) -> Iterator[RuleViolation]:
    """In a simulation, a message has a final time exactly if it has a final status."""
    status, ended = sent["status"].astype(object), sent["final_at"].notna()
    flying = status.isna()
    masks = {"delivered": status == "DELIVRD", "expired": status == "EXPIRED"}
    masks["failed"] = ~flying & ~masks["delivered"] & ~masks["expired"]
    terms = {f"{name} at a time": int((rows & ended).sum()) for name, rows in masks.items()}
    terms["pending without one"] = int((flying & ~ended).sum())
    for violation in unequal(law, {"sent": len(sent)}, terms):
        yield violation._replace(where=row_of(sent, flying == ended))


def refused_messages(tables: RecordTables) -> Iterator[RuleViolation]:
    """What is refused takes no segments of packages, costs nothing and does not leave."""
    law = "what is refused takes and costs nothing"
    rows = tables.record.messages
    if rows is None:
        return
    refused = rows["refused_at"].isin(REFUSED_AT[1:])
    covered, cost = (rows[name].fillna(0) for name in ("covered_segments", "cost_micro"))
    wrong = refused & ((covered > 0) | (cost > 0) | rows["sent_at"].notna())
    if wrong.any():
        sums = f"covered_segments {covered[wrong].sum():,}, cost_micro {cost[wrong].sum():,}"
        text = f"{int(wrong.sum()):,} refused messages have {sums} or have left, 0 must"
        yield RuleViolation(law, text, row_of(rows, wrong))


def tallies_agree(tables: RecordTables) -> Iterator[RuleViolation]:
    """The tallies hold the same messages, segments and charges."""
    law, tallies = "the tallies agree with each other", tables.tallies
    for measure in ("messages", "segments", "covered_segments", "cost_micro"):
        for other, keys in (
            ("templates", ("application", "type", "charge", "status")),
            ("sources", ("charge", "status")),
            ("clock", ("country",)),
        ):
            frame = tallies.frame(other)
            if measure in frame:
                yield from unlike(
                    law,
                    (f"money.{measure}", tables.money(*keys, measure=measure)),
                    (f"{other}.{measure}", summed(frame, keys, measure)),
                )
    if tables.simulated:
        yield from _delays_agree(law, tables)


def _delays_agree(law: str, tables: RecordTables) -> Iterator[RuleViolation]:
    """A simulation knows the delay of all that was delivered, and the age of all pending."""
    tallies = tables.tallies
    for tally, ends in (
        ("latency", ("delivered",)),
        ("undelivered", ("expired", "failed")),
        ("censored", ("in_flight",)),
    ):
        ended = tallies.clock[tallies.clock["outcome"].isin(ends)]
        yield from unlike(
            law,
            (f"clock, {' + '.join(ends)},", summed(ended, ("country",), "messages")),
            (tally, summed(tallies.frame(tally), ("country",), "messages")),
        )
        by_template = tallies.frame(f"template_{tally}")["messages"].sum()
        by_country = tallies.frame(tally)["messages"].sum()
        yield from unequal(law, {f"template_{tally}": by_template}, {tally: by_country})


def agree_with_rows(tables: RecordTables) -> Iterator[RuleViolation]:
    """Counted again from the rows, every tally is what it was."""
    from smssim.record.from_frames import tally_frames
    from smssim.record.schema import REPORTS, frame

    record = tables.record
    if record.messages is None or not _countable(record.messages, record.reports):
        return
    reports, names = record.reports, _OF_FRAMES
    if reports is None:
        reports = frame(REPORTS, ()).astype({"state": "category"})
        names = tuple(name for name in _OF_FRAMES if name != "push")
    again = tally_frames(
        record.messages,
        reports,
        record.observed_from,
        record.observed_until,
        tables.servers,
        tables.tasks,
        requests=tables.scenario is not None,
    )
    for name in names:
        yield from _unlike_frames(name, tables.tallies.frame(name), again.frame(name))


def _countable(messages: pd.DataFrame, reports: pd.DataFrame | None) -> bool:
    """Whether stages and reports can be counted at all; other laws show what is wrong."""
    placed = bool(messages["refused_at"].isin(REFUSED_AT).all())
    return placed and (reports is None or strays(messages, reports).empty)


def _unlike_frames(
    name: str, tally: pd.DataFrame, counted: pd.DataFrame
) -> Iterator[RuleViolation]:
    if _same_cells(tally, counted):
        return
    law = "the tallies agree with the rows"
    keys = tuple(column for column in tally.columns if column not in MEASURES)
    for measure in (column for column in tally.columns if column in MEASURES):
        a, b = (summed(_plain(frame, keys), keys, measure) for frame in (tally, counted))
        yield from unlike(law, (f"{name}.{measure}", a), ("of the rows it", b))


def _same_cells(tally: pd.DataFrame, counted: pd.DataFrame) -> bool:
    """Whether two tallies are the same cell by cell, as sound ones are: quicker than by sums."""
    if tally.shape != counted.shape:
        return False
    both = ([frame[name].astype(object) for name in tally.columns] for frame in (tally, counted))
    return all(
        one.where(one.notna(), "").tolist() == other.where(other.notna(), "").tolist()
        for one, other in zip(*both, strict=True)
    )


def _plain(frame: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """A tally with its keys as texts, so that those of any type compare."""
    changed: dict[str, Any] = {}
    for key in keys:
        column = frame[key].astype(object)
        changed[key] = np.where(column.isna(), "", column.astype(str))
    return frame.assign(**changed)


# Segments and money: packages, what they covered, and the ledger agree.


def packages(tables: RecordTables) -> Iterator[RuleViolation]:
    """The segments of each package are used, expired or left."""
    frame = tables.record.packages
    if frame is None:
        return
    parts = frame[["used", "expired", "left"]]
    wrong = (frame["segments"] != parts.sum(axis=1)) | (parts < 0).any(axis=1)
    if wrong.any():
        sums = " + ".join(f"{name} {int(parts[name].sum()):,}" for name in parts)
        text = f"segments {int(frame['segments'].sum()):,}, {sums} = {int(parts.sum().sum()):,}"
        yield RuleViolation("segments = used + expired + left", text, row_of(frame, wrong))


def covered(tables: RecordTables) -> Iterator[RuleViolation]:
    """What packages covered is what was used of them, by country."""
    frame = tables.record.packages
    if frame is None:
        return
    money = tables.tallies.money
    unknown = set(money.loc[money["charge"] == "unknown", "country"].astype(object))
    for where, took in _covered(tables):
        used = summed(frame, ("country",), "used")
        if unknown:
            took, used = (s[[key not in unknown for key in s.index]] for s in (took, used))
        law = "covered segments = used segments of packages"
        yield from unlike(law, (f"covered ({where})", took), ("used (packages)", used))


def _covered(tables: RecordTables) -> Iterator[tuple[str, pd.Series[int]]]:
    """Covered segments by country, as the tallies and as the rows have them."""
    yield "tallies", tables.money("country", measure="covered_segments")
    rows = tables.record.messages
    if rows is not None:
        plain = rows[["country"]].assign(taken=rows["covered_segments"].fillna(0).astype("int64"))
        yield "messages", summed(plain, ("country",), "taken")


def expired(tables: RecordTables) -> Iterator[RuleViolation]:
    """What the ledger says expired is what expired of each package."""
    ledger, frame = tables.record.ledger, tables.record.packages
    if ledger is None or frame is None:
        return
    law = "expired segments of the ledger = those of packages"
    booked = summed(ledger[ledger["entry"] == "expired"], ("package",), "segments")
    yield from unlike(
        law,
        ("expired (ledger)", booked),
        ("expired (packages)", summed(frame, ("package",), "expired")),
    )


def purchases(tables: RecordTables) -> Iterator[RuleViolation]:
    """Every package is bought once, with its segments and at its price, or was there before."""
    ledger, frame = tables.record.ledger, tables.record.packages
    if ledger is None or frame is None:
        return
    bought = ledger[ledger["entry"] == "purchase"]
    in_run = frame["in_force_at"] >= to_datetime(tables.record.observed_from)
    frame = frame[in_run | frame["package"].isin(bought["package"])]
    law = "purchases of the ledger = packages"
    for booked, column in (("amount_micro", "price_micro"), ("segments", "segments")):
        yield from unlike(
            law,
            (f"{booked} (ledger)", summed(bought, ("package",), booked)),
            (f"{column} (packages)", summed(frame, ("package",), column)),
        )


def bill(tables: RecordTables) -> Iterator[RuleViolation]:
    """What messages cost is settled, or unsettled at the end."""
    ledger, money = tables.record.ledger, tables.tallies.money
    if ledger is None or (money["charge"] == "unknown").any():
        return
    law = "cost of messages = settled + unsettled"
    booked = {
        entry: int(ledger.loc[ledger["entry"] == entry, "amount_micro"].sum())
        for entry in ("settlement", "unsettled")
    }
    yield from unequal(law, {"cost_micro (tallies)": money["cost_micro"].sum()}, booked)
    rows = tables.record.messages
    if rows is not None and rows["cost_micro"].notna().all():
        yield from unequal(law, {"cost_micro (messages)": rows["cost_micro"].sum()}, booked)


# What follows a message: one delivery report per segment; outcomes of group tasks.

_LAW = "one delivery report per segment"
_NEVER_SENT = ("refused_1", "refused_2")


def reports(tables: RecordTables) -> Iterator[RuleViolation]:
    """A message has one report per segment, once it has a final status and if that is pushed.

    A log has those that came: at most one per segment.
    """
    messages, frame = tables.record.messages, tables.record.reports
    if tables.simulated:
        yield from _as_many(tables)
    if messages is None or frame is None or not len(frame):
        return
    strange = strays(messages, frame)
    if len(strange):
        text = f"{len(strange):,} reports are of none of the {len(messages):,} messages"
        yield RuleViolation(_LAW, text, row_of(strange, strange["message"].notna()))
        return
    yield from _parts(tables, messages, frame)
    if tables.simulated:
        yield from _arrivals(frame)


def _as_many(tables: RecordTables) -> Iterator[RuleViolation]:
    """In a simulation, all segments that have a status and an address have a report."""
    sources = tables.tallies.sources
    ended = sources["status"].notna() & ~sources["charge"].isin(_NEVER_SENT)
    due = int(sources.loc[ended & sources["source"].isin(tables.pushed), "segments"].sum())
    pushed = int(tables.tallies.push["reports"].sum())
    if due != pushed:
        yield RuleViolation(
            _LAW, f"{due:,} segments have a final status and are pushed, reports {pushed:,}"
        )


def _parts(
    tables: RecordTables, messages: pd.DataFrame, frame: pd.DataFrame
) -> Iterator[RuleViolation]:
    """Parts of a message are numbered from 1 to its segments, each once."""
    again = frame.duplicated(["message", "part"])
    segments = messages["segments"].take(frame["message"].to_numpy()).reset_index(drop=True)
    beyond = (frame["part"].reset_index(drop=True) > segments).fillna(False).astype(bool)
    wrong = again.reset_index(drop=True) | beyond | (frame["part"] < 1).reset_index(drop=True)
    if wrong.any():
        text = f"{int(wrong.sum()):,} of {len(frame):,} reports are of no part, or one that has one"
        yield RuleViolation(_LAW, text, row_of(frame, wrong))
    if not tables.simulated:
        return
    ended = messages["final_at"].notna() & messages["source"].isin(tables.pushed)
    due = messages["segments"].where(ended, 0).astype("int64").reset_index(drop=True)
    pushed = frame["message"].value_counts().reindex(due.index, fill_value=0)
    due.index.name = "message"
    yield from unlike(_LAW, ("segments with a final status", due), ("reports", pushed))


def _arrivals(frame: pd.DataFrame) -> Iterator[RuleViolation]:
    """Exactly the received reports have arrived at least once, and have a time."""
    came = frame["state"].astype(object) == "received"
    wrong = (came != (frame["deliveries"] > 0)) | (came != frame["received_at"].notna())
    if wrong.any():
        arrived = int((frame["deliveries"] > 0).sum())
        text = f"received {int(came.sum()):,}, arrived {arrived:,}"
        text += f", with a time {int(frame['received_at'].notna().sum()):,}"
        yield RuleViolation("received = arrived", text, row_of(frame, wrong))


def tasks(tables: RecordTables) -> Iterator[RuleViolation]:
    """A task's numbers are imported or dropped, its messages refused or sent, the sent counted."""
    frame = tables.record.tasks
    if frame is None or not len(frame):
        return
    parts = frame[["imported", "duplicates", "invalid"]]
    wrong = (frame["numbers"] != parts.sum(axis=1)) & parts.notna().all(axis=1)
    wrong = wrong.fillna(False).astype(bool)
    if wrong.any():
        text = f"{int(wrong.sum()):,} tasks have other sums"
        yield RuleViolation("numbers = imported + duplicates + invalid", text, row_of(frame, wrong))
    wrong = frame["sent"] != frame[["delivered", "failed", "in_flight"]].sum(axis=1)
    if wrong.any():
        text = f"{int(wrong.sum()):,} tasks have other sums"
        yield RuleViolation("sent = delivered + failed + pending", text, row_of(frame, wrong))
    yield from _counted(tables, frame)


def _counted(tables: RecordTables, frame: pd.DataFrame) -> Iterator[RuleViolation]:
    """The counts of tasks are those of their messages."""
    sources = tables.tallies.sources
    sources = sources[sources["source"].isin(list(frame["task"]))]
    refused = sources["charge"].isin(REFUSED)
    frame = frame.rename(columns={"task": "source"})
    for name, tally in (("refused", sources[refused]), ("sent", sources[~refused])):
        yield from unlike(
            "messages of group tasks",
            (f"{name} (tasks)", summed(frame, ("source",), name)),
            (f"{name} (tallies)", summed(tally, ("source",), "messages")),
        )
