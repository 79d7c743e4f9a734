"""Read a capture into a Log: the record of a month as its customer saw it."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from smssim.logs.captures.read import pieces_of
from smssim.logs.captures.stream import lines_of
from smssim.logs.facts.outcome import Outcome, outcome
from smssim.logs.facts.packed import Names
from smssim.logs.facts.resolve import REASONS
from smssim.logs.facts.spill import Spill
from smssim.logs.files.again import texts
from smssim.logs.files.encoding import UTF8
from smssim.logs.files.opened import capture_lines
from smssim.logs.files.raw import start_of
from smssim.logs.quarantine import Quarantine
from smssim.record import Record


@dataclass(frozen=True, repr=False)
class Log(Record):
    """A Record that was read and not simulated; what could not be used is in its quarantine."""


def read_log(path: str | Path) -> Log:
    """Read a capture, JSON lines or JSON lines compressed by gzip.

    What the wire cannot show is NA. Nothing that stands in the file raises an error: a record
    that cannot be used is in `quarantine`, and `provenance["counts"]` holds `records_in`,
    `used`, `quarantined` and `duplicates`. Raise an OSError for a file that cannot be opened.
    """
    path = Path(path)
    start_of(path, 1)
    names, quarantine, records = Names(), Quarantine(), 0
    with Spill() as facts:
        lines = lines_of(partial(capture_lines, path, UTF8))
        for piece in pieces_of(lines, 0, names, secrets.token_bytes(16), count()):
            records += piece.records
            for row, reasons, text in piece.refused:
                quarantine.add(str(path), row, reasons, text)
            facts.add(piece.sends, piece.reports)
        found = outcome(facts, names, rows=True)
    _condemn(found, path, quarantine)
    return Log(
        name=path.name.removesuffix(".gz").removesuffix(".jsonl"),
        observed_from=found.observed_from,
        observed_until=found.observed_until,
        currency=None,
        tallies=found.tallies,
        messages=found.messages,
        reports=found.reports,
        quarantine=quarantine.frame(),
        provenance=_provenance(path, records, found, quarantine),
    )


def _condemn(found: Outcome, path: Path, quarantine: Quarantine) -> None:
    """Quarantine what only the join showed to be unusable, its lines read again."""
    of_row: dict[int, list[int]] = defaultdict(list)
    for _, row, _, reason in found.condemned.tolist():
        of_row[row].append(reason)
    told = texts(path, of_row, {"form": "capture", "encoding": UTF8})
    left = found.reasons.copy()
    for row, reasons in of_row.items():
        for reason in reasons:
            quarantine.add(str(path), row, (REASONS[reason],), told.get(row, ""))
            left[REASONS[reason]] -= 1
    for reason, records in left.items():
        quarantine.count(reason, records)


def _provenance(path: Path, records: int, found: Outcome, quarantine: Quarantine) -> dict[str, Any]:
    return {
        "capture": str(path),
        "counts": {
            "records_in": records,
            "used": found.used,
            "quarantined": len(quarantine),
            "duplicates": found.duplicates,
        },
        "quarantined_by_reason": dict(quarantine.reasons.most_common()),
    }
