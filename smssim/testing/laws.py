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
