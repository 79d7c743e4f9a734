"""What a record cost: packages bought, and what no package covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smssim.rating import Tariff, rate
from smssim.record import Record
from smssim.report.groups import KEYS, keys_of
from smssim.report.needs import needs
from smssim.scenario import Package

if TYPE_CHECKING:
    import pandas as pd

ENTRIES = ("package", "pay_per_use", "unknown")
_CHARGED = {"pay_per_use": "pay_per_use", "split": "pay_per_use", "unknown": "unknown"}
_NUMBERS = ("packages", "messages", "segments", "cost_micro")


BY = (*KEYS, "copy")


@needs("money", "packages")
def cost(
    record: Record,
    /,
    by: str | Sequence[str] = ("country", "copy"),
    *,
    tariff: str | Path | pd.DataFrame | Tariff | None = None,
    packages: Sequence[Package | Mapping[str, Any]] = (),
    **terms: Any,
) -> pd.DataFrame:
    """The bill, one row a group and entry; resent messages have lines of their own.

    *by* is day, country, application, type or copy, or a list of them. Copies are `first`,
    `server resend` and `user resend` (`smssim.tables.COPIES`); NA for packages, which serve all
    copies, and in a log, which does not tell.

    Entry `package` counts packages and segments bought, on the day and for the country they were
    bought for; they serve every application and type, which are NA there. Entry `pay_per_use`
    counts messages with at least one segment that no package covered, and those segments. Entry
    `unknown` is what a log holds: messages sent and their segments, without a price. Money is exact
    in `cost_micro` (millionths) and in whole units in `cost_usd`, or whatever the currency is;
    where it is not known it is NA. The rows sum to the ledger's purchases and settlements.

    With a *tariff* the record is rated first by it, *packages* and *terms*, which are those of
    `smssim.rate`. Raise a ValueError for packages or terms without a tariff.
    """
    import pandas as pd

    if tariff is not None:
        record = rate(record, tariff, packages, **terms)
    elif packages or terms:
        given = ", ".join([*(["packages"] if packages else []), *terms])
        raise ValueError(f"{given} must be given with a tariff: they are terms of rating")

    keys = keys_of(by, BY)
    rows = pd.concat([_bought(record), _charged(record)], ignore_index=True)
    rows["entry"] = pd.Categorical(rows["entry"], ENTRIES)
    groups = rows.groupby([*keys, "entry"], dropna=False, observed=True)
    # With min_count a sum of nothing but NA stays NA, where it would be 0.
    bill = groups[list(_NUMBERS)].sum(min_count=1).reset_index()
    bill["entry"] = bill["entry"].astype("str")
    bill[f"cost_{record.currency.lower()}" if record.currency else "cost"] = (
        bill["cost_micro"].astype("Float64").astype("float64") / 1e6
    )
    return bill


def _bought(record: Record) -> pd.DataFrame:
    """A row a purchase."""
    import pandas as pd

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


def _charged(record: Record) -> pd.DataFrame:
    """A row a cell of the money tally that was charged for, or may have been."""
    money = record.tallies.money
    charged = money[money["charge"].isin(list(_CHARGED))]
    entry = charged["charge"].map(_CHARGED)
    known = entry == "pay_per_use"
    covered = charged["covered_segments"].where(known, 0)
    return _rows(
        charged.assign(
            entry=entry,
            segments=charged["segments"] - covered,
            cost_micro=charged["cost_micro"].astype("Int64").where(known),
        )
    )


def _rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns of every part of the bill, NA where it has none."""
    types = {
        "day": "datetime64[us]",
        "country": "str",
        "application": "str",
        "type": "str",
        "copy": "str",
        "entry": "str",
    }
    return frame.reindex(columns=[*types, *_NUMBERS]).astype(
        types | dict.fromkeys(_NUMBERS, "Int64")
    )
