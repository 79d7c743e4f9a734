"""Where a record comes from, and what its reading left out, repaired and recognised."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from smssim.formatting import Grid, count, listed, missing, row_limit, share, wrapped
from smssim.record.record import Record
from smssim.report._record import priced, recorded
from smssim.report.delivery import delivery
from smssim.report.latency import untimed
from smssim.report.outages import untold
from smssim.report.packages import no_forecast
from smssim.report.projection import projection

__all__ = [
    "MOST",
    "commands",
    "expected_to_arrive",
    "left_out",
    "not_counted",
    "not_known",
    "nothing_usable",
    "origin",
    "policies_of",
    "reasons",
    "recognised",
    "recognised_files",
    "remarks",
    "scenario_text",
    "used",
]

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
    """What was repaired or ignored, and what the reader was not sure of, a sentence each."""
    about = record.provenance
    repaired, passed = about.get("repaired", {}), about.get("passed_over", {})
    if repaired:
        yield f"repaired: {_listed(repaired)}"
    if passed:
        yield f"not records: {_listed(passed)}"
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
        rest = f"; ignored columns: {', '.join(map(repr, passed))}" if passed else ""
        description = (
            ", ".join(text for text in how if text) + (f"; {matched}" if matched else "") + rest
        )
        alike.setdefault(description, []).append(file["path"])
    return alike


_MOST_FILES = 40
_MOST_LETTERS = 200_000
"""Letters of a scenario that a page holds as a whole."""


def not_known(record: Record) -> Iterator[tuple[str, str]]:
    """What this record cannot show besides whole sections, and why, each a name and a sentence."""
    total = delivery(record, by=()).iloc[0]
    if (reason := untimed(record)) is not None:
        yield "Latency", reason
    frame = projection(record)
    for reason in frame.loc[frame["reason"] != "", "reason"].unique():
        figures = listed(frame.loc[frame["reason"] == reason, "figure"].tolist())
        yield "Forecast", f"no forecast of {figures}: {reason}"
    if reason := no_forecast(record):
        yield "Run-outs", f"packages have no forecast run-out: {reason}"
    if (reason := untold(record)) is not None:
        yield "Outages", f"those of your own server cannot be estimated from the record: {reason}"
    if recorded(record):
        yield from _not_logged(record, total)
        return
    if total["in_flight"]:
        flying = f"{count(total['in_flight'])} messages had no final status when the record ended"
        yield "Pending", f"{flying}; {expected_to_arrive(total)}"
    yield (
        "Other chances",
        "this is one run: its intervals hold for its own shares and delays, not for another demand "
        "or another route; simulate it with other seeds to see how far it varies",
    )


def expected_to_arrive(total: Any) -> str:
    """How many of those pending are expected to be delivered: most that do have arrived."""
    expected = total["in_flight_expected"]
    if missing(expected):
        return "how many of them will be delivered is not known"
    n = round(expected)
    some = f"about {count(n)}" if n else "none"
    return f"{some} {'is' if n < 2 else 'are'} expected to be delivered"


def _not_logged(record: Record, total: Any) -> Iterator[tuple[str, str]]:
    if total["no_report"]:
        lost = (
            f"{count(total['no_report'])} messages are older than 72 h and have no delivery report"
        )
        yield "Without a report", f"{lost}, so their outcome is not known"
    quarantined = record.provenance.get("counts", {}).get("quarantined", 0)
    if quarantined:
        text = f"{count(quarantined)} records could not be used and are in no figure"
        yield "Left out", f"{text}; with them counts would be higher"
    lost = "a log knows only the delivery reports that were received"
    if total["in_flight"] and untimed(record) is None:
        lost += f"; of {count(total['in_flight'])} messages pending {expected_to_arrive(total)}"
    yield "Lost reports", lost
    if not priced(record):
        yield "Cost", "a log has no prices; give those you pay with --tariff FILE"
    else:
        yield "Other charges", "what was paid is worked out from prices, not read from a bill"


def commands(record: Record) -> list[str]:
    """The commands that make this page again, with scenario.yaml for the file of its scenario."""
    about = record.provenance
    if recorded(record):
        return [_read(about)]
    rng = about.get("rng", 1)
    if about.get("policies"):
        policies = f"policies=[{', '.join(map(str, about['policies']))}]"
        return [
            f'run = smssim.simulate("scenario.yaml", rng={rng}, {policies})',
            'smssim.page(run).save("report.html")',
        ]
    return [f"smssim run scenario.yaml --rng {rng} --html report.html"]


def _read(about: dict[str, Any]) -> str:
    files = about.get("log", [])
    path = files[0] if len(files) == 1 else _folder(files)
    rating = about.get("rating", {})
    options = {"--tz": about.get("zone"), "--tariff": rating.get("tariff"), "--html": "report.html"}
    words = [f"{name} {shlex.quote(str(value))}" for name, value in options.items() if value]
    return " ".join(["smssim report", shlex.quote(str(path)), *words])


def _folder(files: list[str]) -> str:
    from os.path import commonpath

    return commonpath(files) if files else "LOG"


def scenario_text(record: Record) -> str | None:
    """The scenario as a file that can be run again, which JSON is; None if there is none or it is
    too long for a page.
    """
    scenario = record.provenance.get("scenario")
    if scenario is None:
        return None
    parsed = json.loads(scenario) if isinstance(scenario, str) else scenario
    text = json.dumps(parsed, ensure_ascii=False, indent=1)
    return text if len(text) <= _MOST_LETTERS else None


def policies_of(about: Mapping[str, Any]) -> list[str]:
    """The policies of a run, the scenario's own first."""
    return [
        str(policy) for key in ("planned_policies", "policies") for policy in about.get(key, [])
    ]


def origin(record: Record) -> Grid:
    """What it takes to make the page again, a row a thing."""
    about = record.provenance
    rows: list[list[Any]] = [["scenario digest", about.get("digest")], ["rng", about.get("rng")]]
    if not recorded(record):
        rows.append(["policies", listed(policies_of(about), 9) or "none"])
    rows += [["file", _of_file(file)] for file in about.get("files", [])[:_MOST_FILES]]
    if (more := len(about.get("files", [])) - _MOST_FILES) > 0:
        rows.append(["files", f"and {more:,} more"])
    rating = about.get("rating")
    if rating:
        rows += [[name.replace("_", " "), _as_text(value)] for name, value in rating.items()]
    versions = about.get("versions", {})
    rows.append(["versions", ", ".join(f"{name} {value}" for name, value in versions.items())])
    rows += [["python", about.get("python")], ["machine", about.get("machine")]]
    filled = [[name, str(value)] for name, value in rows if value not in (None, "")]
    return Grid(["what", "value"], filled, "ll")


def _of_file(file: dict[str, Any]) -> str:
    records = f", {count(file['records'])} records" if "records" in file else ""
    return f"{file['path']}{records}"


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)}: {listed(list(map(str, value)), 5)}" if value else "none"
    return str(value)
