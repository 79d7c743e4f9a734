"""Our own log against what the console knows of the same period: what we never heard, its cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smssim.record.record import Record
from smssim.report._record import keys_of, summed
from smssim.report.delivery import place_of
from smssim.report.needs import needs

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("day", "country")
_COUNTS = ("accepted", "told", "delivered")
_COLUMNS = [f"{name}_{side}" for name in _COUNTS for side in ("ours", "console")]


@needs("money")
def reconcile(ours: Record, console: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Hold our own log against the console's of the same period: one row a group, by UTC day of
    submission, by country, both or nothing.

    `accepted` are the messages that the API took, `told` those whose final status is known and
    `delivered` those with DELIVRD, each as `_ours` and as `_console`. `unheard` is told by the
    console less told by us, and `unheard_share` its share of what the console tells (NaN of
    nothing); it is below 0 where the export lacks messages, as a cut one does. `unheard_micro` is
    what unheard messages were charged beyond packages, in millionths, and `unheard_usd` (or
    whatever the currency is) the same in whole units; NA where the console's record does not tell
    the cost of each, which `smssim.rate` makes known. Counts of one period have no interval.

    Assumption: an unheard message costs what those of its group, country and status cost on
    average. A simulated record stands for the console's, as it knows what the platform knows.
    Raise a ValueError for other groups: our log names no applications and types as the console's.
    """
    keys = keys_of(by, KEYS)
    cells = list(dict.fromkeys([*keys, "country", "status"]))
    names = {"cost_micro": "cost_micro_console"}
    theirs = _accepted(console, cells, "console").rename(columns=names)
    mine = _accepted(ours, cells, "ours").drop(columns="cost_micro")
    # A merge finds NA in NA: messages without a country, and those without a status yet.
    both = mine.merge(theirs, how="outer", on=cells)
    both[[*_COLUMNS, *names.values()]] = both[[*_COLUMNS, *names.values()]].fillna(0)
    told = both["told_console"]
    unheard = (told - both["told_ours"]).clip(lower=0)
    both["unheard_micro"] = unheard * (both["cost_micro_console"] / told.where(told > 0, 1))
    found = summed(both[[*keys, *_COLUMNS, "unheard_micro"]], keys).reset_index(drop=not keys)
    return _with_unheard(found.astype(dict.fromkeys(_COLUMNS, "int64")), console)


def _accepted(record: Record, cells: list[str], side: str) -> pd.DataFrame:
    """Messages that the API took, refused by the platform afterwards or not, one row a cell."""
    money = record.tallies.money
    taken = money[(place_of(money) == 0) | (place_of(money) == 3)]
    told = taken["status"].notna() & (taken["status"] != "ACCEPTD")
    own = taken[[*cells, "cost_micro"]].assign(
        **{
            f"accepted_{side}": taken["messages"],
            f"told_{side}": taken["messages"].where(told, 0),
            f"delivered_{side}": taken["messages"].where(taken["status"] == "DELIVRD", 0),
        }
    )
    sums: pd.DataFrame = own.groupby(cells, dropna=False).sum().reset_index()
    return sums


def _with_unheard(found: pd.DataFrame, console: Record) -> pd.DataFrame:
    """What the console tells and we do not, and its cost where that is known."""
    told, cost = found["told_console"], found.pop("unheard_micro").round().astype("Int64")
    unheard = told - found["told_ours"]
    if (console.tallies.money["charge"] == "unknown").any():
        cost[:] = None
    whole = f"unheard_{console.currency.lower() if console.currency else 'cost'}"
    return found.assign(
        unheard=unheard,
        unheard_share=unheard / told.where(told > 0),
        unheard_micro=cost,
        **{whole: cost.astype("Float64").astype("float64") / 1e6},
    )
