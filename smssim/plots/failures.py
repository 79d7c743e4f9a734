"""Why messages did not arrive: the codes, by how many messages each stopped."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim import report
from smssim.formatting import missing, share
from smssim.plots._bars import fill, first_of, lying, told_at
from smssim.plots._style import INK, drawing, legend_below, said, titled
from smssim.record.record import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

REFUSED, FAILED = fill(1, "//"), fill(3, "\\\\")
"""How a code that refused a message is filled, and one that it ended with after it was sent."""
_PLACES = {1: "request", 2: "number", 3: "platform"}
_LONGEST = 54
"""Characters of a cause beside a bar."""


def failures(record: Record | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a bar a code: its share of all requested messages with its interval, and its cause.

    Takes a record or the frame of `report.failures`; groups of the frame have bars of their own.
    Codes for which there is no room are counted below the title.
    """
    frame = report.failures(record) if isinstance(record, Record) else record
    table = frame.set_axis(_names(frame))
    first, more = first_of(table, table["messages"])
    with drawing(ax) as ax:
        if len(first):
            _bars(ax, first)
            _legend(ax, first)
        else:
            said(ax, "No message was refused, failed or expired.")
        left_out = f"; {len(more)} rarer codes are left out" if len(more) else ""
        what = "Share of requested messages by code, with its 95 % interval"
        titled(ax, _title(frame), what + left_out)
    return ax


def _names(frame: pd.DataFrame) -> list[str]:
    """Group and code; the place where one code refuses at several."""
    keys = list(frame.columns[: frame.columns.get_loc("code")])
    twice = frame.duplicated([*keys, "code"], keep=False)
    return [
        " ".join([*map(str, group), code, *([_PLACES.get(place, "sent")] if several else [])])
        for group, code, place, several in zip(
            frame[keys].to_numpy().tolist(), frame["code"], frame["place"], twice, strict=True
        )
    ]


def _bars(ax: Axes, first: pd.DataFrame) -> None:
    shares, low, high = (
        100 * first[name].to_numpy(float) for name in ("share", "share_low", "share_high")
    )
    for row, (value, place) in enumerate(zip(shares, first["place"], strict=True)):
        ax.barh(row, value, 0.62, **(REFUSED if place else FAILED))
    ax.errorbar(
        shares,
        np.arange(len(first)),
        xerr=np.abs([shares - low, high - shares]),
        fmt="none",
        ecolor=INK,
        elinewidth=2,
        capsize=5,
    )
    lying(ax, list(first.index))
    told_at(ax, high.tolist(), [_words(row) for row in first.itertuples()], 1.25, "normal")
    ax.set_xlabel("share of requested messages, %")


def _words(row: Any) -> str:
    """How many, and the first words of the cause."""
    cause = "" if missing(row.cause) else shorten(row.cause, _LONGEST, placeholder=" …")
    return f"{row.messages:,}  {cause}".rstrip()


def _legend(ax: Axes, first: pd.DataFrame) -> None:
    from matplotlib.patches import Patch

    refused = first["place"] > 0
    kinds = ((refused, "refused", REFUSED), (~refused, "sent, then failed or expired", FAILED))
    legend_below(ax, [Patch(label=label, **style) for own, label, style in kinds if own.any()])


def _title(frame: pd.DataFrame) -> str:
    """How many there are in all, and the most frequent."""
    total = int(frame["messages"].sum())
    if not total:
        return "No message failed"
    keys = frame.columns[: frame.columns.get_loc("code")]
    most = frame.groupby("code")["messages"].sum().idxmax()
    cause = frame.loc[frame["code"] == most, "cause"].iloc[0]
    named = "" if missing(cause) else f" ({str(cause).partition(': ')[0].partition(' (')[0]})"
    told = "1 message does" if total == 1 else f"{total:,} messages do"
    if not len(keys):
        told = f"{share(frame['share'].sum())} of messages do"
    return f"{told} not arrive; most frequent: {most}{named}"
