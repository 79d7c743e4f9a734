"""What a record cost: packages bought, and what no package covered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pandas as pd

from smssim.record.record import Record
from smssim.record.tallies import REFUSED
from smssim.report._record import KEYS, keys_of, months, priced, recorded, requires, scenario_of
from smssim.report.rating.rate import rate
from smssim.report.rating.tariff import Tariff
from smssim.scenario import Package

__all__ = ["KINDS", "cost", "fraud", "fraudulent", "wasted_spend"]

_ENTRIES = ("package", "pay_per_use", "unknown")
_CHARGED = {"pay_per_use": "pay_per_use", "split": "pay_per_use", "unknown": "unknown"}
_NUMBERS = ("packages", "messages", "segments", "cost_micro")


_BY = (*KEYS, "month", "resend_kind", "template")
_OF_TEMPLATES = {"template", "application", "type"}
"""Keys of the tally by template, which does not show days, countries and copies apart."""


@requires("money", "templates", "packages")
def cost(
    record: Record,
    /,
    by: str | Sequence[str] = ("country", "resend_kind"),
    *,
    tariff: str | Path | pd.DataFrame | Mapping[str, float] | Tariff | None = None,
    packages: Sequence[Package | Mapping[str, Any]] = (),
    **terms: Any,
) -> pd.DataFrame:
    """The bill, one row per group and entry; resent messages have lines of their own.

    *by* is day or month (UTC), country, application, type or resend_kind, or a list of them; or
    template, alone or with its application and type. Resend kinds are `first`, `server resend` and
    `user resend` (`smssim.record.schema.RESEND_KINDS`); NA for packages, which serve all messages,
    and in a log, which does not show it.

    Entry `package` counts packages and segments bought, on the day and for the country they were
    bought for; they serve every application, type and template, which are NA there. Entry
    `pay_per_use` counts messages with at least one segment that no package covered, and those
    segments. Entry `unknown` is what a log holds: messages sent and their segments, without a
    price. Money is exact in `cost_micro` (millionths) and in whole units in `cost_usd`, or whatever
    the currency is; where it is not known it is NA. The rows sum to the ledger's purchases and
    settlements.

    `per_delivered` is the entry's cost in whole units divided by all messages of the group that
    were delivered; NaN without any. Packages serve all that goes to their country: unless the group
    is a country or everything it is NaN for them, and for pay-per-use where they covered a part of
    the group, as that part would count as delivered for nothing.

    With a *tariff* the record is rated first by it, *packages* and *terms*, which are those of
    `smssim.rate`. Raise a ValueError for packages or terms without a tariff, and for a template
    together with day, country or copy, which is tallied nowhere.
    """
    if tariff is not None:
        record = rate(record, tariff, packages, **terms)
    elif packages or terms:
        names = ", ".join([*(["packages"] if packages else []), *terms])
        raise ValueError(f"{names} must be given with a tariff: they are terms of rating")

    keys = keys_of(by, _BY)
    if "template" in keys and not _OF_TEMPLATES.issuperset(keys):
        raise ValueError(f"by(={by!r}): template goes with application and type alone")
    cells = record.tallies.templates if "template" in keys else record.tallies.money
    rows = pd.concat([_bought(record), _charged(cells)], ignore_index=True)
    if "month" in keys:
        cells = cells.assign(month=pd.array(months(cells["day"]), "str"))
        rows["month"] = pd.array(months(rows["day"]), "str")
    rows["entry"] = pd.Categorical(rows["entry"], _ENTRIES)
    groups = rows.groupby([*keys, "entry"], dropna=False, observed=True)
    # With min_count a sum of nothing but NA stays NA, where it would be 0.
    bill = groups[list(_NUMBERS)].sum(min_count=1).reset_index()
    bill["entry"] = bill["entry"].astype("str")
    cost = bill["cost_micro"].astype("Float64").astype("float64") / 1e6
    bill[f"cost_{record.currency.lower()}" if record.currency else "cost"] = cost
    if not {"country"}.issuperset(keys):
        covered = _of_groups(cells, cells["covered_segments"].fillna(0), bill[keys])
        cost = cost.where((bill["entry"] != "package") & ~(covered > 0))
    delivered = _of_groups(cells, cells["messages"].where(_is_delivered(cells), 0), bill[keys])
    return bill.assign(per_delivered=cost / delivered.where(delivered > 0))


def _bought(record: Record) -> pd.DataFrame:
    """A row a purchase."""
    ledger = record.ledger
    if ledger is None:
        return _rows(pd.DataFrame())
    bought = ledger[ledger["entry"] == "purchase"]
    return _rows(
        pd.DataFrame(
            {
                "day": bought["at"].dt.tz_localize(None).dt.floor("D"),
                "country": bought["country"],
                "entry": "package",
                "packages": 1,
                "segments": bought["segments"],
                "cost_micro": bought["amount_micro"],
            }
        )
    )


def _is_delivered(cells: pd.DataFrame) -> pd.Series[bool]:
    return (cells["status"] == "DELIVRD") & ~cells["charge"].isin(REFUSED)


def _of_groups(
    cells: pd.DataFrame, values: pd.Series[Any], groups: pd.DataFrame
) -> pd.Series[float]:
    """The sum of a value per cell in each group, 0 without a cell."""
    keys = list(groups)
    if not keys:
        return groups.assign(sum=float(values.sum()))["sum"]
    # A merge finds NA in NA, which an index does not.
    sums = cells[keys].assign(sum=values).groupby(keys, dropna=False)["sum"].sum().reset_index()
    merged = groups.merge(sums, how="left", on=keys)["sum"].set_axis(groups.index)
    return merged.fillna(0).astype("float64")


def _charged(cells: pd.DataFrame) -> pd.DataFrame:
    """A row a cell of a tally that was charged for, or may have been."""
    charged = cells[cells["charge"].isin(list(_CHARGED))]
    entry = charged["charge"].map(_CHARGED)
    priced_cells = entry == "pay_per_use"
    covered = charged["covered_segments"].where(priced_cells, 0)
    return _rows(
        charged.assign(
            entry=entry,
            segments=charged["segments"] - covered,
            cost_micro=charged["cost_micro"].astype("Int64").where(priced_cells),
        )
    )


def _rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns of every part of the bill, NA where it has none."""
    types = {
        "day": "datetime64[us]",
        "country": "str",
        "application": "str",
        "type": "str",
        "template": "str",
        "resend_kind": "str",
        "entry": "str",
    }
    return frame.reindex(columns=[*types, *_NUMBERS]).astype(
        types | dict.fromkeys(_NUMBERS, "Int64")
    )


# What bought nothing: messages that failed, came again, or served a fraud, and what they cost.

KINDS = ("failed", "expired", "user_resend", "server_resend", "fraudulent")
_NUMBERS_waste = ("messages", "segments", "covered_segments", "billed_micro", "package_micro")


@requires("money", "sources", "ledger")
def wasted_spend(record: Record) -> pd.DataFrame:
    """What was paid for messages that were of no use, one row per kind; categories overlap.

    `failed` are messages sent whose final status is neither DELIVRD nor EXPIRED, `expired` those
    without a report in time, `user_resend` and `server_resend` all copies sent again, whatever
    became of them, and `fraudulent` those of sources that the scenario calls so (no such row in a
    log). Refused messages cost nothing and are in none.

    Columns: messages, segments, `covered_segments` by packages, `billed_micro` (pay-per-use charges
    in millionths), `package_micro` (covered segments at the average price per segment of their
    country's packages in the ledger, rounded half up once a row), and both together in whole units
    in `cost_usd`, or whatever the currency is. NA is what a record cannot know: money of messages
    without a price, and who resent in a log (one that tells generations has all its resends under
    `user_resend`, as in `cost`).
    """
    rows = [{"kind": category, **_row(record, cells)} for category, cells in _kinds(record)]
    frame = pd.DataFrame(rows, columns=["kind", *_NUMBERS_waste])
    frame = frame.astype({"kind": "str", **dict.fromkeys(_NUMBERS_waste, "Int64")})
    cost = (frame["billed_micro"] + frame["package_micro"]).astype("Float64").astype("float64")
    return frame.assign(
        **{f"cost_{record.currency.lower()}" if record.currency else "cost": cost / 1e6}
    )


def _kinds(record: Record) -> Iterator[tuple[str, pd.DataFrame | None]]:
    """The cells of each kind, with their country; None where a record cannot know them."""
    money = record.tallies.money
    sent = money[~money["charge"].isin(REFUSED)]
    final = sent["status"].notna() & ~sent["status"].isin(["DELIVRD", "EXPIRED", "ACCEPTD"])
    yield "failed", sent[final]
    yield "expired", sent[sent["status"] == "EXPIRED"]
    has_kinds = not sent["resend_kind"].isna().any()
    again = sent[sent["resend_kind"] == "user resend"]
    yield "user_resend", again if has_kinds else None
    # A log does not show who sent again: none of it can be a server's only if there is none at all.
    of_server = has_kinds and not (recorded(record) and len(again))
    yield "server_resend", sent[sent["resend_kind"] == "server resend"] if of_server else None
    countries = fraudulent(record)
    if countries is not None:
        yield "fraudulent", _fraud(record, countries)


def fraudulent(record: Record) -> dict[str, str] | None:
    """The sources that the scenario calls an attack, with their countries; None in a log."""
    scenario = scenario_of(record)
    if scenario is None:
        return None
    return {source.name: source.country for source in scenario.traffic if source.fraudulent}


def fraud(record: Record, countries: dict[str, str]) -> dict[str, Any]:
    """The numbers of the row `fraudulent` alone, of those sources."""
    return _row(record, _fraud(record, countries))


def _fraud(record: Record, countries: dict[str, str]) -> pd.DataFrame:
    sources = record.tallies.sources
    cells = sources[sources["source"].isin(list(countries)) & ~sources["charge"].isin(REFUSED)]
    return cells.assign(country=cells["source"].map(countries))


def _row(record: Record, cells: pd.DataFrame | None) -> dict[str, Any]:
    """Sums of a kind, None where they are not known."""
    if cells is None:
        return {}
    sums: dict[str, Any] = {name: int(cells[name].sum()) for name in ("messages", "segments")}
    if (cells["charge"] == "unknown").any():
        return sums
    sums["billed_micro"] = int(cells["cost_micro"].sum())
    if not priced(record):
        # An export shows what a message cost, and not what packages gave.
        return sums
    covered = cells.groupby("country")["covered_segments"].sum()
    sums["covered_segments"] = int(covered.sum())
    prices = _prices(record)
    all_priced = all(country in prices for country in covered.index[covered > 0])
    if all_priced:
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
