"""Facts resolved the slow way, from docs/logs.md section 4 alone: dicts, loops, no arrays."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from smssim.logs.join.facts import UNKNOWN

STATUSES = ("DELIVRD", "ACCEPTD", "UNDELIV", "EXPIRED", "E200041", "X1")
DELIVRD, ACCEPTD = 0, 1
"""The codes of the two statuses that mean something."""
SAME = {"number": 0, "submitted": UNKNOWN, "country": -1, "template": -1}
SAME |= {"application": -1, "type": -1, "origin": -1}
CONFLICT, EARLIER, ORPHAN, REFUSED, UNPLACED, BEFORE = range(6)


@dataclass
class Answer:
    """What the oracle says: messages by (file, row, entry), reports by that and their part."""

    messages: dict[tuple[int, int, int], dict[str, int]] = field(default_factory=dict)
    reports: dict[tuple[tuple[int, int, int], int], tuple[int, int]] = field(default_factory=dict)
    rejected_by_join: Counter[tuple[int, int, int, int]] = field(default_factory=Counter)
    used: list[Any] = field(default_factory=list)
    duplicates: int = 0

    def condemn(self, row: Any, reason: int) -> None:
        """Send a record to the quarantine."""
        self.rejected_by_join[(*place(row), reason)] += 1

    @property
    def period(self) -> tuple[int, int]:
        """The first and last times of the records that are used."""
        names = ("submitted", "final", "received")
        said = [getattr(row, name, UNKNOWN) for row in self.used for name in names]
        known = [time for time in said if time != UNKNOWN]
        return (min(known), max(known)) if known else (0, 0)


def place(row: Any) -> tuple[int, int, int]:
    """Where a record stands."""
    return row.file, row.row, row.entry


def plain(facts: Any) -> list[Any]:
    """Packed facts as objects, in the order of files, rows and entries."""
    found = []
    for fact in facts:
        values = {name: fact[name].tolist() for name in facts.dtype.names}
        found.append(SimpleNamespace(**values | {"key": tuple(values["key"])}))
    return sorted(found, key=place)


WHOLE: set[int] = set()
"""The files of the facts that are resolved whose rows are of whole messages."""


def _whole_files(rows: list[Any]) -> set[int]:
    long = defaultdict(list)
    for row in rows:
        if row.segments > 1 and not row.part and not row.entry_hash:
            long[row.file, row.unit, row.key].append(row)
    scores = Counter[int]()
    for (file, *_), own in long.items():
        per_segment = len(own) % own[0].segments == 0
        scores[file] += 1 if len(own) == 1 else -per_segment
    return {file for file, score in scores.items() if score >= 0}


def _apart(rows: list[Any]) -> None:
    """Give equal rows without an identity a key each: the n-th of a unit is one message."""
    equal = defaultdict(list)
    for row in rows:
        if row.anonymous:
            equal[row.key, row.file, row.unit, row.part].append(row)
    for own in equal.values():
        for i, row in enumerate(own):
            total = max(row.segments, 1)
            if not row.part and len(own) % total == 0 and row.file not in WHOLE:
                i //= total
            row.key = (*row.key, i) if i else row.key


def resolved(sends: Any, reports: Any) -> Answer:
    """What packed facts come to."""
    answer, keys, reported = Answer(), defaultdict(list), defaultdict(list)
    rows = plain(sends)
    WHOLE.clear()
    WHOLE.update(_whole_files(rows))
    _apart(rows)
    for row in rows:
        keys[row.key].append(row)
    for row in plain(reports):
        reported[row.key].append(row)
    for key in keys.keys() | reported.keys():
        _key(answer, keys[key], reported[key])
    return answer


def _key(answer: Answer, rows: list[Any], reports: list[Any]) -> None:
    reason = ORPHAN if not rows else REFUSED
    together = _standing(answer, rows)
    if together and _contradict(together):
        for row in together:
            answer.condemn(row, CONFLICT)
        reason, together = UNPLACED, []
    if together:
        message, segments = _message(answer, together)
        if message["stage"] not in (1, 2):
            for row in reports:
                if _is_early(row, message["submitted"]):
                    answer.condemn(row, BEFORE)
            reports = [row for row in reports if not _is_early(row, message["submitted"])]
            _report(answer, place(together[0]), message, segments, reports)
            reports = []
        else:
            _arrived(answer, place(together[0]), segments, {})
    for report in reports:
        answer.condemn(report, reason if not together else REFUSED)


def _standing(answer: Answer, rows: list[Any]) -> list[Any]:
    """The rows that speak of one message; what else stands is a message of its own."""
    if len(rows) == 1:
        return rows
    together = [row for row in rows if not row.entry_hash]
    accepted = [row for row in rows if row.entry_hash and row.stage in (0, 3)]
    refused = [row for row in rows if row.entry_hash and row.stage == 2]
    whole = [row for row in rows if row.entry_hash and row.stage == 1]
    together += accepted[:1]
    first = [row for row in refused if (row.file, row.row) == (refused[0].file, refused[0].row)]
    for stand, all_of in ((accepted[:1], accepted), (first, refused)):
        for row in all_of:
            if row not in stand:
                if row.entry_hash in {one.entry_hash for one in stand}:
                    answer.duplicates += 1
                else:
                    answer.condemn(row, EARLIER)
    units = defaultdict(list)
    for row in whole:
        units[row.file, row.unit].append(row)
    seen = 0
    for row in whole:
        n = next(i for i, one in enumerate(units[row.file, row.unit]) if one is row)
        if n == seen:
            first.append(row)
            seen += 1
        else:
            answer.duplicates += 1
    for row in first:
        _, segments = _message(answer, [row])
        _arrived(answer, place(row), segments, {})
    return sorted(together, key=place)


def _contradict(rows: list[Any]) -> bool:
    said = {name: {getattr(row, name) for row in rows} - {SAME[name]} for name in SAME}
    # An application and the channel that stands in for one are two things.
    said["channel"] = {code for code in said["application"] if code < -1}
    said["application"] -= said["channel"]
    return any(len(values) > 1 for values in said.values())


def _message(answer: Answer, rows: list[Any]) -> tuple[dict[str, int], dict[int, Any]]:
    """Keep the message that rows speak of; also give the row that counts of each segment."""
    told = max(row.segments for row in rows)
    by_segment, units = defaultdict(list), defaultdict(list)
    for row in rows:
        if row.part:
            by_segment[row.part].append((True, row))
        else:
            units[row.file, row.unit].append(row)
    for unit in units.values():
        old = _superseded(unit, told)
        most = told or (1 if len(unit) > 99 else 99)
        for i, row in enumerate(row for row in unit if row not in old):
            by_segment[1 if row.file in WHOLE else i % most + 1].append((True, row))
        by_segment[1] += [(False, row) for row in old]
    by_segment = {segment: own for segment, own in by_segment.items() if own}
    segments = {
        segment: max(own, key=lambda one: (one[0], *_precedence(one[1]), place(one[1])))[1]
        for segment, own in sorted(by_segment.items())
    }
    by_segment = {segment: [row for _, row in own] for segment, own in by_segment.items()}
    answer.duplicates += len(rows) - len(segments)
    answer.used += segments.values()
    if not told and any(not row.entry_hash for row in rows):
        told = len(segments)
    message = {
        name: max(getattr(row, name) for row in rows)
        for name in (*(name for name in SAME if name != "number"), "resend_number")
    }
    if message["application"] < 0:
        message["application"] = min(row.application for row in rows)
    if message["application"] < -1:
        message["application"] = -2 - message["application"]
    message |= {
        "segments": told,
        "sent": min((row.sent for row in rows if row.sent != UNKNOWN), default=UNKNOWN),
        "cost": _sum("cost", UNKNOWN, segments, by_segment),
        "covered": _sum("covered", -1, segments, by_segment),
        "stage": max(row.stage for row in segments.values()),
        "result": max(row.result for row in segments.values()),
        "status": -1,
        "source": 0,
        "final": UNKNOWN,
    }
    asked = next((row for row in rows if row.request >= 0), rows[0])
    message |= {"request": asked.request, "recipient": asked.recipient}
    parts = {segment: row for segment, row in segments.items() if row.status >= 0}
    if parts:
        last = parts[_deciding(parts)]
        for name in ("status", "source", "final", "stage", "result"):
            message[name] = getattr(last, name)
    answer.messages[place(rows[0])] = message
    return message, segments


def _superseded(unit: list[Any], told: int) -> list[Any]:
    """Rows of a unit that say an earlier status of what another of its rows says."""
    latest = max(unit, key=_precedence)
    if not told:
        return [row for row in unit if row.status != latest.status]
    finals = [row for row in unit if _final(row)]
    if len(unit) > told and len(finals) >= told:
        return [row for row in unit if not _final(row)]
    return []


def _certainty(row: Any) -> int:
    """A failure that the platform made up, having heard nothing, knows less than others."""
    made_up = row.source == 1 and row.final == UNKNOWN and row.status != DELIVRD
    return _final(row) * (1 if made_up else 2)


def _rank(row: Any) -> tuple[bool, str]:
    return row.status == DELIVRD, STATUSES[row.status] if row.status >= 0 else ""


def _precedence(row: Any) -> tuple[Any, ...]:
    return _certainty(row), row.final, _rank(row)


def _strength(row: Any) -> tuple[Any, ...]:
    return _certainty(row), _when(row), _rank(row)


def _final(row: Any) -> bool:
    return row.status not in (-1, ACCEPTD)


def _when(row: Any) -> int:
    when: int = row.received if row.final == UNKNOWN else row.final
    return when


def _is_early(row: Any, submitted: int) -> bool:
    return UNKNOWN not in (_when(row), submitted) and _when(row) < submitted - 1_000_000


def _deciding(parts: dict[int, Any]) -> int:
    """The part whose status is that of the message."""
    return max(parts, key=lambda part: (parts[part].status != DELIVRD, _when(parts[part]), part))


def _sum(name: str, unsaid: int, segments: dict[int, Any], by_segment: dict[int, list[Any]]) -> int:
    """What the segments say together; a row that counts and says nothing leaves it to the rest."""
    said = []
    for segment, row in segments.items():
        value = getattr(row, name)
        if value == unsaid:
            value = max(getattr(other, name) for other in by_segment[segment])
        if value != unsaid:
            said.append(value)
    return sum(said) if said else unsaid


def _report(
    answer: Answer,
    name: tuple[int, int, int],
    message: dict[str, int],
    segments: dict[int, Any],
    reports: list[Any],
) -> None:
    pushes: dict[tuple[int, int], dict[tuple[int, int], list[Any]]] = defaultdict(dict)
    for row in reports:
        arrival = row.final if row.received == UNKNOWN else row.received
        units = pushes[max(row.part, 1), arrival]
        units.setdefault((row.file, row.unit), []).append(row)
    by_part = defaultdict(list)
    for (part, _), units in pushes.items():
        most = max(units.values(), key=len)
        answer.duplicates += sum(map(len, units.values())) - len(most)
        answer.used += most
        by_part[part] += most
    _arrived(answer, name, segments, by_part)
    if reports:
        _decide(message, segments, by_part)


def _decide(
    message: dict[str, int], segments: dict[int, Any], by_part: dict[int, list[Any]]
) -> None:
    """Let the last status of each part, and the part that matters most, be the message's."""
    own = {segment: row for segment, row in segments.items() if row.status >= 0}
    last = {}
    for part in own.keys() | by_part.keys():
        all_of = by_part.get(part, []) + ([own[part]] if part in own else [])
        last[part] = max(
            all_of, key=lambda row: (_certainty(row), _when(row), _rank(row), place(row))
        )
    row = last[_deciding(last)]
    if hasattr(row, "stage"):
        message["stage"] = row.stage
    elif row.source == 3:
        message["stage"] = 3
    elif row.status == DELIVRD:
        message["stage"] = 0
    message |= {name: getattr(row, name) for name in ("status", "source", "final")}


def _arrived(
    answer: Answer,
    name: tuple[int, int, int],
    segments: dict[int, Any],
    by_part: dict[int, list[Any]],
) -> None:
    """Keep what arrived of each part; an arrival in a row that a report tells of is the same."""
    arrivals = {part: [row.received for row in rows] for part, rows in by_part.items()}
    for segment, row in segments.items():
        if row.status >= 0 and row.received != UNKNOWN:
            known = arrivals.setdefault(segment, [])
            if row.received not in known:
                known.append(row.received)
    for part, times in arrivals.items():
        said = [time for time in times if time != UNKNOWN]
        answer.reports[name, part] = len(times), min(said, default=UNKNOWN)
