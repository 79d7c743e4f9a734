"""The outcome of the messages: from all that were requested down to those that arrived."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from smssim import report
from smssim.formatting import missing, share
from smssim.plots._style import (
    FAINT,
    INK,
    drawing,
    fill,
    first_of,
    label_ends,
    legend_below,
    lying,
    set_titles,
    show_message,
    thousands,
)
from smssim.record.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FAILED", "LOST", "OPEN", "REFUSED", "failures", "waterfall"]

_LEVEL, _ARRIVED = fill(0), fill(5)
REFUSED, LOST, OPEN = fill(1, "//"), fill(3, "\\\\"), fill(4, "..")
_STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "requested": ("requested", _LEVEL),
    "refused_request": ("rejected\nat API", REFUSED),
    "refused_number": ("number\nrejected", REFUSED),
    "refused_platform": ("rejected by\nplatform", REFUSED),
    "sent": ("sent", _LEVEL),
    "failed": ("failed", LOST),
    "expired": ("expired", LOST),
    "in_flight": ("pending", OPEN),
    "no_report": ("no report", OPEN),
    "delivered": ("delivered", _ARRIVED),
}
"""Each column of `report.delivery` that is a step, its words below it, and how it is filled."""
_LEVELS = ("requested", "sent", "delivered")
"""Steps that stand on the ground; the others hang where the one before them ended."""


class _Step(NamedTuple):
    """A bar: its column, and from where to where it reaches, in messages."""

    column: str
    bottom: int
    top: int


def waterfall(record: Record | pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how requested messages become delivered ones, a step for each way to get lost.

    Takes a record or the frame of `report.delivery`, whose rows are added up. Steps that no message
    took are left out; the line below the title has the share delivered with its 95% interval.
    """
    frame = report.delivery(record, by=()) if isinstance(record, Record) else record
    counts = {name: int(frame[name].fillna(0).sum()) for name in _STEPS}
    with drawing(ax) as ax:
        if counts["requested"]:
            _draw(ax, _steps_of(counts), counts)
        else:
            show_message(ax, "No message was requested.")
        set_titles(ax, _title(counts), _below(frame))
    return ax


def _steps_of(counts: dict[str, int]) -> list[_Step]:
    """The bars from left to right: levels, and what is lost between them."""
    steps, height = [], counts["requested"]
    for name in _STEPS:
        if name in _LEVELS:
            steps.append(_Step(name, 0, counts[name]))
            height = counts[name]
        elif counts[name]:
            steps.append(_Step(name, height - counts[name], height))
            height -= counts[name]
    return steps


def _draw(ax: Axes, steps: list[_Step], counts: dict[str, int]) -> None:
    for x, (name, bottom, top) in enumerate(steps):
        ax.bar(x, top - bottom, 0.74, bottom, linewidth=1.5, **_STEPS[name][1])
        size = counts[name]
        ax.annotate(
            f"{size:,}\n{share(size / counts['requested'])}",
            (x, top),
            (0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=INK,
            fontweight="bold",
        )
        if x:
            joined = steps[x - 1].bottom or steps[x - 1].top
            level = top if name not in _LEVELS else joined
            ax.plot([x - 0.63, x - 0.37], [level, level], color=FAINT, linewidth=1.5)
    ax.set_xticks(range(len(steps)), [_STEPS[step.column][0] for step in steps])
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.55, len(steps) - 0.45)
    thousands(ax)
    ax.set_ylim(0, 1.16 * counts["requested"])
    ax.set_ylabel("messages")


def _title(counts: dict[str, int]) -> str:
    """How many of all arrive, and where most of the others are lost."""
    requested, delivered = counts["requested"], counts["delivered"]
    if not requested:
        return "No messages"
    reached = share(delivered / requested)
    losses = {name: counts[name] for name in _STEPS if name not in _LEVELS and counts[name]}
    if not losses:
        return f"All {requested:,} messages arrive" if requested > 1 else "The one message arrives"
    most = max(losses, key=lambda name: losses[name])
    step = _STEPS[most][0].replace("\n", " ")
    if requested == 1:
        return f"The one message does not arrive: {step}"
    return f"{reached} of {requested:,} messages arrive; most others: {step}"


def _below(frame: pd.DataFrame) -> str:
    """What is drawn, and the share that is an estimate; that of several groups is none of one."""
    columns = ["delivered_share", "delivered_low", "delivered_high"]
    if len(frame) != 1 or frame[columns].isna().any(axis=None):
        return (
            "Messages requested, lost on the way and delivered, with their share of all requested"
        )
    value, low, high = (share(x) for x in frame[columns].iloc[0])
    return (
        f"Messages, and their share of all requested. Of sent messages "
        f"{value} are delivered (95% interval {low} to {high})"
    )


# Why messages did not arrive: the codes, by how many messages each stopped.

_REFUSED_failures, FAILED = fill(1, "//"), fill(3, "\\\\")
"""How a code that refused a message is filled, and one that it ended with after it was sent."""
_LONGEST = 54
"""Characters of a cause next to a bar."""


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
            show_message(ax, "No message was refused, failed or expired.")
        left_out = f"; {len(more)} rarer codes are left out" if len(more) else ""
        what = "Share of requested messages by code, with its 95% interval"
        set_titles(ax, _title_failures(frame), what + left_out)
    return ax


def _names(frame: pd.DataFrame) -> list[str]:
    """Group and code; the place where one code refuses at several."""
    keys = list(frame.columns[: frame.columns.get_loc("code")])
    twice = frame.duplicated([*keys, "code"], keep=False)
    return [
        " ".join([*map(str, group), code, *([stage or "sent"] if several else [])])
        for group, code, stage, several in zip(
            frame[keys].to_numpy().tolist(), frame["code"], frame["refused_at"], twice, strict=True
        )
    ]


def _bars(ax: Axes, first: pd.DataFrame) -> None:
    shares, low, high = (
        100 * first[name].to_numpy(float) for name in ("share", "share_low", "share_high")
    )
    for row, (value, stage) in enumerate(zip(shares, first["refused_at"], strict=True)):
        ax.barh(row, value, 0.62, **(_REFUSED_failures if stage else FAILED))
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
    label_ends(ax, high.tolist(), [_words(row) for row in first.itertuples()], 1.25, "normal")
    ax.set_xlabel("share of requested messages, %")


def _words(row: Any) -> str:
    """How many, and the first words of the cause."""
    cause = "" if missing(row.cause) else shorten(row.cause, _LONGEST, placeholder=" …")
    return f"{row.messages:,}  {cause}".rstrip()


def _legend(ax: Axes, first: pd.DataFrame) -> None:
    from matplotlib.patches import Patch

    refused = first["refused_at"] != ""
    kinds = (
        (refused, "refused", _REFUSED_failures),
        (~refused, "sent, then failed or expired", FAILED),
    )
    legend_below(ax, [Patch(label=label, **style) for mask, label, style in kinds if mask.any()])


def _title_failures(frame: pd.DataFrame) -> str:
    """How many there are in all, and the most frequent."""
    total = int(frame["messages"].sum())
    if not total:
        return "No message failed"
    keys = frame.columns[: frame.columns.get_loc("code")]
    most = frame.groupby("code")["messages"].sum().idxmax()
    cause = frame.loc[frame["code"] == most, "cause"].iloc[0]
    named = "" if missing(cause) else f" ({str(cause).partition(': ')[0].partition(' (')[0]})"
    phrase = "1 message does" if total == 1 else f"{total:,} messages do"
    if not len(keys):
        phrase = f"{share(frame['share'].sum())} of messages do"
    return f"{phrase} not arrive; most frequent: {most}{named}"
