"""Access logs of a web server that callbacks were pushed to, as captures of these."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from smssim.logs.files import json_lines
from smssim.logs.files.bytes import UTF8
from smssim.logs.files.format import Capture, Head, HeadingRules
from smssim.logs.files.webhooks import CLOCK, callbacks, of_access_log

__all__ = ["BEGINS", "FORMS", "IS_BINARY", "reread", "tables"]

FORMS: tuple[str, ...] = ("access log",)
IS_BINARY = False
BEGINS = re.compile(rb'[^\n"\[]{0,500}\[' + CLOCK.encode() + rb"\]")
"""The time in brackets of the first line."""


def tables(head: Head, rules: HeadingRules) -> Iterator[Capture]:
    """The callbacks of the log, as the capture of them; it has no heading."""
    encoding, not_records = head.known_encoding or UTF8, Counter[str]()
    lines = partial(callbacks, head.path, encoding, of_access_log, not_records)
    detected = {**head.detected(FORMS[0]), "encoding": encoding}
    yield Capture(str(head.path), detected, lines, not_records)


def reread(
    path: Path, rows: Collection[int], detected: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """The texts of some lines, as the server wrote them."""
    return json_lines.reread(path, rows, detected)
