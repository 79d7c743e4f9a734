"""Read the lines of a capture into facts, chunk after chunk, in bounded memory.

A record is one number of a request, one report, or a line or an entry that is neither; no line
raises an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b

from smssim.calendars import SECOND
from smssim.logs.captures.facts import (
    REPORT_VALUES,
    SEND_VALUES,
    Rows,
    content_of,
    report_facts,
    send_facts,
)
from smssim.logs.captures.fast_path import ODD, Quick
from smssim.logs.captures.fields import ACCEPTED, Report, Request, record
from smssim.logs.captures.values import SCAN, InvalidRecord
from smssim.logs.columns.texts import Secret
from smssim.logs.files.bytes import LONGEST, CutShortError
from smssim.logs.join.facts import Names, ParsedChunk, RejectedRow
from smssim.logs.join.message_ids import MessageIds
from smssim.logs.quarantine import LONGEST_TEXT
from smssim.sms.phone_numbers import countries_of, normalise

__all__ = ["CHUNK", "Line", "chunks_of", "lines_of"]

Line = tuple[int, bytes, str]
"""A line of a file: its row from 1, its bytes, and why it could not be read to its end, or ""."""

CHUNK = 50_000
"""Records of a chunk, at which it is handed on."""

_KEPT_BYTES = 8 * LONGEST_TEXT
_MOST_BYTES = 64 * 2**20
_LOOK = 16


# The lines of a capture, one after the other, unreadable ones with the reason.


def lines_of(lines: Callable[[], Iterator[tuple[int, bytes, bool]]]) -> Iterator[Line]:
    """Give every line that is not blank of the *lines* of a `Capture`.

    A file that breaks off ends with a line that gives the reason.
    """
    row = 0
    try:
        for row, data, whole in lines():
            if not whole:
                yield row, data, f"line must be {LONGEST} bytes or fewer"
            elif data and not data.isspace():
                yield row, data, ""
    except CutShortError as error:
        yield row + 1, b"", str(error)


def chunks_of(
    lines: Iterable[Line],
    file: int,
    names: Names,
    secret: bytes,
    requests: Iterator[int],
    ids: MessageIds | None = None,
) -> Iterator[ParsedChunk]:
    """Give the facts of the *lines* of one file, about 50,000 records per chunk.

    Each line that holds a usable request takes its number from *requests*, which goes on from
    file to file. Keys of equal smsMsgIds are equal for one *secret*; *ids* takes these.
    """
    reader, words = _Reader(requests, ids), Secret.of(secret)
    for line in lines:
        reader.take(line)
        if not line[0] % _LOOK and reader.is_full:
            yield reader.chunk(file, names, words)
    if reader.records:
        yield reader.chunk(file, names, words)


class _Reader:
    def __init__(self, requests: Iterator[int], ids: MessageIds | None) -> None:
        self._requests, self._ids = requests, ids
        self._quick = Quick()
        self._text = 0, ""
        self._begin()

    def _begin(self) -> None:
        self._sends: Rows = []
        self._reports: Rows = []
        self._rejected: list[RejectedRow] = []
        self._bytes = 0

    @property
    def records(self) -> int:
        """Records of the chunk."""
        return (
            len(self._sends) // len(SEND_VALUES)
            + len(self._reports) // len(REPORT_VALUES)
            + len(self._rejected)
        )

    @property
    def is_full(self) -> bool:
        """Whether the chunk should be handed on."""
        return self.records >= CHUNK or self._bytes >= _MOST_BYTES

    def chunk(self, file: int, names: Names, secret: Secret) -> ParsedChunk:
        """Hand on what was read, and begin another chunk."""
        sends = send_facts(self._sends, file, names, secret, self._requests)
        reports = report_facts(self._reports, file, names, secret)
        if self._ids is not None:
            # A request that was refused as a whole has no id, and a name of two lines.
            ids = self._sends[SEND_VALUES.index("name") :: len(SEND_VALUES)]
            self._ids.add(sends["key"], (None if "\n" in name else name for name in ids))
        chunk = ParsedChunk(sends, reports, tuple(self._rejected))
        self._begin()
        return chunk

    def take(self, line: Line) -> None:
        """Read a line, field by field only if the fast path gives nothing."""
        row, data, broken = line
        self._bytes += len(data)
        if broken:
            self._reject(line, broken)
        elif not self._quickly(row, data):
            self._thoroughly(line)

    def _quickly(self, row: int, data: bytes) -> bool:
        try:
            text = data.decode()
            document, end = SCAN(text, 0)
            if end < len(text):
                return False
            if "callback" in document:
                reports = self._quick.reports(document, row)
                self._reports += reports
                return bool(reports)
            sends = self._quick.sends(text, document, row)
            self._sends += sends
            return bool(sends)
        except ODD:
            return False

    def _thoroughly(self, line: Line) -> None:
        try:
            parsed = record(line[1])
        except InvalidRecord as reason:
            self._reject(line, *reason.reasons)
            return
        if isinstance(parsed, list):
            self._take_reports(line, parsed)
        elif parsed.results:
            self._take_results(line, parsed)
        else:
            self._take_refused(line, parsed)

    def _take_reports(self, line: Line, parsed: list[Report | InvalidRecord]) -> None:
        for entry, report in enumerate(parsed):
            if isinstance(report, InvalidRecord):
                self._reject(line, *report.reasons)
            else:
                self._reports += (line[0], entry, *report)

    def _take_results(self, line: Line, parsed: Request) -> None:
        taken = _accepted(parsed)
        content = content_of(line[1].decode(), parsed.stamp)
        templates = _templates(parsed)
        for entry, (result, template) in enumerate(zip(parsed.results, templates, strict=True)):
            if isinstance(result, InvalidRecord):
                self._reject(line, *result.reasons)
                continue
            stage, status = (0, None) if result.status == ACCEPTED else (2, result.status)
            if not stage and taken[result.name] != entry:
                self._reject(line, "answer.result must hold each accepted smsMsgId once")
                continue
            country = result.country or _country_of(result.number)
            of_result = (result.created, country, result.segments, result.number)
            of_request = (parsed.channel, template, content ^ entry)
            self._sends += (line[0], entry, stage, result.name, status, *of_result, *of_request)

    def _take_refused(self, line: Line, parsed: Request) -> None:
        created = parsed.received // SECOND * SECOND
        content = content_of(line[1].decode(), parsed.stamp)
        countries = countries_of([normalise(number) or "" for number in parsed.numbers])
        name = blake2b(line[1], digest_size=16).hexdigest()
        rows = zip(parsed.numbers, countries, parsed.templates, strict=True)
        for entry, (number, country, template) in enumerate(rows):
            # No smsMsgId has a line end.
            of_entry = (f"{name}\n{entry}", parsed.code, created, country, 0, number)
            of_request = (parsed.channel, template, content ^ entry)
            self._sends += (line[0], entry, 1, *of_entry, *of_request)

    def _reject(self, line: Line, *reasons: str) -> None:
        # The entries of one line share its text.
        if self._text[0] != line[0]:
            self._text = line[0], line[1][:_KEPT_BYTES].decode(errors="replace")
        self._rejected.append(RejectedRow(line[0], reasons, self._text[1]))


def _accepted(parsed: Request) -> dict[str, int]:
    """Return the first accepted entry of each smsMsgId."""
    first: dict[str, int] = {}
    for entry, result in enumerate(parsed.results):
        if not isinstance(result, InvalidRecord) and result.status == ACCEPTED:
            first.setdefault(result.name, entry)
    return first


def _templates(parsed: Request) -> Sequence[str]:
    """The template of each result: that of its position if the number there is its own."""
    if len(set(parsed.templates)) == 1:
        return [parsed.templates[0]] * len(parsed.results)
    by_number = dict(zip(parsed.numbers, parsed.templates, strict=True))
    in_order = len(parsed.results) == len(parsed.numbers)
    templates = []
    for entry, result in enumerate(parsed.results):
        number = None if isinstance(result, InvalidRecord) else result.number
        template = by_number.get(number or "")
        if template is None or (in_order and parsed.numbers[entry] == number):
            template = parsed.templates[entry] if in_order else ""
        templates.append(template)
    return templates


def _country_of(number: str | None) -> str | None:
    """The country of a number, where an answer does not name one."""
    return countries_of([normalise(number) or ""])[0] if number else None
