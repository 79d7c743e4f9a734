"""What each country cost, and how much of it was packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from smssim import report
from smssim.formatting import amount
from smssim.plots._style import (
    drawing,
    fill,
    first_of,
    label_ends,
    legend_below,
    lying,
    set_titles,
    show_message,
)
from smssim.record.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PAID", "UNPRICED", "cost"]

PAID: dict[str, tuple[str, dict[str, Any]]] = {
    "package": ("packages", fill(0)),
    "pay_per_use": ("pay-per-use", fill(1, "//")),
}
"""How each entry of the bill is named and filled."""
UNPRICED = "Without a price list the cost of these messages is not known: rate the record first."


def cost(record: Record | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the bill as a bar a country, packages first and pay-per-use after them.

    Takes a record or the frame of `report.cost`, whose groups are then the bars; copies are added
    up. The dearest come first; groups for which there is no room are added up below the title.
    """
    frame = report.cost(record, by="country") if isinstance(record, Record) else record
    currency = _currency_of(frame)
    bill = _by_entry(frame)
    unpriced = int(frame.loc[frame["entry"] == "unknown", "messages"].sum())
    first, more = first_of(bill, bill.sum(axis=1))
    with drawing(ax) as ax:
        if bill.to_numpy().any():
            _bars(ax, first, currency)
        else:
            show_message(
                ax, UNPRICED if unpriced else "No package was bought and no message was charged."
            )
        set_titles(ax, _title(bill, currency, unpriced), _below(frame, more, currency, unpriced))
    return ax


def _by_entry(frame: pd.DataFrame) -> pd.DataFrame:
    """Whole units of money, a row a group and a column an entry of `PAID`."""
    keys = _keys(frame)
    money = frame[frame["entry"].isin(list(PAID))].copy()
    money["group"] = [", ".join(map(_as_text, row)) or "all" for row in money[keys].to_numpy()]
    money["amount"] = money["cost_micro"].astype("Float64").fillna(0).astype(float) / 1e6
    table = money.pivot_table("amount", "group", "entry", "sum", fill_value=0.0)
    return table.reindex(columns=list(PAID), fill_value=0.0)


def _currency_of(frame: pd.DataFrame) -> str:
    """The currency of a bill, by the name of its column; nothing where it is not known."""
    names = [str(name) for name in frame.columns if str(name).startswith("cost_")]
    return "".join(name.removeprefix("cost_").upper() for name in names if name != "cost_micro")


def _keys(frame: pd.DataFrame) -> list[str]:
    keys = frame.columns[: frame.columns.get_loc("entry")]
    return [key for key in keys if key != "resend_kind"]


def _below(frame: pd.DataFrame, more: pd.DataFrame, currency: str, unpriced: int) -> str:
    """What is drawn, what is not, and what has no price."""
    sentences = [f"Cost by {' and '.join(_keys(frame)) or 'entry of the bill'}"]
    if len(more):
        sentences.append(
            f"{len(more)} more cost {amount(more.to_numpy().sum())} {currency} together"
        )
    if unpriced:
        sentences.append(f"{unpriced:,} messages have no price")
    return "; ".join(sentences)


def _as_text(value: Any) -> str:
    return "not known" if value != value else str(value)


def _bars(ax: Axes, bill: pd.DataFrame, currency: str) -> None:
    from matplotlib.patches import Patch

    rows = range(len(bill))
    left = bill.iloc[:, 0] * 0
    for entry, (_, style) in PAID.items():
        ax.barh(rows, bill[entry], left=left, height=0.7, **style)
        left = left + bill[entry]
    lying(ax, list(bill.index))
    label_ends(ax, left.tolist(), [amount(value) for value in left], 0.16)
    ax.set_xlabel(currency)
    ax.set_ylabel("")
    there = [entry for entry in PAID if bill[entry].any()]
    legend_below(ax, [Patch(label=PAID[entry][0], **PAID[entry][1]) for entry in there])


def _title(bill: pd.DataFrame, currency: str, unpriced: int) -> str:
    """The whole, how much of it is packages, and what is dearest."""
    total = float(bill.to_numpy().sum())
    if not total:
        return "The cost is not known" if unpriced else "Nothing was paid"
    packages = float(bill["package"].sum()) / total
    split = {0.0: "all of it pay-per-use", 1.0: "all of it packages"}
    division = split.get(packages, f"{packages:.0%} of it prepaid packages")
    groups = bill.sum(axis=1)
    most = f"; {groups.idxmax()} is the largest share"
    most = most if len(groups) > 1 else f" for {groups.index[0]}"
    return f"{'At least ' * bool(unpriced)}{amount(total)} {currency}, {division}{most}"
