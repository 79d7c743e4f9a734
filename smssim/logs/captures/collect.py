"""The lines of a capture, one after the other, into columns or into the quarantine."""

from __future__ import annotations

from collections.abc import Sequence

from smssim.calendars import SECOND
from smssim.logs.captures.fields import ACCEPTED, Report, Request, Result, record
from smssim.logs.captures.growing import MessageRows, ReportRows
from smssim.logs.captures.values import Unusable
from smssim.logs.quarantine import KEPT, Quarantine
from smssim.numbers import countries_of, normalise

_KEPT_BYTES = 8 * KEPT


class Collector:
    """Takes the lines of one file; never raises for what stands in them.

    A record is a request, a report, or a line that is neither: `records_in` counts those met,
    `used` those in the columns, and the rest is in the quarantine. `first` and `last` are the
    first and last times of submission and arrival, microseconds since 1970 UTC, 0 without any.
    """

    def __init__(self, file: str) -> None:
        self.messages, self.reports = MessageRows(), ReportRows()
        self.quarantine = Quarantine()
        self.records_in = self.used = 0
        self.first = self.last = 0
        self._file = file
        self._rows: dict[str, int] = {}
        self._contents: list[int] = []
        self._waiting: list[tuple[int, bytes, Report]] = []

    def line(self, number: int, data: bytes) -> None:
        """Take a line of the file, counted from 1."""
        found: Sequence[Request | Report | Unusable]
        try:
            found = _records(record(data))
        except Unusable as reason:
            found = [reason]
        self.records_in += len(found)
        kept, content = data[:_KEPT_BYTES], hash(data)
        for entry in found:
            if isinstance(entry, Report) and entry.name not in self._rows:
                self._waiting.append((number, kept, entry))
            else:
                self._take(number, kept, entry, content)

    def unreadable(self, number: int, reason: str, data: bytes = b"") -> None:
        """Take a line that could not be read to its end."""
        self.records_in += 1
        self._refuse(number, reason, data[:_KEPT_BYTES])

    def end(self) -> None:
        """Take the reports that came before their requests; those without one are orphans."""
        for number, kept, report in self._waiting:
            self._take(number, kept, report, 0)
        self._waiting.clear()

    def _take(
        self, number: int, kept: bytes, record: Request | Report | Unusable, content: int
    ) -> None:
        try:
            if isinstance(record, Unusable):
                raise record
            if isinstance(record, Request):
                self._request(record, content)
            else:
                self._report(number, record)
        except Unusable as reason:
            self._refuse(number, str(reason), kept)
            return
        self.used += 1
        self._observe(record.received)

    def _observe(self, instant: int) -> None:
        if not self.first or instant < self.first:
            self.first = instant
        if instant > self.last:
            self.last = instant

    def _refuse(self, number: int, reason: str, kept: bytes) -> None:
        self.quarantine.add(self._file, number, reason, kept.decode(errors="replace"))

    def _request(self, found: Request, content: int) -> None:
        self._check_new(found, content)
        if found.results:
            self._accepted(found)
        else:
            self._refused(found)
        self._contents.append(content)

    def _check_new(self, found: Request, content: int) -> None:
        results = _results(found)
        names = [result.name for result in results]
        for name in names:
            if name in self._rows:
                first = self._contents[self.messages.request[self._rows[name]]]
                if first == content:
                    raise Unusable("duplicate of an earlier line")
                raise Unusable(f"smsMsgId(={name!r}) stands in an earlier answer")
        # A duplicate's entry may name the message that was sent in its place.
        accepted = [result.name for result in results if result.status == ACCEPTED]
        if len(set(accepted)) < len(accepted):
            raise Unusable("answer.result must hold each accepted smsMsgId once")

    def _accepted(self, found: Request) -> None:
        rows = self.messages
        for recipient, result in enumerate(_results(found)):
            accepted = result.status == ACCEPTED
            if accepted:
                self._rows[result.name] = len(rows.submitted)
            else:
                self._rows.setdefault(result.name, len(rows.submitted))
            self._common(found, recipient, result.created)
            rows.segments.append(result.segments)
            rows.place.append(0 if accepted else 2)
            rows.country.add(result.country)
            rows.status.add(None if accepted else result.status)

    def _refused(self, found: Request) -> None:
        rows = self.messages
        created = found.received // SECOND * SECOND
        countries = countries_of([normalise(number) or "" for number in found.numbers])
        for recipient, country in enumerate(countries):
            self._common(found, recipient, created)
            rows.segments.append(0)
            rows.place.append(1)
            rows.country.add(country)
            rows.status.add(found.code)

    def _common(self, found: Request, recipient: int, submitted: int) -> None:
        rows = self.messages
        self._observe(submitted)
        rows.submitted.append(submitted)
        rows.request.append(len(self._contents))
        rows.recipient.append(recipient)
        rows.channel.add(found.channel)
        rows.template.add(found.template)

    def _report(self, number: int, report: Report) -> None:
        row = self._rows.get(report.name)
        if row is None:
            raise Unusable(f"smsMsgId(={report.name!r}) is in no answer: an orphan report")
        if self.messages.place[row] == 2:
            raise Unusable(f"smsMsgId(={report.name!r}) was refused in the answer")
        self.reports.add(row, number, report)


def _records(found: Request | list[Report | Unusable]) -> Sequence[Request | Report | Unusable]:
    if isinstance(found, list):
        return found
    wrong = [result for result in found.results if isinstance(result, Unusable)]
    return wrong[:1] or [found]


def _results(found: Request) -> list[Result]:
    return [result for result in found.results if not isinstance(result, Unusable)]
