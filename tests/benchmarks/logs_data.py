"""What logs.py reads: a folder of dirty exports, and sends with their reports; made by the million.

Everything is a function of the row's number, so that files fit together and are always the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from smssim.stats.keyed_random import PHI, mix64_array

Ints = NDArray[np.int64]

FILE_ROWS = 50_000
OVERLAP = 1_500
"""Rows of a file that the one before ends with: 3%, as windows overlap."""

SPLIT = 20
"""Every so manieth message has two segments, a row each."""

START_S, SPAN_S = 1_767_225_600, 90 * 86_400
COUNTRIES = (("ID", "62812"), ("TH", "66812"), ("IN", "91987"), ("PH", "63917"), ("SG", "65812"))
DETAILS = "SMS ID,Recipient Number,Country/Region,Application Name,Template ID,SMS Type,"
DETAILS += "Send Time (UTC+8),Status Time (UTC+8),Sending Result,Status Code,Charged or Not\n"
SENDS = "Message ID,To,Application,Template,Type,Submitted (UTC)\n"
REPORTS = "smsMsgId,sequence,total,status,source,updateTime,Received At (UTC)\n"
MARK, HOLE = b"\xef\xbb\xbf", "\ue000"
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_DASHES = (8, 12, 16, 20)


def make(folder: Path, rows: int) -> None:
    """Make what is not there yet; a folder that was finished says so by a file.

    Raise a ValueError for rows that do not fill files of 50,000.
    """
    if rows % FILE_ROWS or rows <= 0:
        raise ValueError(f"rows(={rows}) must be a multiple of {FILE_ROWS:,}")
    done = folder / f"made_{rows}"
    if done.exists():
        return
    for name in ("details", "joined"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _details(folder / "details", rows)
    with (
        (folder / "joined/sends.csv").open("wb") as sends,
        (folder / "joined/reports.csv").open("wb") as reports,
    ):
        sends.write(SENDS.encode())
        reports.write(REPORTS.encode())
        for rows_of_chunk in _chunks(rows, 500_000):
            sends.write(_bytes(_send_lines(rows_of_chunk, rows)))
            reports.write(_bytes(_report_lines(rows_of_chunk, rows)))
    done.touch()


def _details(folder: Path, rows: int) -> None:
    files = rows // FILE_ROWS
    for turn in range(files):
        number = turn * (FILE_ROWS - OVERLAP) + np.arange(FILE_ROWS)
        last = turn == files - 1
        lines = _detail_lines(number, rows, waiting=0 if last else OVERLAP)
        with (folder / f"sending_details_{turn:04d}.csv").open("wb") as file:
            file.write(MARK + DETAILS.encode())
            file.write(_bytes(lines).replace(HOLE.encode(), b"\xff"))


def _chunks(rows: int, size: int) -> Iterator[Ints]:
    for first in range(0, rows, size):
        yield np.arange(first, min(first + size, rows))


class Rows:
    """What is the case for some rows of the month."""

    def __init__(self, number: Ints, rows: int) -> None:
        # The row after each SPLIT-th is the second segment of the same message.
        self.message = message = number - (number % SPLIT == 1)
        self.word = mix64_array(message.astype(np.uint64) + np.uint64(PHI))
        self.dice = (self.word >> np.uint64(40)).astype(np.int64)
        self.country = (self.word % np.uint64(len(COUNTRIES))).astype(np.int64)
        self.submitted = START_S + message * SPAN_S // rows
        self.late = self.dice % 100 < 3
        self.delay = 2 + self.dice % 90 + self.late * 1_800
        self.delivered = self.dice % 1_000 < 950
        self.result = np.where(self.delivered, 0, 1) + self.late * 3

    def ids(self) -> pa.Array:
        """IDs of the form of the documents: a UUID, "_" and a counter (DOMAIN.md section 6)."""
        words = np.stack([self.word, mix64_array(self.word + np.uint64(1))], axis=1).astype(">u8")
        octets = words.view(np.uint8)
        digits = np.empty((len(octets), 32), np.uint8)
        digits[:, ::2], digits[:, 1::2] = _HEX[octets >> 4], _HEX[octets & 15]
        pieces = np.split(digits, _DASHES, axis=1)
        dash = np.full((len(octets), 1), ord("-"), np.uint8)
        text = np.concatenate([column for p in pieces for column in (p, dash)][:-1], axis=1)
        ends = np.arange(0, 36 * len(text) + 1, 36, dtype=np.int32)
        uuid = pa.StringArray.from_buffers(
            len(text), pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(text))
        )
        return _joined([uuid, _texts(self.message)], "_")

    def numbers(self) -> pa.Array:
        """Numbers that are no one's: longer than the plans of their countries allow."""
        prefixes = np.array([int(prefix) for _, prefix in COUNTRIES])
        return _joined(["+", _texts(prefixes[self.country] * 10**10 + self.dice)], "")

    def of(self, labels: list[str], codes: Ints) -> pa.Array:
        """Labels by their codes."""
        return pa.array(labels).take(pa.array(codes))

    def statuses(self) -> pa.Array:
        """Final statuses."""
        failed = 1 + (self.dice // 1_000) % 3
        labels = ["DELIVRD", "UNDELIV", "REJECTD", "EXPIRED"]
        return self.of(labels, np.where(self.delivered, 0, failed))


def _detail_lines(number: Ints, rows: int, waiting: int) -> pa.Array:
    """Lines of a file; half of its *waiting* last ones had no status when it was exported."""
    own = Rows(number, rows)
    known = np.ones(len(number), np.bool_)
    known[len(number) - waiting :] = own.dice[len(number) - waiting :] % 2 == 0
    blank = pa.array([""] * len(number))
    mask = pa.array(known)
    columns = {
        "id": own.ids(),
        "number": own.numbers(),
        "country": own.of([iso2 for iso2, _ in COUNTRIES], own.country),
        "application": own.of(["shop", "news"], own.dice % 2),
        "template": own.of([f"template {i}" for i in range(20)], own.dice % 20),
        "type": own.of(["1", "3"], own.dice // 7 % 2),
        "submitted": _times(own.submitted),
        "final": pc.if_else(mask, _times(own.submitted + own.delay), blank),
        "result": _texts(np.where(known, own.result, 2)),
        "status": pc.if_else(mask, own.statuses(), blank),
        "charged": own.of(["0"], np.zeros(len(number), np.int64)),
    }
    fields = list(columns)
    dice = mix64_array(number.astype(np.uint64) * np.uint64(PHI)) % np.uint64(100_000)
    bound = 0
    for share, written in FAULTS:
        soiled = pa.array((dice >= bound) & (dice < bound + share) & known)
        bound += share
        for field, text in written.items():
            columns[field] = pc.if_else(soiled, text, columns[field])
    lines = _joined([columns[field] for field in fields], ",")
    for share, break_ in BREAKS:
        broken = pa.array((dice >= bound) & (dice < bound + share))
        bound += share
        lines = pc.if_else(broken, break_(lines), lines)
    return lines


# In rows of 100,000; what is in fields instead.
FAULTS: tuple[tuple[int, dict[str, str]], ...] = (
    (80, {"country": "Atlantis"}),
    (60, {"country": "VN"}),
    (80, {"submitted": "2026-02-30 10:00:00"}),
    (40, {"submitted": ""}),
    (80, {"final": "2025-12-01 00:00:00"}),
    (60, {"status": "DELIVRD", "result": "4"}),
    (40, {"result": "9"}),
    (40, {"type": "fax"}),
    (40, {"status": "DELIVERED!"}),
    (40, {"number": "", "country": ""}),
    (40, {"number": "6.28123E+14", "country": ""}),
    (60, {"template": "another"}),
    (40, {"id": ""}),
    (60, {"number": "'+６２８１２１２３４５６７８９", "country": "Indonesia"}),
    (60, {"status": "delivrd (as reported)", "result": "0"}),
    (40, {"template": "=1+1"}),
)
BREAKS = (
    (60, lambda lines: pc.utf8_slice_codeunits(lines, 0, 60)),
    (40, lambda lines: _joined([lines, "x", "y"], ",")),
    (40, lambda lines: _joined([lines, HOLE], "")),
    (5, lambda lines: pc.replace_substring(lines, ",", ',"', max_replacements=1)),
)


def _send_lines(number: Ints, rows: int) -> pa.Array:
    own = Rows(number, rows)
    return _joined(
        [
            own.ids(),
            own.numbers(),
            own.of(["shop", "news"], own.dice % 2),
            own.of([f"template {i}" for i in range(20)], own.dice % 20),
            own.of(["otp", "notification"], own.dice // 7 % 2),
            _times(own.submitted),
        ],
        ",",
    )


def _report_lines(number: Ints, rows: int) -> pa.Array:
    own = Rows(number, rows)
    second = number % SPLIT == 1
    lines = _joined(
        [
            own.ids(),
            _texts(np.where(second, 2, 1)),
            _texts(np.where(second | (number % SPLIT == 0), 2, 1)),
            own.statuses(),
            own.of(["2"], np.zeros(len(number), np.int64)),
            _times(own.submitted + own.delay, "T"),
            _times(own.submitted + own.delay + 1),
        ],
        ",",
    )
    # Reports come in the order of their arrival.
    return lines.take(pa.array(np.argsort(own.submitted + own.delay, kind="stable")))


def _times(second: Ints, between: str = " ") -> pa.Array:
    """Times as texts; with "T" as the documents write them, a "Z" after them."""
    text = pa.array(second).cast(pa.timestamp("s")).cast(pa.string())
    return text if between == " " else _joined([pc.replace_substring(text, " ", "T"), "Z"], "")


def _texts(values: NDArray[np.integer]) -> pa.Array:
    return pa.array(values).cast(pa.string())


def _joined(columns: list[pa.Array | str], separator: str) -> pa.Array:
    return pc.binary_join_element_wise(*columns, separator)


def _bytes(lines: pa.Array) -> bytes:
    """All lines, each with its end, in one piece."""
    ended = _joined([lines, "\n"], "")
    ends = np.frombuffer(ended.buffers()[1], np.int32)
    return bytes(memoryview(ended.buffers()[2])[: ends[len(ended)]])
