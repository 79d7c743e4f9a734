"""The values that documented fields hold: JSON, objects, texts, counts, times, each checked.

What is not as documented raises an Unusable, whose text names field, value and rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar

from smssim.logs.columns.problems import shown as short

MOST_PARTS = 99
"""Parts of a long message: `total` and `sequence` have two digits at most."""

COUNTS = {written: n for n in range(MOST_PARTS + 1) for written in (n, f"{n}", f"{n:02d}")}
"""Every way in which a count is written, and what it counts."""

_WIRE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEARS = range(2000, 2100)
_Value = TypeVar("_Value")


class Unusable(ValueError):
    """A record that cannot be used; its texts are the reasons."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is of no use."""
        return self.args


class Checks:
    """Checks the fields of one record and goes on after a wrong one, so that all are told."""

    def __init__(self) -> None:
        self._reasons: list[str] = []

    def __call__(self, rule: Callable[[], _Value], otherwise: _Value) -> _Value:
        """Return what *rule* gives, or *otherwise* if it raises an Unusable."""
        try:
            return rule()
        except Unusable as found:
            self._reasons += found.reasons
            return otherwise

    def end(self) -> None:
        """Raise an Unusable with all reasons, if there are any."""
        if self._reasons:
            raise Unusable(*self._reasons)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
SCAN: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once  # type: ignore[attr-defined]
"""Reads the JSON value that begins at a place; gives it and where it ends."""


def parsed(document: str) -> Any:
    """Return the value of a JSON text; NaN, Infinity and what is nested too deep are no JSON."""
    try:
        return _DECODER.decode(document)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"not JSON: {error}") from None


def mapping(fields: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """Return the object that a mandatory field holds."""
    value = fields.get(field)
    if value is None:
        raise Unusable(f"{field} is missing")
    if not isinstance(value, dict):
        raise Unusable(f"{field}(={shown(value)}) must be an object")
    return value


def text(
    fields: Mapping[str, Any],
    field: str,
    inside: str = "",
    *,
    longest: int | None = None,
    printable: bool = True,
) -> str:
    """Return the text that a mandatory field holds; *inside* names where the field stands."""
    value = fields.get(field)
    if value is None or value == "":
        raise Unusable(f"{inside}{field} is missing")
    if not isinstance(value, str) or (printable and not value.isprintable()):
        raise Unusable(f"{inside}{field}(={shown(value)}) must be a text of printable characters")
    if longest is not None and len(value) > longest:
        raise Unusable(f"{inside}{field}(={shown(value)}) must have {longest} characters or fewer")
    return value


def count(fields: Mapping[str, Any], field: str, absent: int, inside: str = "") -> int:
    """Return a count of two digits at most, which may stand as a number or as a text."""
    value = fields.get(field)
    if value is None:
        return absent
    if type(value) in (int, str) and value in COUNTS:
        return COUNTS[value]
    raise Unusable(f"{inside}{field}(={shown(value)}) must be a number from 0 to {MOST_PARTS}")


def wire_time(value: object, field: str) -> int:
    """Return a time of the wire, whole seconds, in microseconds since 1970 UTC."""
    try:
        if isinstance(value, str) and _WIRE_TIME.fullmatch(value):
            return _microseconds(datetime.fromisoformat(value))
    except ValueError:
        pass
    raise Unusable(f"{field}(={shown(value)}) must be yyyy-MM-dd'T'HH:mm:ss'Z', years 2000 to 2099")


def received_at(line: Mapping[str, Any]) -> int:
    """Return when the customer's server kept the line, in microseconds since 1970 UTC."""
    value = text(line, "received_at", longest=40)
    try:
        return _microseconds(datetime.fromisoformat(value))
    except (ValueError, TypeError, OverflowError):
        raise Unusable(
            f"received_at(={value!r}) must be an ISO 8601 time with its offset, years 2000 to 2099"
        ) from None


def shown(value: object) -> str:
    """Return a value as a reason may show it: short, and containers only by their name."""
    # The text of a container may be as deep as the reader of JSON just allows.
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    return short(value)


def _microseconds(when: datetime) -> int:
    since = when - _EPOCH
    if when.year not in _YEARS:
        raise ValueError(when.year)
    return since // _MICROSECOND
