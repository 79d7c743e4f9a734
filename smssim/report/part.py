"""A part of a record's month, or all of it, as the plain numbers that its figures are made of.

What narrows it are values of the tallies' own keys, so that the part is exactly what its rows are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.record.record import Record
from smssim.report._record import recorded
from smssim.report.delivery import SHARES, counts_of, delay_tallies, validity_bin
from smssim.report.latencies import COLUMNS, figures
from smssim.report.timing import results_told
from smssim.stats.intervals import wilson
from smssim.stats.survival import UNKNOWN, by_bin

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
_NUMBERS = ("bin", "messages", "cost_micro")
_CELLS = ("charge", "status", "messages", "cost_micro")


class Part:
    """The messages of a record *where* keys have these values: a template, or any of country,
    application and type; all of them without. Numbers are those of `report.delivery`.
    """

    def __init__(self, record: Record, where: Mapping[str, Any] | None = None) -> None:
        self.record, self.where = record, where or {}

    @cached_property
    def cells(self) -> dict[str, NDArray[Any]]:
        """Charge, status, messages and cost_micro of each cell of the part."""
        tallies = self.record.tallies
        return self._own(tallies.templates if self._of_template else tallies.money, _CELLS)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Messages by what became of them, in a log with those that have no report by now."""
        return {name: int(own.sum()) for name, own in counts_of(self.cells).items()}

    @property
    def in_flight(self) -> int | None:
        """Messages in flight; None in a log that cannot tell them from those without a report."""
        if not recorded(self.record):
            return self.counts["in_flight"]
        if not self._has_delays:
            return None
        return self.counts["in_flight"] - int(self._bins[1][validity_bin() :].sum())

    @property
    def shares(self) -> dict[str, float]:
        """The share delivered of what is known, and its interval."""
        delivered, failed, expired = (self.counts[n] for n in ("delivered", "failed", "expired"))
        known = delivered + failed + expired
        return dict(zip(SHARES, wilson(delivered, known) if known else UNKNOWN, strict=True))

    @property
    def delays(self) -> dict[str, float]:
        """The columns of delays: NaN by application, which they are not tallied by."""
        if not self._has_delays:
            return dict.fromkeys(COLUMNS, float("nan"))
        seen, flying = self._bins
        if recorded(self.record):
            flying = np.where(np.arange(len(flying)) < validity_bin(), flying, 0)
        values = figures(seen, flying, self.counts["delivered"], *self._results)
        return dict(zip(COLUMNS, values, strict=True))

    @property
    def _of_template(self) -> bool:
        return "template" in self.where

    @property
    def _has_delays(self) -> bool:
        return "application" not in self.where

    @cached_property
    def _bins(self) -> tuple[Ints, Ints]:
        """Messages by bin: the delays of those delivered, the ages of those in flight."""
        seen, flying = (
            self._own(tally, ("bin", "messages"))
            for tally in delay_tallies(self.record, ["template"] if self._of_template else [])
        )
        return by_bin(seen["bin"], seen["messages"]), by_bin(flying["bin"], flying["messages"])

    @property
    def _results(self) -> tuple[int, int]:
        """Deliveries that results tell of, which are told by country and type alone."""
        if self._of_template:
            return 0, 0
        told, soon = results_told(self.record)
        own = self._rows(self.record.tallies.coarse)
        return int(told[own].sum()), int(soon[own].sum())

    def _own(self, tally: pd.DataFrame, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
        """Some columns of the part's cells of a tally."""
        own, kinds = self._rows(tally), dict.fromkeys(_NUMBERS, np.int64)
        return {name: tally[name].to_numpy(kinds.get(name))[own] for name in names}

    def _rows(self, tally: pd.DataFrame) -> NDArray[np.bool_] | slice:
        """Which cells of a tally are of the part; NA is of none."""
        masks = [tally[key].to_numpy() == value for key, value in self.where.items()]
        return np.logical_and.reduce(masks) if masks else slice(None)
