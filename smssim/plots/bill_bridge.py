"""Why a bill changed: a waterfall from one bill to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from smssim import report
from smssim.formatting import amount
from smssim.plots._style import WARNING, drawing, fill, label_ends, lying, set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from smssim.record.record import Record

__all__ = ["bill_bridge"]


def bill_bridge(
    a: Record | pd.DataFrame, b: Record | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw what changed between two bills: a bar each, and between them one for each factor.

    Takes two records, or the frame of `report.bill_bridge`. Each factor's bar begins where that
    above it ends; what makes the bill dearer is red. Raise a ValueError for one record alone.
    """
    if not isinstance(a, pd.DataFrame):
        if b is None:
            raise ValueError("b(=None) must be a record: a bridge leads from one bill to another")
        a = report.bill_bridge(a, b)
    frame = a
    currency = str(frame.columns[-1]).removeprefix("amount").removeprefix("_").upper()
    steps = frame["amount_micro"].to_numpy() / 1e6
    ends = steps.cumsum()
    ends[-1] = steps[-1]
    starts = ends - steps
    with drawing(ax) as ax:
        for row, (start, step) in enumerate(zip(starts.tolist(), steps.tolist(), strict=True)):
            if row in (0, len(steps) - 1):
                style = fill(0)
            else:
                style = {"color": WARNING} if step > 0 else fill(1, "//")
            ax.barh([row], [step], left=[start], height=0.7, **style)
        lying(ax, frame["factor"].tolist())
        texts = [f"{step:+,.2f}" for step in steps]
        texts[0], texts[-1] = (amount(step) for step in (steps[0], steps[-1]))
        label_ends(ax, pd.DataFrame([starts, ends]).max().tolist(), texts, 0.16)
        ax.set_xlabel(currency)
        ax.set_ylabel("")
        set_titles(ax, _title(frame, currency), "Each factor's mean change over all orders")
    return ax


def _title(frame: pd.DataFrame, currency: str) -> str:
    """How much the bill changed, and by what most."""
    before, after = (float(frame["amount_micro"].iloc[at]) / 1e6 for at in (0, -1))
    if before == after:
        return f"Both bills are {amount(before)} {currency}"
    factors = frame.iloc[1:-1].set_index("factor")["amount_micro"]
    most = factors.abs().idxmax()
    way = "more" if after > before else "less"
    change = f"{amount(abs(after - before))} {currency} {way} than {amount(before)}"
    return f"The bill is {change}, most of all by {most}"
