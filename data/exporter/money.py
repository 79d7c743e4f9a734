"""What a truth says in figures: messages by country, and a bill written as a plain loop."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from exporter.truth import Truth
from smssim.record.record import Record


@dataclass
class Quota:
    """A package as the bill sees it; times in seconds since 1970 UTC."""

    country: str
    begins: int
    ends: int
    left: int


def quotas(run: Record) -> list[Quota]:
    """The packages of a run, in the order of their ids, which is the order of use."""
    assert run.packages is not None
    columns = ("country", "in_force_at", "ends_at", "segments")
    rows: Any = zip(*(run.packages[name].tolist() for name in columns), strict=True)
    return [
        Quota(country, int(begins.timestamp()), int(ends.timestamp()), segments)
        for country, begins, ends, segments in rows
    ]


def figures(truth: Truth, run: Record, prices: dict[str, int]) -> dict[str, dict[str, int]]:
    """Counts, segments and money of a truth's messages by country."""
    packages = quotas(run)
    by_country: dict[str, Counter[str]] = defaultdict(Counter)
    for message in sorted(truth.messages, key=lambda each: each["submitted"]):
        row = by_country[message["country"]]
        row["requested"] += 1
        row[_outcome(message)] += 1
        if message["place"]:
            continue
        row["sent"] += 1
        covered = _take(packages, message)
        row["segments"] += message["segments"]
        row["covered_segments"] += covered
        if "cost" in message["columns"]:
            row["told_cost_micro"] += message["cost"]
        if "final" not in message["columns"]:
            row["delivered_within_3_min"] += message["result"] == 0
        row["cost_micro"] += (message["segments"] - covered) * prices[message["country"]]
    return {country: dict(sorted(by_country[country].items())) for country in sorted(by_country)}


def _outcome(message: dict[str, Any]) -> str:
    if message["place"]:
        return f"refused_{message['place']}"
    known = {"DELIVRD": "delivered", "EXPIRED": "expired", None: "in_flight"}
    return known.get(message["status"], "failed")


def _take(packages: list[Quota], message: dict[str, Any]) -> int:
    """Segments that packages give, the first in force first; a message may straddle their ends."""
    wanted = message["segments"]
    for package in packages:
        in_force = package.begins <= message["submitted"] < package.ends
        if package.country == message["country"] and in_force:
            given = min(package.left, wanted)
            package.left -= given
            wanted -= given
    return int(message["segments"] - wanted)
