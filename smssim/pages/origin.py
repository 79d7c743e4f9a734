"""What a page says beside its reports: what is not known and why, and how to make it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from smssim.formatting import Grid, count, listed, missing
from smssim.record.record import Record
from smssim.report._record import priced, recorded
from smssim.report.delivery import delivery
from smssim.report.latency import untimed
from smssim.report.outages import untold
from smssim.report.packages import no_forecast
from smssim.report.projection import projection

MOST_FILES = 40
MOST_LETTERS = 200_000
"""Letters of a scenario that a page holds as a whole."""


def not_known(record: Record) -> Iterator[tuple[str, str]]:
    """What this record cannot tell beside whole sections, and why, each a name and a sentence."""
    total = delivery(record, by=()).iloc[0]
    if (reason := untimed(record)) is not None:
        yield "Latency", reason
    frame = projection(record)
    for reason in frame.loc[frame["reason"] != "", "reason"].unique():
        figures = listed(frame.loc[frame["reason"] == reason, "figure"].tolist())
        yield "Projection", f"no projection of {figures}: {reason}"
    if reason := no_forecast(record):
        yield "Run-outs", f"packages have no projected run-out: {reason}"
    if (reason := untold(record)) is not None:
        yield "Outages", f"those of your own server cannot be estimated from the record: {reason}"
    if recorded(record):
        yield from _not_logged(record, total)
        return
    if total["in_flight"]:
        flying = f"{count(total['in_flight'])} messages had no final status when the record ended"
        yield "In flight", f"{flying}; {expected_to_arrive(total)}"
    yield (
        "Other chances",
        "this is one run: its intervals hold for its own shares and delays, not for another demand "
        "or another route; simulate it with other seeds to see how far it varies",
    )


def expected_to_arrive(total: Any) -> str:
    """How many of those in flight are expected to be delivered: most that do have arrived."""
    expected = total["in_flight_expected"]
    if missing(expected):
        return "how many of them will be delivered is not known"
    n = round(expected)
    some = f"about {count(n)}" if n else "none"
    return f"{some} {'is' if n < 2 else 'are'} expected to be delivered"


def _not_logged(record: Record, total: Any) -> Iterator[tuple[str, str]]:
    if total["no_report"]:
        lost = f"{count(total['no_report'])} messages are older than 72 h and have no status report"
        yield "Without a report", f"{lost}, so their outcome is not known"
    quarantined = record.provenance.get("counts", {}).get("quarantined", 0)
    if quarantined:
        text = f"{count(quarantined)} records could not be used and are in no figure"
        yield "Left out", f"{text}; with them counts would be higher"
    lost = "a log knows only the status reports that were received"
    if total["in_flight"] and untimed(record) is None:
        lost += f"; of {count(total['in_flight'])} messages in flight {expected_to_arrive(total)}"
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
    return text if len(text) <= MOST_LETTERS else None


def origin(record: Record) -> Grid:
    """What it takes to make the page again, a row a thing."""
    about = record.provenance
    rows: list[list[Any]] = [["scenario digest", about.get("digest")], ["rng", about.get("rng")]]
    if not recorded(record):
        rows.append(["policies", listed(list(map(str, about.get("policies", []))), 9) or "none"])
    rows += [["file", _of_file(file)] for file in about.get("files", [])[:MOST_FILES]]
    if (more := len(about.get("files", [])) - MOST_FILES) > 0:
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
