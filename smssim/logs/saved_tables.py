"""A messages.parquet of a saved record without its tallies: counted again from the rows, with the
reports.parquet next to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.logs.log import Log
from smssim.record.from_frames import CodedCounter
from smssim.record.parquet import read_compact, read_table, types_in
from smssim.record.schema import NAT
from smssim.record.storage import about, is_record

if TYPE_CHECKING:
    import pandas as pd

    from smssim.record.counting import Array

_PARQUET = b"PAR1"
_MESSAGES, _REPORTS = "messages.parquet", "reports.parquet"
_CODED = ("country", "application", "template", "type", "status", "source")
_COLUMNS = dict.fromkeys((*_CODED, "resend_number", "covered_segments"), -1)
_COLUMNS |= {"refused_at": 0, "segments": 0, "cost_micro": 0, "submitted_at": NAT, "final_at": NAT}
_OF_REPORTS = {"message": 0, "state": -1, "attempts": -1, "deliveries": 0, "received_at": NAT}
_TIMES = ("submitted_at", "final_at", "received_at")


@dataclass(frozen=True)
class _About:
    """What a provenance.json next to the tables states."""

    period: tuple[int, int] | None = None
    name: str | None = None
    currency: str | None = None
    servers: frozenset[str] = frozenset()


def is_saved_table(path: Path) -> bool:
    """Whether a path is a file of messages of a saved record."""
    try:
        with path.open("rb") as file:
            if file.read(len(_PARQUET)) != _PARQUET:
                return False
        return {"submitted_at", "refused_at", "status"} <= types_in(path).keys()
    except (OSError, ValueError):
        return False


def read_saved_table(path: Path, name: str, *, rows: bool) -> Log:
    """Count a file of messages, and the reports next to it, from their rows; with *rows* these are
    kept as frames.

    Raise a ValueError for a file that is not whole, and for rows outside of the period that a
    provenance.json next to them states.
    """
    files = [path]
    if path.name == _MESSAGES and path.with_name(_REPORTS).is_file():
        files.append(path.with_name(_REPORTS))
    stated = _about(path.parent) if path.name == _MESSAGES else _About()
    first_us, until_us = _period(files, stated)
    counter, number = _counted(files, stated, first_us, until_us)
    frames: dict[str, pd.DataFrame] = {}
    if rows:
        frames = dict(zip(("messages", "reports"), map(read_table, files), strict=False))
    return Log(
        name=stated.name or name,
        observed_from=first_us,
        observed_until=until_us,
        currency=stated.currency,
        tallies=counter.tallies(),
        provenance=_provenance(files, number),
        **frames,
    )


def _counted(
    files: list[Path], stated: _About, first_us: int, until_us: int
) -> tuple[CodedCounter, int]:
    """Everything counted, and the number of messages."""
    types = {name: type_ for file in files for name, type_ in types_in(file).items()}
    coded = (*_CODED, "state")
    labels = {name: types[name].categories or [] if name in types else [] for name in coded}
    counter = CodedCounter(labels, first_us, until_us, stated.servers)
    finals = [np.empty(0, np.int64)]
    for messages in read_compact(files[0], _COLUMNS):
        counter.add_messages(messages)
        finals.append(messages["final_at"])
    final_at = np.concatenate(finals)
    for reports in read_compact(files[1], _OF_REPORTS) if files[1:] else ():
        message: Array = reports["message"]
        if len(message) and not 0 <= message.min() <= message.max() < len(final_at):
            raise ValueError(
                f"{files[1]}: message(={message.max()}) must be below the number of messages, "
                f"{len(final_at)}"
            )
        counter.add_reports(reports, final_at)
    return counter, len(final_at)


def _period(files: list[Path], stated: _About) -> tuple[int, int]:
    """The observed period: as stated, else from the first time to the last."""
    ends = [end for file in files for end in _ends(file)]
    first_us, until_us = min(ends, default=0), max(ends, default=0)
    if stated.period is None:
        return first_us, until_us
    if ends and not stated.period[0] <= first_us <= until_us <= stated.period[1]:
        raise ValueError(
            f"{files[0]}: times from {first_us} to {until_us} us must lie in the period that "
            f"provenance.json states, {stated.period[0]} to {stated.period[1]} us"
        )
    return stated.period


def _ends(file: Path) -> Iterator[int]:
    """The first and the last of all times in a table."""
    names = [name for name in _TIMES if name in types_in(file)]
    for columns in read_compact(file, dict.fromkeys(names, NAT)):
        for times in columns.values():
            some = times[times != NAT]
            if len(some):
                yield from (int(some.min()), int(some.max()))


def _about(directory: Path) -> _About:
    """What is stated next to the tables; nothing, where that is of no record."""
    if not is_record(directory):
        return _About()
    try:
        stated = about(directory)
    except ValueError:
        return _About()
    return _About(
        (stated["observed_from"], stated["observed_until"]),
        stated["name"],
        stated["currency"],
        frozenset(_servers(stated["provenance"].get("scenario"))),
    )


def _servers(scenario: str | None) -> Iterator[str]:
    """The sources of a scenario whose resends are a server's; its rules are not needed for that."""
    document: dict[str, Any] = json.loads(scenario) if scenario else {}
    for sources in document.values():
        for source in sources if isinstance(sources, list) else ():
            if isinstance(source, dict) and source.get("server_resend"):
                yield source["name"]


def _provenance(files: list[Path], messages: int) -> dict[str, Any]:
    return {
        "log": [str(file) for file in files],
        "files": [{"path": str(file), "form": "Parquet", "kind": "ours"} for file in files],
        "counts": {"records_in": messages, "used": messages, "quarantined": 0, "duplicates": 0},
        "quarantined_by_reason": {},
        "repaired": {},
        "passed_over": {},
        "warnings": [],
        "zone": None,
    }
