"""The parts of an XLSX of unknown origin, unpacked piece by piece and within limits.

Nothing in the file is believed, neither its sizes nor its counts, and nothing outside it is read.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from copy import copy
from pathlib import Path

# Unpacked, a sheet and the texts of a million numbers are 80 to 220 MB, by the program that wrote
# them, and have 6 to 12 million tags. Memory follows the bytes, time follows the tags.
MAX_UNPACKED_BYTES = 300_000_000
MAX_TAGS = 20_000_000
MAX_ENTRIES = 1_000
_CHUNK_BYTES = 2**16
_ANY_SIZE = 2**62
_ENTRY = b"PK\x01\x02"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PLAIN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# All that zipfile raises for bytes that are no whole archive.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(struct.error, OverflowError, ValueError),
)


class Archive:
    """An XLSX of at most *max_bytes*, held packed in memory.

    Raise a ValueError that names the file and the rule for what is empty, larger, no zip, an OLE
    file (an .xls, or an XLSX with a password), or a zip of more than 1,000 entries.
    """

    def __init__(self, file: Path, max_bytes: int, max_tags: int | None = None) -> None:
        self.file = file
        self._bytes_left = MAX_UNPACKED_BYTES
        self._max_tags = self._tags_left = max_tags or MAX_TAGS
        with file.open("rb") as stream:
            packed = stream.read(max_bytes + 1)
        if len(packed) > max_bytes:
            size = file.stat().st_size
            raise self.refusal(f"size(={size} bytes) must be <= {max_bytes}")
        self._check_kind(packed)
        entries = packed.count(_ENTRY)
        if entries > MAX_ENTRIES:
            raise self.refusal(f"entries(={entries}) of the zip must be <= {MAX_ENTRIES}")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(packed))
        except _BROKEN as error:
            raise self.refusal(f"must be a whole zip, as an XLSX is ({error})") from error
        self._entries: dict[str, list[zipfile.ZipInfo]] = {}
        for entry in self._zip.infolist():
            self._entries.setdefault(entry.filename.lower(), []).append(entry)

    def refusal(self, rule: str) -> ValueError:
        """Return the error that says which file breaks which rule."""
        return ValueError(f"{self.file}: {rule}")

    def _check_kind(self, packed: bytes) -> None:
        if not packed:
            raise self.refusal("size(=0 bytes) must be > 0")
        if packed.startswith(_OLE):
            kind = "one with a password" if _ENCRYPTED in packed else "an .xls, or older"
            raise self.refusal(f"must be an XLSX without a password; this is an OLE file, {kind}")

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._entries

    def _entry(self, part: str) -> zipfile.ZipInfo:
        found = self._entries.get(part.lower(), [])
        if len(found) != 1:
            raise self.refusal(f"entries(={len(found)}) of {part} must be 1 in an XLSX")
        entry = found[0]
        if entry.flag_bits & 1:
            raise self.refusal(f"{part} must not be encrypted")
        # Other methods unpack a few bytes to any size in one step.
        if entry.compress_type not in _PLAIN_METHODS:
            raise self.refusal(f"{part}: method(={entry.compress_type}) must be stored or deflated")
        return entry

    def parts(self) -> list[str]:
        """The names of all parts, in small letters."""
        return list(self._entries)

    def unpacked(self, part: str) -> Iterator[bytes]:
        """Unpack *part* to its real end, whatever size its header declares.

        For parts that another reader unpacks again, which may believe less or more.
        """
        entry = copy(self._entry(part))
        entry.file_size = _ANY_SIZE
        for chunk in self._counted(entry):
            self._bytes_left -= len(chunk)
            if self._bytes_left < 0:
                raise self.refusal(f"unpacked size must be <= {MAX_UNPACKED_BYTES} bytes")
            yield chunk

    def size(self, part: str) -> int:
        """Return the bytes that *part* unpacks to at most."""
        return self._entry(part).file_size

    def chunks(self, part: str) -> Iterator[bytes]:
        """Unpack *part* piece by piece; zipfile stops at the size that its header declares."""
        entry = self._entry(part)
        if entry.file_size > self._bytes_left:
            raise self.refusal(
                f"unpacked size(={entry.file_size} bytes) of {part} must be <= {self._bytes_left}"
            )
        self._bytes_left -= entry.file_size
        return self._counted(entry)

    def _counted(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        for chunk in self._unpacked(entry):
            self._tags_left -= chunk.count(b"<")
            if self._tags_left < 0:
                raise self.refusal(
                    f"{entry.filename}: tags(>{self._max_tags}) must be <= {self._max_tags}"
                )
            yield chunk

    def _unpacked(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        try:
            with self._zip.open(entry) as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    yield chunk
        except _BROKEN as error:
            raise self.refusal(f"{entry.filename} must be whole ({error})") from error
