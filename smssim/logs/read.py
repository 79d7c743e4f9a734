"""Read a capture into a Log: the record of a month as its customer saw it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from smssim.logs.captures.collect import Collector
from smssim.logs.captures.join import joined
from smssim.logs.captures.stream import lines_of
from smssim.logs.frames import messages_frame, reports_frame
from smssim.record import Record

if TYPE_CHECKING:
    import pandas as pd

    from smssim.tally import Tallies


@dataclass(frozen=True, repr=False)
class Log(Record):
    """A Record that was read and not simulated; what could not be used is in its quarantine."""


def read_log(path: str | Path) -> Log:
    """Read a capture, JSON lines or JSON lines compressed by gzip (.gz).

    What the wire cannot show is NA. Nothing that stands in the file raises an error: a record
    that cannot be used is in `quarantine`, and `provenance["counts"]` holds `records_in`,
    `used` and `quarantined`. Raise an OSError for a file that cannot be opened.
    """
    path = Path(path)
    found = Collector(str(path))
    with _opened(path) as stream:
        _collect(stream, found)
    found.end()
    known, known_reports = joined(found.messages, found.reports)
    messages, reports = messages_frame(known), reports_frame(known_reports)
    return Log(
        name=path.name.removesuffix(".gz").removesuffix(".jsonl"),
        observed_from=found.first,
        observed_until=found.last,
        currency=None,
        tallies=_tallies(messages, reports, found.first, found.last),
        messages=messages,
        reports=reports,
        quarantine=found.quarantine.frame(),
        provenance={"capture": str(path), "counts": _counts(found)},
    )


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _collect(stream: IO[bytes], found: Collector) -> None:
    for row, data, broken in lines_of(stream):
        if broken:
            found.unreadable(row, broken, data)
        else:
            found.line(row, data)


def _counts(found: Collector) -> dict[str, int]:
    return {
        "records_in": found.records_in,
        "used": found.used,
        "quarantined": len(found.quarantine),
    }


def _tallies(messages: pd.DataFrame, reports: pd.DataFrame, first: int, until: int) -> Tallies:
    from smssim.tally import tally_frames

    return tally_frames(messages, reports, first, until)
