"""Which heading is which field, and so what kind of table it is.

Synonyms decide, a person's mapping goes before them; what is not matched is passed over and told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from smssim.logs.columns.headings import plain, zone_of
from smssim.logs.columns.mapping import Columns, Given, given, suggested
from smssim.logs.columns.synonyms import TIMES, fields_of
from smssim.logs.wrong import WrongColumns
from smssim.sms.phone_numbers import masked

Kind = Literal["details", "sends", "reports"]

_REMEDY = (
    "say which column is which with --columns map.yaml (or columns=), a line for each: "
    "`field: heading`"
)
_HEADING = ("id", *TIMES)


@dataclass(frozen=True)
class Matching:
    """What a table is: its kind, the heading of each field, the headings that are none.

    `formats` are those given for times, by field, and `zones` those that headings name.
    """

    kind: Kind
    columns: Mapping[str, str]
    passed_over: tuple[str, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> str:
        """What was matched to what, in one line."""
        return ", ".join(f"{field}: {heading!r}" for field, heading in self.columns.items())


def match(headings: Sequence[str], mapping: Columns = None) -> Matching:
    """Match the headings of a table to fields; *mapping* is what a person says of them.

    Raise a WrongColumns for a table of no kind, two columns for one field, and a mapping that
    names a field or a heading that does not exist.
    """
    said = given(mapping)
    columns = _matched(headings, said)
    kind = _kind(headings, columns)
    used = set(columns.values())
    zones = {field: zone_of(columns[field]) for field in TIMES if field in columns}
    return Matching(
        kind,
        MappingProxyType(columns),
        tuple(heading for heading in headings if heading not in used),
        MappingProxyType({field: own.format for field, own in said.items() if own.format}),
        MappingProxyType({field: zone for field, zone in zones.items() if zone}),
    )


def is_heading(cells: Sequence[str | None], mapping: Columns = None) -> bool:
    """Whether a record is a heading: two fields or more, one of which is a time or an id.

    >>> is_heading(["SMS ID", "Status"]), is_heading(["6281234567890", "Status"])
    (True, False)
    """
    texts = [cell for cell in cells if cell]
    try:
        said = given(mapping)
    except WrongColumns:
        said = {}
    known = _fields(texts)
    by_hand = {plain(own.heading): field for field, own in said.items()}
    found = {by_hand.get(key) or known.get(key) for key in map(plain, texts)} - {None}
    return len(found) > 1 and any(field in found for field in _HEADING)


def keys_of(headings: Sequence[str], mapping: Columns = None) -> tuple[int, ...]:
    """Which of the headings are those of an id or a number, by place; a row that has one is no
    total.
    """
    by_hand = {plain(own.heading): field for field, own in given(mapping).items()}
    known = _fields(headings)
    fields = [by_hand.get(key) or known.get(key) for key in map(plain, headings)]
    return tuple(place for place, field in enumerate(fields) if field in ("id", "number"))


def _fields(headings: Iterable[str]) -> Mapping[str, str]:
    """The fields by plain heading, of our own tables if these are the headings of one."""
    bare = {plain(heading) for heading in headings}
    return fields_of({"request", "recipient", "generation"} <= bare)


def _matched(headings: Sequence[str], said: Mapping[str, Given]) -> dict[str, str]:
    twice = sorted({heading for heading in headings if list(headings).count(heading) > 1})
    by_hand = {field: _named(headings, field, own) for field, own in said.items()}
    columns: dict[str, list[str]] = {field: [heading] for field, heading in by_hand.items()}
    known = _fields(headings)
    for heading in headings:
        field = known.get(plain(heading))
        if field and field not in by_hand and heading not in by_hand.values():
            columns.setdefault(field, []).append(heading)
    double = {field: found for field, found in columns.items() if len(found) > 1}
    if double or set(twice) & set(by_hand.values()):
        told = [
            f"{field} is matched by {' and '.join(map(repr, found))}"
            for field, found in double.items()
        ] or [f"the heading {twice[0]!r} stands twice"]
        raise WrongColumns(f"{'; '.join(told)}: {_REMEDY}")
    order = {heading: i for i, heading in enumerate(headings)}
    return {
        field: found[0] for field, found in sorted(columns.items(), key=lambda c: order[c[1][0]])
    }


def _named(headings: Sequence[str], field: str, own: Given) -> str:
    if own.heading in headings:
        return own.heading
    like = [heading for heading in headings if heading.strip() == own.heading.strip()]
    like = like or [heading for heading in headings if plain(heading) == plain(own.heading)]
    if len(like) == 1:
        return like[0]
    told = f"the heading {own.heading!r} is not in the file"
    raise WrongColumns(f"{own.where}: {told}: {masked(suggested(own.heading, headings))}")


def _kind(headings: Sequence[str], columns: Mapping[str, str]) -> Kind:
    outcome = "status" in columns or "result" in columns
    who = "number" in columns or "country" in columns
    if "submitted" in columns and who:
        return "details" if outcome else "sends"
    if "submitted" not in columns and "id" in columns and "status" in columns:
        return "reports"
    if "submitted" in columns:
        missing = "a number or a country is missing"
    elif "id" in columns:
        missing = "submitted is missing, or status for a table of reports"
    else:
        missing = "submitted is missing, or id and status for a table of reports"
    found = ", ".join(f"{field} by {heading!r}" for field, heading in columns.items())
    known = f"say {found}, but {missing}" if found else f"say no field that is known: {missing}"
    # A file without headings has its first row there, phone numbers too.
    shown = masked(", ".join(map(repr, headings)))
    raise WrongColumns(f"the headings {shown} {known}: {_REMEDY}")
