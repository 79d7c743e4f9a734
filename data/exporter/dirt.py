"""Dirt: what goes wrong in exports, each kind with what a reader must make of it.

A kind takes a line and says what it adds after it; the chance that picks lines is seeded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from exporter.line import Line, Raw

Kind = Callable[[Line], list[Line]]


def refused(reason: str, **written: object) -> Kind:
    """A kind of lines that are refused for one reason, with these fields written otherwise."""

    def kind(line: Line) -> list[Line]:
        line.written |= written
        line.reasons.append(reason)
        return []

    return kind


def broken(how: str) -> Kind:
    """A kind of lines that cannot be read at all."""

    def kind(line: Line) -> list[Line]:
        line.broken = how
        line.reasons.append(how)
        return []

    return kind


def elsewhere(line: Line) -> list[Line]:
    """The country is not that of the number."""
    line.written["country"] = "SG" if line.said["country"] != "SG" else "TH"
    line.reasons.append("disagree")
    return []


def contradiction(line: Line) -> list[Line]:
    """The status says delivered, the result that it failed."""
    line.written |= {"status": "DELIVRD", "result": 4 if line.said["result"] in (3, 4) else 1}
    line.reasons.append("contradiction")
    return []


def before(line: Line) -> list[Line]:
    """The status was made before the message was submitted."""
    line.written["final"] = line.said["submitted"] - 3_600
    line.reasons.append("before")
    return []


def two_reasons(line: Line) -> list[Line]:
    """A line with two faults, both of which must be told."""
    line.written |= {"submitted": Raw("31.02.2026 25:61"), "country": Raw("Atlantis")}
    line.reasons += ["time", "country"]
    return []


def conflict(line: Line) -> list[Line]:
    """The same ID with another template: neither can be believed."""
    other = line.copy()
    other.said["template"] = "offer" if line.said["template"] != "offer" else "login"
    return [other]


def repeated(line: Line) -> list[Line]:
    """The line appears twice, where the number of segments or its part shows that it is a copy."""
    return [line.copy()]


def late_status(line: Line) -> list[Line]:
    """The platform gave up, and the report came after all: the later status counts."""
    later = line.copy()
    line.said |= {"status": "EXPIRED", "result": 4, "final": line.said["submitted"] + 72 * 3_600}
    later.said |= {"result": 3, "final": line.said["submitted"] + 72 * 3_600 + 60}
    return [later]


def unknown_code(line: Line) -> list[Line]:
    """A code that no table has, well-formed: kept as it is."""
    line.said["status"] = "SPAMBLK" if line.said["submitted"] % 2 else "E990001"
    return []


def unknown_type(line: Line) -> list[Line]:
    """A type that the documents do not have: kept as it is, like a code."""
    line.said["type"] = "fax"
    line.written["type"] = Raw("fax")
    return []


def without_id(line: Line) -> list[Line]:
    """No ID: the line is a message of its own."""
    line.said["id"] = None
    return []


def rounded_number(line: Line) -> list[Line]:
    """A spreadsheet rounded the number; the country is still there."""
    line.written["number"] = Raw(f"{float(line.said['number']):.5E}")
    line.said["number"] = None
    return []


def formula(line: Line) -> list[Line]:
    """A template's name that a spreadsheet would execute; to a reader it is a name."""
    line.said["template"] = "=1+HYPERLINK(A1)"
    return []


def repaired(line: Line) -> list[Line]:
    """Blanks, an apostrophe, full-width digits, small letters: nothing is lost."""
    number = line.said["number"]
    wide = number.translate({ord("0") + i: ord("０") + i for i in range(10)})
    shapes = (f"'{number}", f"\u00a0{number[:3]} {number[3:]}", f"00{number[1:]}", wide)
    line.written["number"] = Raw(shapes[line.said["submitted"] % len(shapes)])
    if line.said["status"]:
        line.written["status"] = Raw(f" {line.said['status'].lower()} (as reported)")
    return []


def is_lone(line: Line) -> bool:
    """Whether it is the only segment of its message."""
    return bool(line.said["segments"] == 1)


def is_delivered(line: Line) -> bool:
    """Whether its message arrived."""
    return bool(line.said["status"] == "DELIVRD")


def is_failed(line: Line) -> bool:
    """Whether the supplier failed to deliver it, by a code that could be another one as well."""
    return line.said["status"] in ("UNDELIV", "REJECTD") and line.said["place"] == 0


ANY_FORM: tuple[tuple[Kind, int, Callable[[Line], bool]], ...] = (
    (refused("country", country=Raw("Atlantis")), 4, lambda line: True),
    (elsewhere, 4, lambda line: True),
    (refused("nowhere", country=None, number=None), 3, lambda line: True),
    (contradiction, 4, lambda line: is_failed(line)),
    (refused("result", result=9), 3, lambda line: True),
    (unknown_type, 3, is_lone),
    (refused("no time", submitted=None), 3, lambda line: True),
    (conflict, 4, is_lone),
    (unknown_code, 4, lambda line: is_failed(line) and is_lone(line)),
    (without_id, 4, is_lone),
)
"""Kinds that every form of details can hold, how many lines of each, and which lines."""


def soiled(
    lines: list[Line],
    kinds: Iterable[tuple[Kind, int, Callable[[Line], bool]]],
    seed: str,
    may: Callable[[Line], bool] = lambda line: True,
) -> list[Line]:
    """The lines with so many of each kind soiled, none of them twice and none a neighbour."""
    random = Random(seed)
    added: dict[int, list[Line]] = {}
    taken: set[int] = set()
    for kind, count, fits in kinds:
        able = [
            i
            for i, line in enumerate(lines)
            if i not in taken and not line.reasons and may(line) and fits(line)
        ]
        chosen = random.sample(able, count)
        for i in chosen:
            added[i] = kind(lines[i])
            taken.update(range(i - 3, i + 4))
    return [each for i, line in enumerate(lines) for each in (line, *added.get(i, ()))]
