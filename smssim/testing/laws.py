"""Laws of messages: none is lost between its request and its fate, however it is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.record.tallies import MEASURES, NAMES, REFUSED
from smssim.testing.record_tables import Broken, Known, row_of, strays, summed, unequal, unlike

if TYPE_CHECKING:
    import pandas as pd


OF_FRAMES = tuple(name for name in NAMES if name != "coarse")
"""Tallies that frames tell; sending results, which `coarse` counts, stand in no frame."""
_FATES = ("delivered", "failed", "expired", "in_flight")


def requests(known: Known) -> Iterator[Broken]:
    """Requested = refused 1 + 2 + 3 + sent."""
    law = "requested = refused 1 + 2 + 3 + sent"
    clock = known.tallies.clock
    yield from unlike(
        law,
        ("requested (money)", known.money("country")),
        ("refused + sent (clock)", summed(clock, ("country",), "messages")),
    )
    refused = known.tallies.money
    refused = refused[refused["charge"].isin(REFUSED)]
    of_clock = clock[clock["outcome"].isin(["refused", "refused_platform"])]
    yield from unlike(
        law,
        ("refused (money)", summed(refused, ("country",), "messages")),
        ("refused (clock)", summed(of_clock, ("country",), "messages")),
    )
    rows = known.record.messages
    if rows is None:
        return
    places = rows["place"]
    yield from unequal(
        law,
        {"requested": len(rows)},
        {
            **{f"refused {place}": (places == place).sum() for place in (1, 2, 3)},
            "sent": (places == 0).sum(),
        },
    )


def fates(known: Known) -> Iterator[Broken]:
    """Sent = delivered + failed + expired + in flight."""
    law = "sent = delivered + failed + expired + in flight"
    clock = known.tallies.clock
    ended = clock[clock["outcome"].isin(_FATES)]
    yield from unlike(
        law,
        ("sent (money)", known.money("country", sent=True)),
        (" + ".join(_FATES) + " (clock)", summed(ended, ("country",), "messages")),
    )
    rows = known.record.messages
    if rows is not None and known.simulated:
        yield from _fates_of_rows(law, rows[rows["place"] == 0])


def _fates_of_rows(law: str, sent: pd.DataFrame) -> Iterator[Broken]:
    """In a simulation, what has no status has no time of one, and the other way round."""
    status, ended = sent["status"].astype(object), sent["final_at"].notna()
    flying = status.isna()
    kinds = {"delivered": status == "DELIVRD", "expired": status == "EXPIRED"}
    kinds["failed"] = ~flying & ~kinds["delivered"] & ~kinds["expired"]
    terms = {f"{name} at a time": int((own & ended).sum()) for name, own in kinds.items()}
    terms["in flight without one"] = int((flying & ~ended).sum())
    for found in unequal(law, {"sent": len(sent)}, terms):
        yield found._replace(where=row_of(sent, flying == ended))


def refusals(known: Known) -> Iterator[Broken]:
    """What is refused takes no segments of packages, costs nothing and does not leave."""
    law = "what is refused takes and costs nothing"
    rows = known.record.messages
    if rows is None:
        return
    refused = rows["place"] > 0
    covered, cost = (rows[name].fillna(0) for name in ("covered_segments", "cost_micro"))
    wrong = refused & ((covered > 0) | (cost > 0) | rows["sent_at"].notna())
    if wrong.any():
        sums = f"covered_segments {covered[wrong].sum():,}, cost_micro {cost[wrong].sum():,}"
        told = f"{int(wrong.sum()):,} refused messages have {sums} or have left, 0 must"
        yield Broken(law, told, row_of(rows, wrong))


def tallies_agree(known: Known) -> Iterator[Broken]:
    """The tallies hold the same messages, segments and charges."""
    law, tallies = "the tallies agree with each other", known.tallies
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
                    (f"money.{measure}", known.money(*keys, measure=measure)),
                    (f"{other}.{measure}", summed(frame, keys, measure)),
                )
    if known.simulated:
        yield from _delays_agree(law, known)


def _delays_agree(law: str, known: Known) -> Iterator[Broken]:
    """A simulation knows the delay of whatever was delivered, and the age of what is in flight."""
    tallies = known.tallies
    for tally, outcome in (("latency", "delivered"), ("censored", "in_flight")):
        own = tallies.clock[tallies.clock["outcome"] == outcome]
        yield from unlike(
            law,
            (f"clock, {outcome},", summed(own, ("country",), "messages")),
            (tally, summed(tallies.frame(tally), ("country",), "messages")),
        )
    by_template = tallies.template_latency["messages"].sum()
    by_country = tallies.latency["messages"].sum()
    yield from unequal(law, {"template_latency": by_template}, {"latency": by_country})


def agree_with_rows(known: Known) -> Iterator[Broken]:
    """Counted again from the rows, every tally is what it was."""
    from smssim.record.from_frames import tally_frames
    from smssim.record.schema import REPORTS, frame

    record = known.record
    if record.messages is None or not _countable(record.messages, record.reports):
        return
    reports, names = record.reports, OF_FRAMES
    if reports is None:
        reports = frame(REPORTS, ()).astype({"state": "category"})
        names = tuple(name for name in OF_FRAMES if name != "push")
    again = tally_frames(
        record.messages, reports, record.observed_from, record.observed_until, known.servers
    )
    for name in names:
        yield from _unlike_frames(name, known.tallies.frame(name), again.frame(name))


def _countable(messages: pd.DataFrame, reports: pd.DataFrame | None) -> bool:
    """Whether places and reports are such as can be counted; other laws say what is wrong."""
    placed = bool(messages["place"].between(0, 3).all())
    return placed and (reports is None or strays(messages, reports).empty)


def _unlike_frames(name: str, told: pd.DataFrame, counted: pd.DataFrame) -> Iterator[Broken]:
    if _same_cells(told, counted):
        return
    law = "the tallies agree with the rows"
    keys = tuple(column for column in told.columns if column not in MEASURES)
    for measure in (column for column in told.columns if column in MEASURES):
        a, b = (summed(_plain(frame, keys), keys, measure) for frame in (told, counted))
        yield from unlike(law, (f"{name}.{measure}", a), ("of the rows it", b))


def _same_cells(told: pd.DataFrame, counted: pd.DataFrame) -> bool:
    """Whether two tallies are the same cell by cell, as sound ones are: quicker than by sums."""
    if told.shape != counted.shape:
        return False
    both = ([frame[name].astype(object) for name in told.columns] for frame in (told, counted))
    return all(
        one.where(one.notna(), "").tolist() == other.where(other.notna(), "").tolist()
        for one, other in zip(*both, strict=True)
    )


def _plain(frame: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """A tally whose keys compare as texts, whatever they are."""
    changed: dict[str, Any] = {}
    for key in keys:
        column = frame[key].astype(object)
        changed[key] = np.where(column.isna(), "", column.astype(str))
    return frame.assign(**changed)


# Laws of segments and money: packages, what they covered, and the ledger say the same.


def packages(known: Known) -> Iterator[Broken]:
    """The segments of each package are used, expired or left."""
    frame = known.record.packages
    if frame is None:
        return
    parts = frame[["used", "expired", "left"]]
    wrong = (frame["segments"] != parts.sum(axis=1)) | (parts < 0).any(axis=1)
    if wrong.any():
        sums = " + ".join(f"{name} {int(parts[name].sum()):,}" for name in parts)
        told = f"segments {int(frame['segments'].sum()):,}, {sums} = {int(parts.sum().sum()):,}"
        yield Broken("segments = used + expired + left", told, row_of(frame, wrong))


def covered(known: Known) -> Iterator[Broken]:
    """What packages covered is what was used of them, by country."""
    frame = known.record.packages
    if frame is None:
        return
    money = known.tallies.money
    unknown = set(money.loc[money["charge"] == "unknown", "country"].astype(object))
    for where, took in _covered(known):
        used = summed(frame, ("country",), "used")
        if unknown:
            took, used = (s[[key not in unknown for key in s.index]] for s in (took, used))
        law = "covered segments = used segments of packages"
        yield from unlike(law, (f"covered ({where})", took), ("used (packages)", used))


def _covered(known: Known) -> Iterator[tuple[str, pd.Series[int]]]:
    """Covered segments by country, as the tallies and as the rows have them."""
    yield "tallies", known.money("country", measure="covered_segments")
    rows = known.record.messages
    if rows is not None:
        plain = rows[["country"]].assign(taken=rows["covered_segments"].fillna(0).astype("int64"))
        yield "messages", summed(plain, ("country",), "taken")


def expired(known: Known) -> Iterator[Broken]:
    """What the ledger says expired is what expired of each package."""
    ledger, frame = known.record.ledger, known.record.packages
    if ledger is None or frame is None:
        return
    law = "expired segments of the ledger = those of packages"
    told = summed(ledger[ledger["entry"] == "expired"], ("package",), "segments")
    yield from unlike(
        law,
        ("expired (ledger)", told),
        ("expired (packages)", summed(frame, ("package",), "expired")),
    )


def purchases(known: Known) -> Iterator[Broken]:
    """Every package is bought once, with its segments and at its price."""
    ledger, frame = known.record.ledger, known.record.packages
    if ledger is None or frame is None:
        return
    bought = ledger[ledger["entry"] == "purchase"]
    law = "purchases of the ledger = packages"
    for booked, own in (("amount_micro", "price_micro"), ("segments", "segments")):
        yield from unlike(
            law,
            (f"{booked} (ledger)", summed(bought, ("package",), booked)),
            (f"{own} (packages)", summed(frame, ("package",), own)),
        )


def bill(known: Known) -> Iterator[Broken]:
    """What messages cost is settled, or unsettled at the end."""
    ledger, money = known.record.ledger, known.tallies.money
    if ledger is None or (money["charge"] == "unknown").any():
        return
    law = "cost of messages = settled + unsettled"
    booked = {
        entry: int(ledger.loc[ledger["entry"] == entry, "amount_micro"].sum())
        for entry in ("settlement", "unsettled")
    }
    yield from unequal(law, {"cost_micro (tallies)": money["cost_micro"].sum()}, booked)
    rows = known.record.messages
    if rows is not None and rows["cost_micro"].notna().all():
        yield from unequal(law, {"cost_micro (messages)": rows["cost_micro"].sum()}, booked)


# Laws of what follows a message: one status report a segment; what became of group tasks.

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
