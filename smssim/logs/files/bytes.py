"""The bytes of a file in blocks, unpacked where gzip packed them.

No more than a block is held, whatever a hostile file unpacks to.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

BLOCK = 8 << 20
"""Bytes of a block."""

GZIP = b"\x1f\x8b"
_PACKED = 1 << 16
_ANY_GZIP = 31
"""What zlib calls a stream with the header and the checksum of gzip."""


class CutShortError(ValueError):
    """A file that cannot be read on; everything before was given."""


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed by gzip. Raise an OSError for one that cannot be read."""
    return start_of(path, len(GZIP)) == GZIP


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
            if stream.read(len(GZIP)) == GZIP:
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
    unpacker, within, packed = zlib.decompressobj(_ANY_GZIP), True, b""
    before = unpacker
    try:
        while packed := packed or stream.read(_PACKED):
            if not within:
                # Zeros after the last member are padding of tapes and archives.
                packed = packed.lstrip(b"\0")
                if not packed:
                    continue
                unpacker, within = zlib.decompressobj(_ANY_GZIP), True
            before = unpacker.copy()
            if piece := unpacker.decompress(packed, _PACKED << 4):
                yield piece
            packed = unpacker.unconsumed_tail
            if unpacker.eof:
                packed, within = unpacker.unused_data, False
    except zlib.error as error:
        yield from _before_error(before, packed)
        raise CutShortError(f"the compressed file cannot be read on: {error}") from error
    if within:
        raise CutShortError("the compressed file cannot be read on: it ends before its end mark")


def _before_error(unpacker: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """What comes out of *packed* before the byte that is wrong."""
    try:
        for place in range(len(packed)):
            if piece := unpacker.decompress(packed[place : place + 1]):
                yield piece
    except zlib.error:
        return
