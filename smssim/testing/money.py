"""Laws of segments and money: packages, what they covered, and the ledger say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from smssim.testing.record_tables import Broken, Known, row_of, summed, unequal, unlike

if TYPE_CHECKING:
    import pandas as pd


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
