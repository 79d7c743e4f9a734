"""Columns in the making: what the lines of a capture say, row by row in the order of the file."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

from smssim.logs.captures.fields import Report
from smssim.logs.captures.sent import Codes, Integers

_NO_CODE = -1


class Labels:
    """A categorical column: each new label gets the next code."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._column = array("i")

    def add(self, label: str | None) -> None:
        """Add a row; None or "" is NA."""
        codes = self._codes
        self._column.append(codes.setdefault(label, len(codes)) if label else _NO_CODE)

    def done(self) -> Codes:
        """Return the column, its labels in the order in which they came."""
        return Codes(np.array(self._column, np.int64), list(self._codes))


def _times() -> array[int]:
    return array("q")


def _small() -> array[int]:
    return array("b")


@dataclass
class MessageRows:
    """Messages, a row each: times in microseconds since 1970 UTC, 0 segments where not said."""

    submitted: array[int] = field(default_factory=_times)
    request: array[int] = field(default_factory=_times)
    recipient: array[int] = field(default_factory=_times)
    segments: array[int] = field(default_factory=_small)
    place: array[int] = field(default_factory=_small)
    channel: Labels = field(default_factory=Labels)
    template: Labels = field(default_factory=Labels)
    country: Labels = field(default_factory=Labels)
    status: Labels = field(default_factory=Labels)


@dataclass
class ReportRows:
    """Reports, a row each arrival: row of the message, line of the file, the report's fields."""

    message: array[int] = field(default_factory=_times)
    line: array[int] = field(default_factory=_times)
    part: array[int] = field(default_factory=_small)
    source: array[int] = field(default_factory=_small)
    final: array[int] = field(default_factory=_times)
    received: array[int] = field(default_factory=_times)
    status: Labels = field(default_factory=Labels)

    def add(self, message: int, line: int, report: Report) -> None:
        """Add a report of the message in row *message*."""
        self.message.append(message)
        self.line.append(line)
        self.part.append(report.part)
        self.source.append(report.source)
        self.final.append(report.final)
        self.received.append(report.received)
        self.status.add(report.status)


def integers(column: array[int]) -> Integers:
    """Return a column as an array of int64."""
    return np.array(column, np.int64)
