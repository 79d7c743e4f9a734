"""What a log's reading left out, repaired and recognised, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from smssim.formatting import Grid, count, row_limit, share, wrapped
from smssim.record.record import Record

MOST = 6
"""Reasons that are told; what is left out is counted in a last line."""


def left_out(record: Record) -> list[str]:
    """How many records of a log could not be used and why, and what was done to the others."""
    lines = [used(record), *reasons(record, MOST).lines(), *_where(record)]
    for text in remarks(record, MOST):
        lines += wrapped(text)
    return lines


def nothing_usable(record: Record) -> bool:
    """Whether a log had records, and every one of them was left out."""
    counts = record.provenance.get("counts", {})
    records, rejected = counts.get("records_in", 0), counts.get("quarantined", 0)
    return bool(0 < records <= rejected)


def not_counted(record: Record) -> str:
    """What the figures of a log leave out, as a phrase; empty where it is nothing."""
    n = record.provenance.get("counts", {}).get("quarantined", 0)
    return f"not counting {count(n)} record{'s' * (n != 1)} left out" if n else ""


def used(record: Record) -> str:
    """How many records of a log could be used, in a sentence."""
    counts = record.provenance.get("counts", {})
    records, out = counts.get("records_in", 0), counts.get("quarantined", 0)
    twice = counts.get("duplicates", 0)
    total, repeat = count(records), f"repeat{'s' if twice == 1 else ''} another"
    if not records:
        return "nothing: there is no record"
    if not out and not twice:
        return f"nothing: all {total} records were used"
    if not out:
        return f"nothing: {count(twice)} of {total} records {repeat}, the others were used"
    of = f"{count(out)} of {total} records could not be used ({share(out / records)})"
    return f"{of}; {count(twice)} {repeat}" if twice else of


def reasons(record: Record, most: int) -> Grid:
    """Why records of a log could not be used, the most frequent reason first."""
    counts = record.provenance.get("quarantined_by_reason", {})
    rows = [
        [count(n), reason] for reason, n in list(counts.items())[: row_limit(len(counts), most)]
    ]
    more = len(counts) - len(rows)
    notes = [f"and {more} more reasons"] if more > 0 else []
    return Grid(["records", "why"], rows, "rl", notes)


def _where(record: Record) -> Iterator[str]:
    """Where a person finds what was left out."""
    if out := record.provenance.get("counts", {}).get("quarantined", 0):
        stored = 0 if record.quarantine is None else len(record.quarantine)
        which = "each" if stored == out else f"{count(stored)} of them"
        yield f"--quarantine FILE (or log.quarantine) shows {which} with row and text"


def remarks(record: Record, most: int) -> Iterator[str]:
    """What was repaired or passed over, and what the reader was not sure of, a sentence each."""
    about = record.provenance
    repaired, passed = about.get("repaired", {}), about.get("passed_over", {})
    if repaired:
        yield f"repaired: {_listed(repaired)}"
    if passed:
        yield f"no records, passed over: {_listed(passed)}"
    warnings = about.get("warnings", [])
    most = row_limit(len(warnings), most)
    yield from warnings[:most]
    if len(warnings) > most:
        yield f"and {len(warnings) - most} more warnings, see the provenance"


def recognised(record: Record) -> list[str]:
    """Which column was taken for what, lines of text."""
    return [line for paragraph in recognised_files(record) for line in wrapped(paragraph)]


def recognised_files(record: Record) -> Iterator[str]:
    """Which column was taken for what, a paragraph a kind of file."""
    for description, files in _alike(record.provenance.get("files", [])).items():
        name = files[0] if len(files) == 1 else f"{len(files)} files like {files[0]}"
        yield f"{name}: {description}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count(n)})" for name, n in counts.items())


def _alike(files: list[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The names of the files by what was recognised of them."""
    alike: dict[str, list[str]] = {}
    for file in files:
        matched = ", ".join(f"{field} {name!r}" for field, name in file.get("columns", {}).items())
        how = [file.get(key, "") for key in ("form", "kind", "encoding", "separator", "sheet")]
        passed = file.get("columns_passed_over", [])
        rest = f"; passed over {', '.join(map(repr, passed))}" if passed else ""
        description = (
            ", ".join(text for text in how if text) + (f"; {matched}" if matched else "") + rest
        )
        alike.setdefault(description, []).append(file["path"])
    return alike
