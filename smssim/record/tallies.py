"""Tallies: the small aggregates that reports are computed from, bounded in size and mergeable.

They are what a run or a record hands on when its rows are not stored; `smssim.record.counting`
makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.calendars import MINUTE
from smssim.record.schema import RefusalStage

__all__ = [
    "CHARGES",
    "MEASURES",
    "NAMES",
    "OUTCOMES",
    "REFUSED",
    "SLOT_US",
    "WITHIN",
    "Tallies",
    "charges",
    "outcomes",
]

SLOT_US = 15 * MINUTE
REFUSED = tuple(stage.charge for stage in RefusalStage if stage)
CHARGES = ("package", "pay_per_use", *REFUSED, "split", "unknown")
"""How a message was paid for, or where it was refused."""
OUTCOMES = ("delivered", "expired", "failed", "in_flight", "refused", "refused_platform")
"""The outcome of a message; refused by the request's code or in the answer, or by the platform
afterwards.
"""
MEASURES = (
    *("messages", "segments", "covered_segments", "cost_micro", "requests", "same_text"),
    *("reports", "deliveries"),
)
WITHIN = ("3_min", "later")
"""How long after submission a status was made, where no more than that is known."""
NAMES = (
    "money",
    "templates",
    "sources",
    "clock",
    "latency",
    "template_latency",
    "undelivered",
    "template_undelivered",
    "censored",
    "template_censored",
    "within_3_min",
    "mix",
    "sizes",
    "push",
)


class Tallies:
    """The tallies as tidy frames, one row per cell that is not empty; `latency`, `undelivered` and
    `censored` are two frames each.

    Keys are UTC days and 15-minute slots, names, and delay bins (numbers of
    `smssim.stats.delay_bins`). *latency* holds delivered messages, from submission to delivery;
    *undelivered* those that failed or expired, until then; *censored* those pending at the end, by
    their age; *within_3_min* those whose time of status is only known as `WITHIN`, or not at all
    (NA), which a simulation has none of; *mix* and *sizes* what a fit needs, messages by their
    segments and requests by their recipients; *push* reports by delay to their first arrival (bin 0
    when none arrived, NA when it cannot be known). Made of frames by name, or of functions that
    make them when first asked for. Tallies of disjoint requests with the same end merge.
    """

    def __init__(
        self, observed_until: int, **frames: pd.DataFrame | Callable[[], pd.DataFrame]
    ) -> None:
        if sorted(frames) != sorted(NAMES):
            raise ValueError(f"frames(={sorted(frames)}) must be {sorted(NAMES)}")
        self.observed_until = observed_until
        self._frames = frames

    def frame(self, name: str) -> pd.DataFrame:
        """One tally by its name."""
        frame = self._frames[name]
        if callable(frame):
            frame = self._frames[name] = frame()
        return frame

    @property
    def money(self) -> pd.DataFrame:
        """Messages, segments and charges by day, country, application, type, charge, status and
        kind of resend (NA where it is unknown).
        """
        return self.frame("money")

    @property
    def templates(self) -> pd.DataFrame:
        """Messages, segments and charges by template, with its application and type, charge and
        status.
        """
        return self.frame("templates")

    @property
    def sources(self) -> pd.DataFrame:
        """Messages, segments and charges by source (traffic, calls or group task; NA in a log that
        does not show it), charge and status.
        """
        return self.frame("sources")

    @property
    def clock(self) -> pd.DataFrame:
        """Messages and segments by 15-minute slot (UTC), country and outcome."""
        return self.frame("clock")

    @property
    def latency(self) -> pd.DataFrame:
        """Delivered messages by country, type and delay bin."""
        return self.frame("latency")

    @property
    def template_latency(self) -> pd.DataFrame:
        """Delivered messages by template and delay bin."""
        return self.frame("template_latency")

    @property
    def undelivered(self) -> pd.DataFrame:
        """Messages that failed or expired by country, type, outcome and delay bin."""
        return self.frame("undelivered")

    @property
    def template_undelivered(self) -> pd.DataFrame:
        """Messages that failed or expired by template, outcome and delay bin."""
        return self.frame("template_undelivered")

    @property
    def censored(self) -> pd.DataFrame:
        """Messages pending at the end by country, type and bin of their age."""
        return self.frame("censored")

    @property
    def template_censored(self) -> pd.DataFrame:
        """Messages pending at the end by template and bin of their age."""
        return self.frame("template_censored")

    @property
    def within_3_min(self) -> pd.DataFrame:
        """Messages of a log whose status is known but not its time, and which have a sending
        result (DOMAIN.md section 9), by country, type, outcome and what the result shows (WITHIN).

        Frames do not show the result: made of them alone, this one is empty.
        """
        return self.frame("within_3_min")

    @property
    def mix(self) -> pd.DataFrame:
        """Messages by country, template and their own number of segments (`segments_each`, 0 where
        it is not known), and requests by that of their first recipient's message.
        """
        return self.frame("mix")

    @property
    def sizes(self) -> pd.DataFrame:
        """Requests by country, template and size, their number of recipients (501 for more than
        500); `same_text` are those of two and more whose messages all have as many segments.

        Empty where requests are not known: the rows of an export do not show them.
        """
        return self.frame("sizes")

    @property
    def push(self) -> pd.DataFrame:
        """Delivery reports by state, attempts and bin of the delay to their arrival."""
        return self.frame("push")

    def merge(self, *others: Tallies) -> Tallies:
        """The tallies of all messages together. Raise a ValueError unless all end at the same
        instant.
        """
        ends = {self.observed_until, *(other.observed_until for other in others)}
        if len(ends) > 1:
            raise ValueError(
                f"observed_until(={sorted(ends)}) must be the same for tallies to merge"
            )
        parts = {name: [t.frame(name) for t in (self, *others)] for name in NAMES}
        return Tallies(
            self.observed_until,
            **{
                name: _summed(pd.concat(frames, ignore_index=True))
                for name, frames in parts.items()
            },
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"observed_until": self.observed_until, "_frames": {n: self.frame(n) for n in NAMES}}


def _summed(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [column for column in frame.columns if column not in MEASURES]
    summed = frame.groupby(keys, dropna=False, sort=False, as_index=False).sum()
    return summed.sort_values(keys, na_position="first", ignore_index=True)


def charges(messages: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """How each message was paid for, as codes of CHARGES."""
    covered, stage = messages["covered_segments"], messages["refused_at"]
    code = {name: np.int8(CHARGES.index(name)) for name in CHARGES}
    assert code["pay_per_use"] == code["package"] + 1
    packaged = covered > 0
    charge = (~packaged).view(np.int8) + code["package"]
    packaged &= messages["cost_micro"] > 0
    charge[np.flatnonzero(packaged)] = code["split"]
    # A log may know what a message cost, and not what packages gave.
    unknown = covered < 0
    unknown &= messages["cost_micro"] == 0
    charge[np.flatnonzero(unknown)] = code["unknown"]
    refused = np.flatnonzero(stage > 0)
    charge[refused] = stage[refused] - RefusalStage.REQUEST + code[RefusalStage.REQUEST.charge]
    return charge


def outcomes(messages: Mapping[str, NDArray[Any]], statuses: Sequence[str]) -> NDArray[Any]:
    """The outcome of each message, as codes of OUTCOMES."""
    names = {"DELIVRD": "delivered", "EXPIRED": "expired", "ACCEPTD": "in_flight"}
    by_status = [OUTCOMES.index(names.get(status, "failed")) for status in statuses]
    by_status.append(OUTCOMES.index("in_flight"))
    outcome: NDArray[Any] = np.array(by_status, np.int8)[messages["status"].astype(np.intp)]
    stage = messages["refused_at"]
    refused = np.flatnonzero(stage > 0)
    by_platform = stage[refused] == RefusalStage.PLATFORM
    outcome[refused] = OUTCOMES.index("refused") + by_platform
    return outcome
