"""A server's own tables: what it sent, a row a message, and the delivery reports that came in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from exporter.line import Line, Raw
from exporter.text import GMT8_S, Form, Sheet, time_as

SENDS = Form(
    (
        ("Message ID", "id"),
        ("To", "number"),
        ("Template", "template"),
        ("Application", "application"),
        ("Type", "type"),
        ("Submitted", "submitted"),
        ("Segments", "segments"),
    ),
    {"submitted": lambda second: str(second * 1_000)},
    end="\n",
)
REPORTS = Form(
    (
        ("smsMsgId", "id"),
        ("total", "segments"),
        ("sequence", "part"),
        ("status", "status"),
        ("source", "source"),
        ("updateTime", "final"),
        ("Received At", "received"),
    ),
    {
        "final": time_as("%Y-%m-%dT%H:%M:%SZ"),
        "received": time_as("%Y-%m-%dT%H:%M:%S+08:00", GMT8_S),
    },
    end="\n",
)
Fault = Callable[[Line], None]


def sends_and_reports(folder: Path, week: list[Line]) -> list[Line]:
    """Two files that belong together, each with dirt of its own."""
    random = Random("joined")
    firsts = [_send(line) for line in week if line.said["part"] == 1]
    reports = [_report(line) for line in week if line.said["status"] is not None]
    lone = [i for i, line in enumerate(firsts) if line.said["segments"] == 1]
    for fault, places in _dealt(random, lone, SEND_FAULTS):
        for place in places:
            fault(firsts[place])
    again = [firsts[place].copy() for place in random.sample(lone, 4)]
    sends = Sheet(SENDS, "joined/sends.csv.gz")
    for line in [*firsts, *again]:
        sends.add(line)
    came = Sheet(REPORTS, "joined/reports.csv.gz")
    for line in _soiled_reports(random, reports):
        came.add(line)
    sends.write(folder)
    came.write(folder)
    # As a folder is read: by name.
    return [*came.records, *sends.records]


def _send(line: Line) -> Line:
    said = dict(line.said) | dict.fromkeys(("status", "result", "final", "source", "charged"))
    return Line(said | {"kind": "send", "place": 0, "part": None})


def _report(line: Line) -> Line:
    # The platform's own report of a message that no one reported has no time of its own.
    built = line.said["source"] == 1
    final = None if built else line.said["final"]
    return Line(line.said | {"kind": "report", "final": final, "received": line.said["final"] + 1})


def _unknown_country(line: Line) -> None:
    line.written["number"] = "+999123456789012"
    line.reasons.append("country")


def _rounded(line: Line) -> None:
    line.written["number"] = Raw("6.28124E+14")
    line.reasons.append("scientific")


def _no_number(line: Line) -> None:
    line.written["number"] = None
    line.reasons.append("nowhere")


def _no_time(line: Line) -> None:
    line.written["submitted"] = Raw("yesterday")
    line.reasons.append("time")


def _cut(line: Line) -> None:
    line.broken, line.reasons = "cut", ["cut"]


SEND_FAULTS: tuple[tuple[Fault, int], ...] = (
    (_unknown_country, 3),
    (_rounded, 3),
    (_no_number, 3),
    (_no_time, 2),
    (_cut, 2),
)


def _no_id(line: Line) -> None:
    line.said["id"] = None
    line.reasons.append("no id")


def _orphan(line: Line) -> None:
    line.said["id"] = line.said["id"][::-1]


def _early(line: Line) -> None:
    shift = line.said["received"] - line.said["submitted"] + 7_200
    line.said["received"] -= shift
    if line.said["final"] is not None:
        line.said["final"] -= shift


def _bad_status(line: Line) -> None:
    line.written["status"] = "DELIVERED!"
    line.reasons.append("status")


def _bad_source(line: Line) -> None:
    line.written["source"] = 7
    line.reasons.append("source")


REPORT_FAULTS: tuple[tuple[Fault, int], ...] = (
    (_no_id, 3),
    (_orphan, 4),
    (_early, 3),
    (_bad_status, 3),
    (_bad_source, 2),
    (_cut, 3),
)


def _soiled_reports(random: Random, reports: list[Line]) -> list[Line]:
    lone = [i for i, line in enumerate(reports) if line.said["segments"] == 1]
    for fault, places in _dealt(random, lone, REPORT_FAULTS):
        for place in places:
            fault(reports[place])
    whole = [i for i in lone if not reports[i].reasons and reports[i].said["status"] == "DELIVRD"]
    twice, late = random.sample(whole, 6), random.sample(whole, 5)
    copies = [reports[i].copy() for i in twice]
    for i in late:
        # Given up first; the later status is the one that counts.
        copies.append(reports[i].copy())
        moment = reports[i].said["submitted"] + 72 * 3_600
        copies[-1].said |= {"final": moment + 60, "received": moment + 61}
        own = {"status": "EXPIRED", "source": 1, "final": None, "received": moment}
        reports[i].said |= own
    return sorted([*reports, *copies], key=lambda line: line.said["received"])


def _dealt(
    random: Random, places: list[int], faults: tuple[tuple[Fault, int], ...]
) -> list[tuple[Fault, list[int]]]:
    """Different places for every fault; those given out are taken from *places*."""
    dealt = []
    for fault, count in faults:
        chosen = random.sample(places, count)
        dealt.append((fault, chosen))
        places[:] = [place for place in places if place not in chosen]
    return dealt
