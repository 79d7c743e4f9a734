"""Which value of a threshold was in force when: as the scenario sets it, and as it was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.record.record import Record
from smssim.report.spans import microseconds, periods
from smssim.scenario import Thresholds

Ints = NDArray[np.int64]


class _Change(NamedTuple):
    """What happened to a threshold: it fired, was set to a value, or its period turned."""

    at: int
    event: str
    value: int = 0


def values_in_force(
    record: Record, name: str, rules: Thresholds, before: Sequence[int] | Ints
) -> Ints:
    """The value of *name*, `daily_alarm` and so on, in force just before each instant (us).

    A smaller alarm waits for the next day or month once one has fired (docs/model.md, Thresholds).
    """
    at, values = [np.iinfo(np.int64).min], [int(getattr(rules, name))]
    waiting, fired = values[0], False
    for change in _changes(record, name):
        if change.event == "alarm":
            fired = True
            continue
        if change.event == "turn":
            fired = False
        else:
            waiting = change.value
        if not (fired and name.endswith("alarm") and waiting < values[-1]):
            at.append(change.at)
            values.append(waiting)
    return np.array(values, np.int64)[np.searchsorted(at, before) - 1]


def _changes(record: Record, name: str) -> Iterator[_Change]:
    """Everything that may change what is in force, in order; a turn comes first at its instant."""
    period = "day" if name.startswith("daily") else "month"
    found = [_Change(span.start, "turn") for span in periods(record, period)]
    events = record.events
    if events is not None:
        event, subject = (events[column].to_numpy() for column in ("event", "subject"))
        own = (event == "thresholds_set") & (subject == name)
        own |= (event == "alarm") & (subject == period)
        # Selected before anything else: few events are, and every run of an experiment asks.
        told = np.flatnonzero(own)
        at = microseconds(events["at"])[told].tolist()
        values = events["value"].to_numpy(np.int64, na_value=0)[told].tolist()
        found += map(_Change, at, event[told], values)
    yield from sorted(found, key=lambda change: change.at)
