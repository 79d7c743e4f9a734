"""Values of documented fields: JSON, objects, texts, counts, times, forms, each checked.

A value that breaks a rule raises an InvalidRecord, whose text names field, value and rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote_plus

from smssim.logs.columns.texts import excerpt as short

__all__ = [
    "COUNTS",
    "MOST_PARTS",
    "SCAN",
    "FieldErrors",
    "InvalidRecord",
    "count",
    "form",
    "mapping",
    "parsed",
    "received_at",
    "text",
    "value_text",
    "wire_time",
]

MOST_PARTS = 99
"""Parts of a long message: `total` and `sequence` have two digits at most."""

COUNTS = {written: n for n in range(MOST_PARTS + 1) for written in (n, f"{n}", f"{n:02d}")}
"""Every way in which a count is written, and what it counts."""

_WIRE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEARS = range(2000, 2100)
_Value = TypeVar("_Value")


class InvalidRecord(ValueError):
    """A record that breaks rules; its texts are the reasons."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """All reasons, in order."""
        return self.args


class FieldErrors:
    """Checks the fields of one record and goes on after a wrong one, so that all are reported."""

    def __init__(self) -> None:
        self._reasons: list[str] = []

    def __call__(self, rule: Callable[[], _Value], otherwise: _Value) -> _Value:
        """Return what *rule* gives, or *otherwise* if it raises an InvalidRecord."""
        try:
            return rule()
        except InvalidRecord as error:
            self._reasons += error.reasons
            return otherwise

    def end(self) -> None:
        """Raise an InvalidRecord with all reasons, if there are any."""
        if self._reasons:
            raise InvalidRecord(*self._reasons)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


SCAN: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once  # type: ignore[attr-defined]
"""Reads the JSON value that begins at an index; gives it and where it ends."""


def parsed(document: str) -> Any:
    """Return the value of a JSON text; NaN, Infinity and what is nested too deep are no JSON."""
    try:
        return _DECODER.decode(document)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(f"not JSON: {error}") from None


def mapping(fields: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """Return the object that a mandatory field holds."""
    value = fields.get(field)
    if value is None:
        raise InvalidRecord(f"{field} is missing")
    if not isinstance(value, dict):
        raise InvalidRecord(f"{field}(={value_text(value)}) must be an object")
    return value


def text(
    fields: Mapping[str, Any],
    field: str,
    inside: str = "",
    *,
    longest: int | None = None,
    printable: bool = True,
) -> str:
    """Return the text that a mandatory field holds; *inside* names the object around it."""
    value = fields.get(field)
    if value is None or value == "":
        raise InvalidRecord(f"{inside}{field} is missing")
    if not isinstance(value, str) or (printable and not value.isprintable()):
        raise InvalidRecord(
            f"{inside}{field}(={value_text(value)}) must be a text of printable characters"
        )
    if longest is not None and len(value) > longest:
        raise InvalidRecord(
            f"{inside}{field}(={value_text(value)}) must have {longest} characters or fewer"
        )
    return value


def count(fields: Mapping[str, Any], field: str, absent: int, inside: str = "") -> int:
    """Return a count of two digits at most, written as a number or as a text."""
    value = fields.get(field)
    if value is None:
        return absent
    if type(value) in (int, str) and value in COUNTS:
        return COUNTS[value]
    raise InvalidRecord(
        f"{inside}{field}(={value_text(value)}) must be a number from 0 to {MOST_PARTS}"
    )


def wire_time(value: object, field: str) -> int:
    """Return a time of the wire, whole seconds, in microseconds since 1970 UTC."""
    try:
        if isinstance(value, str) and _WIRE_TIME.fullmatch(value):
            return _microseconds(datetime.fromisoformat(value))
    except ValueError:
        pass
    raise InvalidRecord(
        f"{field}(={value_text(value)}) must be yyyy-MM-dd'T'HH:mm:ss'Z', years 2000 to 2099"
    )


def received_at(line: Mapping[str, Any]) -> int:
    """Return when the customer's server wrote the line, in microseconds since 1970 UTC."""
    value = text(line, "received_at", longest=40)
    try:
        return _microseconds(datetime.fromisoformat(value))
    except (ValueError, TypeError, OverflowError):
        raise InvalidRecord(
            f"received_at(={value!r}) must be an ISO 8601 time with its offset, years 2000 to 2099"
        ) from None


def value_text(value: object) -> str:
    """Return a value for a reason: short, and containers only by their type."""
    # The text of a container may be as deep as the reader of JSON just allows.
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    return short(value)


def _microseconds(when: datetime) -> int:
    since = when - _EPOCH
    if when.year not in _YEARS:
        raise ValueError(when.year)
    return since // _MICROSECOND


# Form-encoded bodies of callbacks, taken apart into their fields (DOMAIN.md section 7).


def form(body: str) -> dict[str, str]:
    """Return the fields of a form-encoded body, each of which appears in it once."""
    pairs = [pair.partition("=") for pair in body.split("&")]
    try:
        fields = {name: _unquoted(value) for name, _, value in pairs}
    except UnicodeDecodeError:
        raise InvalidRecord("callback.body must be form-encoded UTF-8") from None
    if len(fields) < len(pairs) or not all(equals for _, equals, _ in pairs):
        raise InvalidRecord("callback.body must be form-encoded, each field once")
    return fields


def _unquoted(value: str) -> str:
    # The colons of updateTime are nearly all there is to decode.
    value = value.replace("%3A", ":")
    return unquote_plus(value, errors="strict") if "%" in value or "+" in value else value
