"""Small inputs from the field, each with the outcomes that are right (tests/cases/*/README)."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import smssim
from smssim.sms.phone_numbers import countries_of, normalise
from smssim.sms.recipients import read_recipients
from smssim.sms.segments import segments
from smssim.workdays import WorkCalendar

CASES = sorted(path.parent for path in Path(__file__).parent.glob("cases/*/expected.json"))
Outcome = dict[str, Any]


def of_log(path: Path, **options: Any) -> Outcome:
    """What a log says: counts, statuses, countries, cost and delays."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            log = smssim.read_log(path, **options)
        except ValueError as error:
            return {"is_error": True, "error": str(error)}
    rows, counts = log.messages, log.provenance["counts"]
    assert rows is not None
    assert log.quarantine is not None
    delays = (rows["final_at"] - rows["submitted_at"]).dt.total_seconds().dropna()
    outcome: Outcome = {name: counts[name] for name in ("used", "quarantined", "duplicates")}
    outcome |= {
        "is_error": False,
        "messages": len(rows),
        "segments": int(rows["segments"].fillna(0).sum()),
        "statuses": _counts(rows["status"], "pending"),
        "countries": _counts(rows["country"], "unknown"),
        "cost_micro": None if rows["cost_micro"].isna().all() else int(rows["cost_micro"].sum()),
        "submitted": sorted(str(time) for time in rows["submitted_at"].unique()),
        "max_delay_s": float(delays.max()) if len(delays) else None,
        "warnings": len(caught) + len(log.provenance.get("warnings", [])),
        "provenance": json.dumps(log.provenance, ensure_ascii=False, default=str),
        "reasons": sorted(set(log.quarantine["reasons"])) if len(log.quarantine) else [],
    }
    if len(rows):
        row = smssim.report.delivery(log, by=()).iloc[0]
        p50 = None if pd.isna(row["latency_p50_s"]) else float(row["latency_p50_s"])
        outcome |= {name: int(row[name]) for name in ("delivered", "in_flight")}
        outcome["failed"] = int(row["failed"] + row["expired"])
        outcome |= {"p50_known": p50 is not None, "p50_s": p50}
    return outcome


def _counts(column: pd.Series[Any], missing: str) -> dict[str, int]:
    return dict(Counter(column.astype(object).where(column.notna(), missing).tolist()))


def of_numbers_file(path: Path) -> Outcome:
    """What the file of a group task holds."""
    try:
        numbers = read_recipients(path)
    except ValueError as error:
        return {"is_error": True, "error": str(error)}
    counts = {name: getattr(numbers, name) for name in ("kept", "duplicates", "invalid")}
    names = [numbers.countries[i] for i in numbers.country_index]
    return {"is_error": False, **counts, "countries": dict(Counter(names))}


def of_segments(path: Path) -> Outcome:
    """Texts whose segments differ from the public figure."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    wrong = [r["source"] for r in rows if segments(r["text"], "3gpp") != r["gsm_segments"]]
    return {"wrong": wrong}


def of_countries(path: Path) -> Outcome:
    """Phone numbers that are given another country."""
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    countries = countries_of([normalise(number) or "" for number, _ in rows])
    pairs = zip(rows, countries, strict=True)
    return {"wrong": [number for (number, right), country in pairs if country != right]}


def of_workdays(path: Path) -> Outcome:
    """Days on which the desk is thought to work, or to rest, and does not."""
    calendar = WorkCalendar()
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    is_workday = [calendar.is_workday(date.fromisoformat(day)) for day, _ in rows]
    pairs = zip(rows, is_workday, strict=True)
    return {"wrong": [day for (day, right), works in pairs if works != (right == "work")]}


def of_script(path: Path) -> Outcome:
    """The last line that a script of the case prints."""
    command = [sys.executable, path.name]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"error": done.stderr}


CALLS = {
    "read_log": of_log,
    "read_recipients": of_numbers_file,
    "segments": of_segments,
    "countries": of_countries,
    "workdays": of_workdays,
    "script": of_script,
}


def holds(expected: Outcome, outcome: Outcome) -> bool:
    """Whether all of an acceptable outcome is there."""
    return all(_holds(name, value, outcome) for name, value in expected.items())


def _holds(name: str, value: Any, outcome: Outcome) -> bool:
    match name:
        case "error_contains":
            return value.lower() in outcome.get("error", "").lower()
        case "not_statuses":
            return not set(value) & set(outcome.get("statuses", {}))
        case "max_delay_at_most_s":
            return not outcome["is_error"] and (outcome["max_delay_s"] or 0) <= value
        case "warnings_at_least":
            return outcome.get("warnings", 0) >= value
        case "provenance_contains":
            return value in outcome.get("provenance", "")
        case "reason_contains":
            return any(value in reason for reason in outcome.get("reasons", []))
    return bool(outcome.get(name) == value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_from_the_field(case: Path) -> None:
    """One of the right outcomes, whole."""
    spec = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    outcome = CALLS[spec["call"]](case / spec["file"], **spec.get("kwargs", {}))
    assert any(holds(expected, outcome) for expected in spec["right"]), outcome


def test_the_cases_are_there() -> None:
    assert len(CASES) == 54
