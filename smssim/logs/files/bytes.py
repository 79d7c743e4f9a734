"""The bytes of a file in blocks, unpacked where gzip packed them.

At most one block is in memory, for any file: a hostile one may unpack to terabytes.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from smssim.arrays import Ints
from smssim.logs.join.facts import RejectedRow

__all__ = [
    "BLOCK",
    "CP1252",
    "GB18030",
    "LONGEST",
    "LONGEST_SHOWN",
    "UTF8",
    "CutShortError",
    "Lines",
    "as_utf8",
    "blocks",
    "check_encoding",
    "decodes",
    "encoding_of",
    "is_gb2312",
    "is_gzip",
    "is_text",
    "line_starts",
    "line_text",
    "numbered_lines",
    "start_of",
    "whole_lines",
]

BLOCK = 8 << 20
"""Bytes of a block."""

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 16

UTF8, GB18030, CP1252 = "UTF-8", "GB18030", "cp1252"
_UTF16LE, _UTF16BE = "UTF-16LE", "UTF-16BE"
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, _UTF16LE),
    (codecs.BOM_UTF16_BE, _UTF16BE),
)
_OWN_NAMES = {
    "utf-8": UTF8,
    "utf-8-sig": UTF8,
    "gb18030": GB18030,
    "gbk": GB18030,
    "gb2312": GB18030,
    "cp1252": CP1252,
    "utf-16-le": _UTF16LE,
    "utf-16-be": _UTF16BE,
}
_HIGH = bytes(range(0x80, 0x100))
_SAMPLE = 4_096
_NO_UTF8 = b"\xff"

_PAIRS = re.compile(rb"[\x80-\xff]+")
_CHINESE_LEADS = range(0xB0, 0xF8)

LONGEST = 8_000_000
"""Bytes of a line that are read; a longer line is rejected."""

_LF, _CR = b"\n\r"
_HALVES = re.compile("[\ud800-\udfff]")

LONGEST_SHOWN = 8_192
"""Characters of a row's text that are stored."""


class CutShortError(ValueError):
    """A file that cannot be read on; everything before was given."""


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed by gzip. Raise an OSError for one that cannot be read."""
    return start_of(path, len(_GZIP)) == _GZIP


def start_of(path: Path, size: int) -> bytes:
    """The first bytes of a file as they stand. Raise an OSError for one that cannot be read."""
    with path.open("rb") as stream:
        return stream.read(size)


def blocks(path: Path, size: int = BLOCK) -> Iterator[bytes]:
    """Give a file's bytes in blocks of *size* at most, the compressed ones unpacked.

    Raise a CutShortError after the last bytes that could be read, where more should follow.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(len(_GZIP)) == _GZIP:
                stream.seek(0)
                yield from _joined(_unpacked(stream), size)
            else:
                stream.seek(0)
                while block := stream.read(size):
                    yield block
    except OSError as error:
        raise CutShortError(f"the file cannot be read on: {error}") from error


def _joined(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Join small pieces to blocks; what came before an error is given before it is raised."""
    gathered, length = [], 0
    try:
        for piece in pieces:
            gathered.append(piece)
            length += len(piece)
            if length >= size:
                yield b"".join(gathered)
                gathered, length = [], 0
    except CutShortError:
        if gathered:
            yield b"".join(gathered)
        raise
    if gathered:
        yield b"".join(gathered)


def _unpacked(stream: IO[bytes]) -> Iterator[bytes]:
    """Give the contents of all members, a few bytes of packed ones at a time."""
    try:
        with gzip.open(stream) as unpacked:
            while piece := unpacked.read1(_PIECE):
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        rule = "it ends before its end mark" if isinstance(error, EOFError) else error
        raise CutShortError(f"the compressed file cannot be read on: {rule}") from error


# The encoding of a text file, and its bytes as UTF-8.


def _byte_order_mark(head: bytes) -> tuple[str, int] | None:
    """The encoding that a byte order mark states, and the length of the mark, or None."""
    return next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), None)


def encoding_of(head: bytes) -> str | None:
    """The encoding that a file's first bytes tell: by a mark, or UTF-16 by its zeros."""
    if mark := _byte_order_mark(head):
        return mark[0]
    sample = head[:_SAMPLE]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > len(sample) // 8 and not even:
        return _UTF16LE
    if even > len(sample) // 8 and not odd:
        return _UTF16BE
    return None


def is_text(head: bytes) -> bool:
    """Whether the first bytes may be text: of all encodings UTF-16 alone has zero bytes."""
    return encoding_of(head) is not None or 0 not in head


def decodes(blocks: Iterable[bytes], encoding: str) -> bool:
    """Whether a whole file decodes; its last character may be cut, as its last line is."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            if not block.isascii() or decoder.getstate()[0]:
                decoder.decode(block)
    except UnicodeDecodeError:
        return False
    except CutShortError:
        pass
    return True


def is_gb2312(blocks: Iterable[bytes]) -> bool:
    """Whether all bytes beyond ASCII stand in pairs of GB2312, most of them Chinese characters.

    Accented letters of Western languages seldom stand in pairs, and never all of them.
    """
    pairs, chinese, rest = 0, 0, b""
    for block in blocks:
        data = rest + block
        cut = len(data.rstrip(_HIGH))
        data, rest = data[:cut], data[cut:]
        for run in _PAIRS.findall(data):
            if len(run) % 2 or min(run) < 0xA1:
                return False
            pairs += len(run) // 2
            chinese += sum(lead in _CHINESE_LEADS for lead in run[::2])
    return pairs > 0 and 2 * chinese > pairs and len(rest) % 2 == 0


def check_encoding(name: str) -> str:
    """An encoding by the name that Python has for it. Raise a ValueError for an unknown one."""
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)
    except (LookupError, UnicodeError):
        raise ValueError(
            f"encoding(={name!r}) must be one that Python has, such as {GB18030} or {CP1252}"
        ) from None
    return _OWN_NAMES.get(codec, codec)


def as_utf8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Give blocks in UTF-8, without a byte order mark; see the module for what does not decode."""
    rest = iter(blocks)
    first = next(rest, b"")
    mark = _byte_order_mark(first)
    first = first[mark[1] :] if mark and mark[0] == encoding else first
    if encoding == UTF8:
        yield first
        yield from rest
        return
    wide = encoding.lower().startswith(("utf-16", "utf-32", "utf_16", "utf_32"))
    errors = "surrogatepass" if wide else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    yield _encoded(decoder.decode(first))
    for block in rest:
        yield _encoded(decoder.decode(block))
    try:
        yield _encoded(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        yield _NO_UTF8


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# Whole lines of a text file in blocks, each with the number of its first line.


@dataclass(frozen=True)
class Lines:
    """Whole lines in UTF-8, each ended by LF; *first* is the number of the first one from 1.

    *rejected* are lines between these and the previous block; *last* is set at the end of the file.
    """

    first: int
    data: bytes
    rejected: tuple[RejectedRow, ...] = ()
    last: bool = False


def line_text(data: bytes) -> str:
    """A row's text: undecodable bytes replaced, the end of a very long one cut off."""
    data = data[: 4 * LONGEST_SHOWN]
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")[:LONGEST_SHOWN]
    return _HALVES.sub("\ufffd", text)[:LONGEST_SHOWN]


def line_starts(data: bytes) -> Ints:
    """Where each line begins, and where the last one ends."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _LF)
    return np.concatenate([np.zeros(1, np.int64), ends + 1])


def whole_lines(blocks: Iterable[bytes], *, cr: bool = True) -> Iterator[Lines]:
    """Give the lines of blocks in UTF-8; without *cr* a CR ends no line, as in JSON lines.

    Where a file ends early, a rejected line after its last one gives the reason.
    """
    gathering = _LineAssembler(cr)
    rejected: tuple[RejectedRow, ...] = ()
    try:
        for block in blocks:
            lines = gathering.add(block)
            if lines.data or lines.rejected:
                yield lines
    except CutShortError as error:
        rejected = (RejectedRow(0, (str(error),), ""),)
    yield gathering.end(rejected)


def numbered_lines(path: Path, encoding: str) -> Iterator[tuple[int, bytes, bool]]:
    """The lines of JSON or of a log, with their numbers, and whether each is whole."""
    cut = None
    for lines in whole_lines(as_utf8(blocks(path), encoding), cr=False):
        for rejected in lines.rejected:
            if rejected.text:
                yield rejected.row, rejected.text.encode("utf-8", "replace"), False
            else:
                cut = rejected.reasons[0]
        for number, line in enumerate(lines.data.split(b"\n")[:-1], lines.first):
            yield number, line.rstrip(b"\r"), len(line) <= LONGEST
    if cut:
        raise CutShortError(cut)


def _ended_by_lf(block: bytes) -> bytes:
    """The same lines; *block* does not end with the first half of CR LF."""
    text = np.frombuffer(block, np.uint8)
    if block[-1:] != b"\r" and (text[np.flatnonzero(text == _CR) + 1] == _LF).all():
        return block.translate(None, b"\r")
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class _LineAssembler:
    """Holds the line that a block ends within until its end arrives."""

    def __init__(self, cr: bool) -> None:
        self._cr = cr
        self._first, self._rest, self._half_end = 1, b"", b""
        self._too_long = False

    def add(self, block: bytes) -> Lines:
        """The lines that end in this block."""
        block = self._half_end + block
        self._half_end = b""
        if self._cr and b"\r" in block:
            if block.endswith(b"\r"):
                block, self._half_end = block[:-1], b"\r"
            block = _ended_by_lf(block)
        rejected: tuple[RejectedRow, ...] = ()
        if self._too_long:
            end = block.find(b"\n")
            if end < 0:
                return Lines(self._first, b"")
            rejected, block = (self._rejection(),), block[end + 1 :]
        end = block.rfind(b"\n") + 1
        data, rest = (self._rest + block[:end], block[end:]) if end else (b"", self._rest + block)
        self._rest = rest
        if len(rest) > LONGEST:
            self._rest, self._too_long = rest[: 4 * LONGEST_SHOWN], True
        return self._numbered(data, rejected)

    def end(self, rejected: tuple[RejectedRow, ...]) -> Lines:
        """The last line if it has no line end, and the reason why the file ends early."""
        long: tuple[RejectedRow, ...] = ()
        data = b""
        if self._too_long:
            long = (self._rejection(),)
        elif self._rest or self._half_end:
            data = self._rest + b"\n"
        first = self._numbered(data, ()).first
        rejected_lines = (*long, *(refusal._replace(row=self._first) for refusal in rejected))
        return Lines(first, data, rejected_lines, last=True)

    def _numbered(self, data: bytes, rejected: tuple[RejectedRow, ...]) -> Lines:
        lines = Lines(self._first, data, rejected)
        self._first += data.count(b"\n")
        return lines

    def _rejection(self) -> RejectedRow:
        rejected = RejectedRow(
            self._first, (f"line must be {LONGEST} bytes or fewer",), line_text(self._rest)
        )
        self._first, self._rest, self._too_long = self._first + 1, b"", False
        return rejected
