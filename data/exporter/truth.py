"""What is true of an export: which records count, the outcome of the messages, what they cost.

Written as plainly as can be, line by line, from docs/logs.md, to be held against the reader.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from exporter.line import Line

IDENTITY = ("number", "country", "application", "template", "type", "submitted")
DELIVERED = "DELIVRD"
Said = dict[str, Any]


class Truth:
    """The records of one export, resolved: what is used, quarantined, a duplicate."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = list(lines)
        self.duplicates = 0
        self.used = 0
        self.messages: list[Said] = []
        readable = [line for line in self.lines if not line.reasons]
        sends: dict[object, list[Line]] = defaultdict(list)
        reports: dict[object, list[Line]] = defaultdict(list)
        for line in readable:
            kind = reports if line.said.get("kind") == "report" else sends
            kind[_key(line.said)].append(line)
        for key in [key for key in reports if key not in sends]:
            _refuse(reports[key], "orphan")
        for key, lines_of_one in sends.items():
            self._message(lines_of_one, [x for x in reports[key] if not x.reasons])

    def _message(self, lines: list[Line], reports: list[Line]) -> None:
        if _differ(line.said for line in lines):
            _refuse(lines, "conflict")
            _refuse(reports, "orphan")
            return
        segments = self._segments(lines)
        told = [line.said["segments"] for line in lines if _is_written(line, "segments")]
        message = dict(segments[0].said) | {"segments": max(told, default=len(segments))}
        message["cost"] = sum(line.said.get("cost", 0) for line in segments)
        own = [line.said for line in segments]
        early = [r for r in reports if _moment(r.said) < message["submitted"] - 1]
        _refuse(early, "before")
        joined = [line.said for line in reports if not line.reasons]
        self.used += len(joined)
        deciding = _deciding(own, joined)
        message["status"] = deciding.get("status")
        message["place"] = deciding.get("place", message["place"])
        if deciding.get("kind") == "report":
            message["place"] = 3 if deciding["source"] == 3 else 0
        self.messages.append(message)

    def _segments(self, lines: list[Line]) -> list[Line]:
        """The line that counts of each segment; the others are duplicates."""
        found: dict[int, Line] = {}
        place: Counter[tuple[str, int]] = Counter()
        for line in lines:
            unit = (line.file, line.unit)
            place[unit] += 1
            part = place[unit]
            if _is_written(line, "part"):
                part = line.said["part"]
            elif _is_written(line, "segments") and part > line.said["segments"]:
                self.duplicates += 1
                continue
            if part in found:
                self.duplicates += 1
            if part not in found or _rank(line.said) >= _rank(found[part].said):
                found[part] = line
        self.used += len(found)
        return list(found.values())

    def counts(self) -> dict[str, int]:
        """The law: records in = used + quarantined + duplicates."""
        refused = sum(bool(line.reasons) for line in self.lines)
        total = len(self.lines)
        assert total == self.used + refused + self.duplicates
        return {
            "records_in": total,
            "used": self.used,
            "quarantined": refused,
            "duplicates": self.duplicates,
        }


def _key(said: Said) -> object:
    without = ("number", "submitted", "template", "application", "type")
    return said["id"] or tuple(said[name] for name in without)


def _is_written(line: Line, field: str) -> bool:
    return field in line.said.get("columns", ()) and line.said.get(field) is not None


def _differ(several: Iterable[Said]) -> bool:
    seen: dict[str, set[Any]] = defaultdict(set)
    for said in several:
        for name in IDENTITY:
            if said.get(name) is not None:
                seen[name].add(said[name])
    return any(len(values) > 1 for values in seen.values())


def _refuse(lines: list[Line], reason: str) -> None:
    for line in lines:
        line.reasons.append(reason)


def _rank(said: Said) -> tuple[bool, float]:
    told = "final" in said.get("columns", ()) and said["final"] is not None
    return said["status"] is not None, said["final"] if told else float("-inf")


def _moment(said: Said) -> int:
    moment: int = said["received"] if said["final"] is None else said["final"]
    return moment


def _deciding(own: list[Said], reports: list[Said]) -> Said:
    """What decides of a message: the latest of each part; of the parts one that did not arrive."""
    by_part: dict[int, Said] = {}
    for said in reports:
        known = by_part.get(said["part"])
        if known is None or _moment(said) >= _moment(known):
            by_part[said["part"]] = said
    told = [said for said in [*own, *by_part.values()] if said["status"] is not None]
    assert len({said["status"] for said in told}) < 2, "parts of the exports share their fate"
    return told[-1] if told else {}
