"""The encoding of a text file, and its bytes as UTF-8 whatever it is.

Bytes that an encoding does not know become bytes that UTF-8 does not know, so that their lines
are found later and nowhere else.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from smssim.logs.files.bytes import CutShortError

UTF8, GB18030, CP1252 = "UTF-8", "GB18030", "cp1252"
UTF16LE, UTF16BE = "UTF-16LE", "UTF-16BE"
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, UTF16LE),
    (codecs.BOM_UTF16_BE, UTF16BE),
)
_SAMPLE = 4_096
_NO_UTF8 = b"\xff"


def marked(head: bytes) -> tuple[str, int] | None:
    """The encoding that a byte order mark says, and the mark's length, or None."""
    return next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), None)


def certain(head: bytes) -> str | None:
    """The encoding that a file's first bytes tell: by a mark, or UTF-16 by its zeros."""
    if found := marked(head):
        return found[0]
    sample = head[:_SAMPLE]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > len(sample) // 8 and not even:
        return UTF16LE
    if even > len(sample) // 8 and not odd:
        return UTF16BE
    return None


def is_text(head: bytes) -> bool:
    """Whether the first bytes may be text: a zero byte stands in UTF-16 alone."""
    return certain(head) is not None or 0 not in head


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


def as_utf8(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Give blocks in UTF-8, without a byte order mark; see the module for what does not decode."""
    rest = iter(blocks)
    first = next(rest, b"")
    found = marked(first)
    first = first[found[1] :] if found and found[0] == encoding else first
    if encoding == UTF8:
        yield first
        yield from rest
        return
    errors = "surrogatepass" if encoding in (UTF16LE, UTF16BE) else "surrogateescape"
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
