"""What bought nothing: messages that failed, came again, or served a fraud, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

from smssim.record.record import Record
from smssim.record.tallies import REFUSED
from smssim.report._record import priced, recorded
from smssim.report.needs import needs
from smssim.report.rules import scenario_of

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("failed", "expired", "user_resend", "server_resend", "fraudulent")
_NUMBERS = ("messages", "segments", "covered_segments", "billed_micro", "package_micro")


@needs("money", "sources", "ledger")
def waste(record: Record) -> pd.DataFrame:
    """What was paid for messages that were of no use, one row a kind; kinds overlap.

    `failed` are messages sent whose final status is neither DELIVRD nor EXPIRED, `expired` those
    without a report in time, `user_resend` and `server_resend` all copies sent again, whatever
    became of them, and `fraudulent` those of sources that the scenario calls so (no such row in a
    log). Refused messages cost nothing and are in none.

    Columns: messages, segments, `covered_segments` by packages, `billed_micro` (pay-per-use charges
    in millionths), `package_micro` (covered segments at the average price a segment of their
    country's packages in the ledger, rounded half up once a row), and both together in whole units
    in `cost_usd`, or whatever the currency is. NA is what a record cannot know: money of messages
    without a price, and who resent in a log (one that tells generations has all its resends under
    `user_resend`, as in `cost`).
    """
    import pandas as pd

    rows = [{"kind": kind, **_row(record, cells)} for kind, cells in _kinds(record)]
    found = pd.DataFrame(rows, columns=["kind", *_NUMBERS])
    found = found.astype({"kind": "str", **dict.fromkeys(_NUMBERS, "Int64")})
    cost = (found["billed_micro"] + found["package_micro"]).astype("Float64").astype("float64")
    return found.assign(
        **{f"cost_{record.currency.lower()}" if record.currency else "cost": cost / 1e6}
    )


def _kinds(record: Record) -> Iterator[tuple[str, pd.DataFrame | None]]:
    """The cells of each kind, with their country; None where a record cannot know them."""
    money = record.tallies.money
    sent = money[~money["charge"].isin(REFUSED)]
    final = sent["status"].notna() & ~sent["status"].isin(["DELIVRD", "EXPIRED", "ACCEPTD"])
    yield "failed", sent[final]
    yield "expired", sent[sent["status"] == "EXPIRED"]
    told = not sent["copy"].isna().any()
    again = sent[sent["copy"] == "user resend"]
    yield "user_resend", again if told else None
    # A log does not tell who sent again: none of it can be a server's only if there is none at all.
    of_server = told and not (recorded(record) and len(again))
    yield "server_resend", sent[sent["copy"] == "server resend"] if of_server else None
    countries = fraudulent(record)
    if countries is not None:
        yield "fraudulent", _fraud(record, countries)


def fraudulent(record: Record) -> dict[str, str] | None:
    """The sources that the scenario calls an attack, with their countries; None in a log."""
    scenario = scenario_of(record)
    if scenario is None:
        return None
    return {own.name: own.country for own in scenario.traffic if own.fraudulent}


def fraud(record: Record, countries: dict[str, str]) -> dict[str, Any]:
    """The numbers of the row `fraudulent` alone, of those sources."""
    return _row(record, _fraud(record, countries))


def _fraud(record: Record, countries: dict[str, str]) -> pd.DataFrame:
    sources = record.tallies.sources
    own = sources[sources["source"].isin(list(countries)) & ~sources["charge"].isin(REFUSED)]
    return own.assign(country=own["source"].map(countries))


def _row(record: Record, cells: pd.DataFrame | None) -> dict[str, Any]:
    """Sums of a kind, None where they are not known."""
    if cells is None:
        return {}
    sums: dict[str, Any] = {name: int(cells[name].sum()) for name in ("messages", "segments")}
    if (cells["charge"] == "unknown").any():
        return sums
    sums["billed_micro"] = int(cells["cost_micro"].sum())
    if not priced(record):
        # An export tells what a message cost, and not what packages gave.
        return sums
    covered = cells.groupby("country")["covered_segments"].sum()
    sums["covered_segments"] = int(covered.sum())
    prices = _prices(record)
    known = all(country in prices for country in covered.index[covered > 0])
    if known:
        exact = sum((prices.get(c, Fraction(0)) * int(n) for c, n in covered.items()), Fraction(0))
        sums["package_micro"] = floor(exact + Fraction(1, 2))
    return sums


def _prices(record: Record) -> dict[Any, Fraction]:
    """The average price of a packaged segment by country, exact, in millionths."""
    ledger = record.ledger
    if ledger is None:
        return {}
    bought = ledger[ledger["entry"] == "purchase"]
    sums = bought.groupby("country")[["amount_micro", "segments"]].sum()
    return {
        country: Fraction(int(row["amount_micro"]), int(row["segments"]))
        for country, row in sums.iterrows()
        if int(row["segments"])
    }
