"""Logs of a web server that callbacks were pushed to, each line as one of a capture.

An access log has a callback's form in its query or in a quoted body; a log of JSON lines has it, or
an object of its fields, under any key.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from smssim.logs.files.bytes import numbered_lines

__all__ = ["CLOCK", "callbacks", "is_webhook", "of_access_log", "of_json"]

CLOCK = r"\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}"
"""How servers write the time of a request in an access log."""

_ID, _BATCH = "smsMsgId", "statusReportList"
_OTHER = "request that is no callback"
"""What `passed_over` calls a line without the id of a message."""
_TIME = re.compile(rf"\[({CLOCK})\]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_TIMES = (
    *("received_at", "time", "timestamp", "@timestamp", "time_iso8601", "time_local", "datetime"),
    *("date", "ts", "at", "requestTime", "request_time", "logged_at", "created_at"),
)
"""Keys of a JSON line's time, the first that it has."""
_LATEST_S = 10_000_000_000
"""Numbers from here on are milliseconds since 1970."""
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


def is_webhook(values: Mapping[str, Any]) -> bool:
    """Whether an object of a JSON line holds a callback under one of its keys."""
    return any(_is_body(value) for value in values.values())


def callbacks(
    path: Path,
    encoding: str,
    callback: Callable[[str], tuple[Any, Any] | None],
    not_records: Counter[str],
) -> Iterator[tuple[int, bytes, bool]]:
    """The lines that hold a callback, as those of a capture; see `format.Capture`.

    *callback* gives the time and the body in a line, None where it holds no callback; such a line
    is counted in *not_records*.
    """
    not_records.clear()
    for number, line, whole in numbered_lines(path, encoding):
        time_and_body = callback(line.decode("utf-8", "replace")) if whole else None
        if time_and_body is not None:
            yield number, _captured(*time_and_body), True
        elif not whole:
            yield number, line, False
        elif line.strip():
            not_records[_OTHER] += 1


def _captured(received: Any, body: Any) -> bytes:
    """A callback as a line of a capture."""
    if not isinstance(body, str):
        is_form = _ID in body
        body = urlencode(body) if is_form else json.dumps(body, ensure_ascii=False)
    content_type = _JSON if body.lstrip().startswith("{") else _FORM
    line = {"received_at": received, "callback": {"content_type": content_type, "body": body}}
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")


def of_json(text: str) -> tuple[Any, Any] | None:
    """The time and the callback of a JSON line, None where it holds none."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None if _ID not in text else (None, text)
    if not isinstance(values, dict):
        return None
    body = next((value for value in values.values() if _is_body(value)), None)
    time = next((values[name] for name in _TIMES if values.get(name) is not None), None)
    return None if body is None else (_received(time), body)


def _is_body(value: Any) -> bool:
    if isinstance(value, dict):
        return _ID in value or _BATCH in value
    return isinstance(value, str) and (f"{_ID}=" in value or f'"{_ID}"' in value)


def _received(time: Any) -> Any:
    """A time as captures write it; what is none that is known stays, and is a reason."""
    if isinstance(time, int | float) and not isinstance(time, bool):
        seconds = time / 1_000 if time >= _LATEST_S else time
        try:
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            return str(time)
    if isinstance(time, str) and re.fullmatch(CLOCK, time):
        try:
            return datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").isoformat()
        except ValueError:
            return time
    return time


def of_access_log(text: str) -> tuple[Any, Any] | None:
    """The time and the form of a line of an access log, None where it holds no callback."""
    if _ID not in text:
        return None
    time = _TIME.search(text)
    quoted = [_ESCAPE.sub(_unescaped, part) for part in _QUOTED.findall(text)]
    bodies = [_query(part) for part in quoted if _ID in part]
    return _received(time[1] if time else None), bodies[-1] if bodies else text


def _query(part: str) -> str:
    """The query of a request's first line; any other quoted part is the body itself."""
    match = re.fullmatch(r"[A-Z]+ [^ ?]*\?(\S*)(?: HTTP/[\d.]+)?", part)
    return match[1] if match else part


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2]
